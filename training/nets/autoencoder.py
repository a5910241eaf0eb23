"""Encoder and decoder of the VQGAN: image 1xHxW <-> feature map of H/f x W/f."""
from torch import nn
from torch.nn import functional as F

from .blocks import Downsample, ResBlock, SelfAttention, Upsample, group_norm


class Encoder(nn.Module):
    """One halving between successive multipliers; attention at the bottom."""

    def __init__(self, base, multipliers, blocks, channels_out):
        super().__init__()
        widths = [base * m for m in multipliers]
        self.stem = nn.Conv2d(1, widths[0], 3, padding=1)
        layers, width = [], widths[0]
        for level, target in enumerate(widths):
            for _ in range(blocks):
                layers.append(ResBlock(width, target))
                width = target
            if level + 1 < len(widths):
                layers.append(Downsample(width))
        self.down = nn.Sequential(*layers)
        self.middle = nn.Sequential(ResBlock(width, width), SelfAttention(width), ResBlock(width, width))
        self.norm = group_norm(width)
        self.head = nn.Conv2d(width, channels_out, 3, padding=1)

    def forward(self, image):
        h = self.middle(self.down(self.stem(image)))
        return self.head(F.silu(self.norm(h)))


class Decoder(nn.Module):
    """The mirror of the encoder; it is needed for training only and is not shipped."""

    def __init__(self, base, multipliers, blocks, channels_in):
        super().__init__()
        widths = [base * m for m in reversed(multipliers)]
        width = widths[0]
        self.stem = nn.Conv2d(channels_in, width, 3, padding=1)
        self.middle = nn.Sequential(ResBlock(width, width), SelfAttention(width), ResBlock(width, width))
        layers = []
        for level, target in enumerate(widths):
            for _ in range(blocks):
                layers.append(ResBlock(width, target))
                width = target
            if level + 1 < len(widths):
                layers.append(Upsample(width))
        self.up = nn.Sequential(*layers)
        self.norm = group_norm(width)
        self.head = nn.Conv2d(width, 1, 3, padding=1)

    def forward(self, latent):
        h = self.up(self.middle(self.stem(latent)))
        return self.head(F.silu(self.norm(h)))

"""Building blocks of the autoencoder: residual block, attention, resampling.

They run in plaintext on the client, so they may use what cannot be evaluated under encryption
(GroupNorm, SiLU, softmax). Shapes are read as plain integers so that the exported graph is static.
"""
import torch
from torch import nn
from torch.nn import functional as F

GROUPS = 8


def group_norm(channels):
    """GroupNorm works on batches of one image, which is what the client encodes."""
    return nn.GroupNorm(GROUPS, channels, eps=1e-6)


class ResBlock(nn.Module):
    """norm, SiLU, conv, twice, with a 1x1 shortcut where the number of channels changes."""

    def __init__(self, channels_in, channels_out):
        super().__init__()
        self.norm1 = group_norm(channels_in)
        self.conv1 = nn.Conv2d(channels_in, channels_out, 3, padding=1)
        self.norm2 = group_norm(channels_out)
        self.conv2 = nn.Conv2d(channels_out, channels_out, 3, padding=1)
        same = channels_in == channels_out
        self.shortcut = nn.Identity() if same else nn.Conv2d(channels_in, channels_out, 1)

    def forward(self, x):
        h = self.conv1(F.silu(self.norm1(x)))
        h = self.conv2(F.silu(self.norm2(h)))
        return self.shortcut(x) + h


class SelfAttention(nn.Module):
    """Single-head attention over all positions; only affordable at the lowest resolution."""

    def __init__(self, channels):
        super().__init__()
        self.norm = group_norm(channels)
        self.query = nn.Conv2d(channels, channels, 1)
        self.key = nn.Conv2d(channels, channels, 1)
        self.value = nn.Conv2d(channels, channels, 1)
        self.out = nn.Conv2d(channels, channels, 1)

    def forward(self, x):
        batch, channels, height, width = (int(n) for n in x.shape)
        h = self.norm(x)
        tokens = (batch, channels, height * width)
        query = self.query(h).reshape(tokens).transpose(1, 2)
        key = self.key(h).reshape(tokens)
        value = self.value(h).reshape(tokens).transpose(1, 2)
        weights = torch.softmax(torch.matmul(query, key) * channels ** -0.5, dim=2)
        mixed = torch.matmul(weights, value).transpose(1, 2)
        return x + self.out(mixed.reshape(batch, channels, height, width))


class Downsample(nn.Module):
    """Halve the size by a strided convolution padded on the right and bottom only.

    The one-sided pad keeps the sampling grid aligned at the top left for even sizes, as in the usual VQGAN.
    """

    def __init__(self, channels):
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, stride=2, padding=0)

    def forward(self, x):
        return self.conv(F.pad(x, (0, 1, 0, 1)))


class Upsample(nn.Module):
    """Double the size by repetition, then smooth by a convolution (no checkerboard)."""

    def __init__(self, channels):
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x):
        return self.conv(F.interpolate(x, scale_factor=2.0, mode="nearest"))

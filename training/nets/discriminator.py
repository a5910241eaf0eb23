"""Patch discriminator: says for each patch whether it comes from a film or from the decoder."""
from torch import nn


class PatchDiscriminator(nn.Module):
    """Three strided convolutions; small, because it trains on the same CPU as the generator."""

    def __init__(self, base=16):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(1, base, 4, stride=2, padding=1), nn.LeakyReLU(0.2),
            nn.Conv2d(base, 2 * base, 4, stride=2, padding=1), nn.GroupNorm(8, 2 * base), nn.LeakyReLU(0.2),
            nn.Conv2d(2 * base, 4 * base, 4, stride=2, padding=1), nn.GroupNorm(8, 4 * base), nn.LeakyReLU(0.2),
            nn.Conv2d(4 * base, 1, 3, padding=1))

    def forward(self, image):
        return self.body(image)

"""LeNet of latents: three 5x5 convolutions with average pools, then 128-64-classes [LatentHE25].

The published code does not pad. A 16x16 latent is too small for three such convolutions, so there they are padded.
"""
from torch import nn

from .quadratic import Quadratic


class LeNet(nn.Module):
    def __init__(self, channels_in, size, labels):
        super().__init__()
        padding = 2 if size < 28 else 0
        self.features = nn.Sequential(
            nn.Conv2d(channels_in, 32, 5, padding=padding), Quadratic(), nn.AvgPool2d(2),
            nn.Conv2d(32, 64, 5, padding=padding, groups=4), Quadratic(), nn.AvgPool2d(2),
            nn.Conv2d(64, 128, 5, padding=padding), Quadratic(), nn.AdaptiveAvgPool2d(1))
        self.hidden = nn.Linear(128, 64)
        self.act = Quadratic()
        self.fc = nn.Linear(64, labels)

    def forward(self, latent):
        return self.fc(self.act(self.hidden(self.features(latent).flatten(1))))

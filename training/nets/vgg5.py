"""VGG5 of latents: four 3x3 convolutions, the last three in 8 groups, one activation shared by all [LatentHE25]."""
from torch import nn

from .quadratic import Quadratic


class VGG5(nn.Module):
    """No bias anywhere, as published: the constants come from the activation alone."""

    def __init__(self, channels_in, size, labels):
        super().__init__()
        act, pool, layers, channels = Quadratic(c=0.1), nn.AvgPool2d(2), [], channels_in
        for width, groups in ((32, 1), (64, 8), (128, 8), (256, 8)):
            layers += [nn.Conv2d(channels, width, 3, padding=1, groups=groups, bias=False), act, pool]
            channels = width
        self.features = nn.Sequential(*layers)
        self.fc = nn.Linear(channels * (size // 16) ** 2, labels, bias=False)

    def forward(self, latent):
        return self.fc(self.features(latent).flatten(1))

"""HefNet of latents: four unpadded 3x3 convolutions with batch norm, the last three in 8 groups [LatentHE25].

One activation is shared by all. At 16x16 the last convolution is 1x1, as published.
"""
from torch import nn

from .quadratic import Quadratic


class HefNet(nn.Module):
    def __init__(self, channels_in, size, labels, widths=(64, 128, 256, 256)):
        super().__init__()
        self.act, self.pool = Quadratic(), nn.AvgPool2d(2)
        kernels = (3, 3, 3, 3 if size > 16 else 1)
        layers, channels, side = [], channels_in, size
        for k, (width, kernel) in enumerate(zip(widths, kernels)):
            layers += [nn.Conv2d(channels, width, kernel, groups=1 if k == 0 else 8), nn.BatchNorm2d(width), self.act]
            channels, side = width, side - kernel + 1
            if k > 0:
                layers.append(self.pool)
                side //= 2
        self.features = nn.Sequential(*layers)
        self.fc = nn.Linear(channels * side * side, labels)

    def forward(self, latent):
        return self.fc(self.features(latent).flatten(1))

"""Residual classifier of latents, with quadratic activations and none after the addition.

Leaving out the last activation lets the second convolution of a block and the first of the next
be composed when the network is planned for encryption. Depth is 6n + 2: n = 3, 5, 7, 9.
"""
from torch import nn

from .quadratic import Quadratic


def conv3x3(channels_in, channels_out, stride=1):
    """Padding of one on every side; batch norm follows, so no bias."""
    return nn.Conv2d(channels_in, channels_out, 3, stride=stride, padding=1, bias=False)


class Block(nn.Module):
    def __init__(self, channels_in, channels_out, stride):
        super().__init__()
        self.conv1 = conv3x3(channels_in, channels_out, stride)
        self.bn1 = nn.BatchNorm2d(channels_out)
        self.act = Quadratic()
        self.conv2 = conv3x3(channels_out, channels_out)
        self.bn2 = nn.BatchNorm2d(channels_out)
        self.shortcut = nn.Identity()
        if stride != 1 or channels_in != channels_out:
            self.shortcut = nn.Sequential(nn.Conv2d(channels_in, channels_out, 1, stride=stride, bias=False),
                                          nn.BatchNorm2d(channels_out))

    def forward(self, x):
        h = self.act(self.bn1(self.conv1(x)))
        return self.shortcut(x) + self.bn2(self.conv2(h))


class LatentResNet(nn.Module):
    def __init__(self, n=3, width=16, channels_in=4, labels=14):
        super().__init__()
        self.config = dict(n=n, width=width, channels_in=channels_in, labels=labels)
        self.conv = conv3x3(channels_in, width)
        self.bn = nn.BatchNorm2d(width)
        self.act = Quadratic()
        stages, channels = [], width
        for stage in range(3):
            target = width << stage
            for block in range(n):
                stride = 2 if stage > 0 and block == 0 else 1
                stages.append(Block(channels, target, stride))
                channels = target
        self.blocks = nn.Sequential(*stages)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(channels, labels)

    def forward(self, latent):
        h = self.act(self.bn(self.conv(latent)))
        return self.fc(self.pool(self.blocks(h)).flatten(1))

"""Small U-Net with square activations: 1-5-5, 10-10, 20-20, 10-10, 5-5, 1 channels [CryptoUNets25].

Average pools on the way down, 2x2 transposed convolutions on the way up, concatenated skips, a 1x1 convolution at the
end. The size stays, so every 3x3 convolution is padded.
"""
import torch
from torch import nn


class Square(nn.Module):
    def forward(self, x):
        return x ** 2


def pair(channels_in, channels_out):
    """Two convolutions, each with a square behind it."""
    return nn.Sequential(nn.Conv2d(channels_in, channels_out, 3, padding=1), Square(),
                         nn.Conv2d(channels_out, channels_out, 3, padding=1), Square())


class UNet(nn.Module):
    def __init__(self, channels_in=1, widths=(5, 10, 20), channels_out=1):
        super().__init__()
        top, middle, bottom = widths
        self.down1, self.down2, self.bottom = pair(channels_in, top), pair(top, middle), pair(middle, bottom)
        self.pool = nn.AvgPool2d(2)
        self.raise2 = nn.ConvTranspose2d(bottom, middle, 2, stride=2)
        self.up2 = pair(2 * middle, middle)
        self.raise1 = nn.ConvTranspose2d(middle, top, 2, stride=2)
        self.up1 = pair(2 * top, top)
        self.head = nn.Conv2d(top, channels_out, 1)

    def forward(self, image):
        first = self.down1(image)
        second = self.down2(self.pool(first))
        h = self.raise2(self.bottom(self.pool(second)))
        h = self.raise1(self.up2(torch.cat([second, h], dim=1)))
        return self.head(self.up1(torch.cat([first, h], dim=1)))

"""VQGAN generator: encoder, quantiser and decoder, and the part of it that is shipped."""
import torch
from torch import nn

from .autoencoder import Decoder, Encoder
from .quantizer import VectorQuantizer


class VQGAN(nn.Module):
    """Downsampling is 2^(len(multipliers) - 1): four multipliers give f = 8."""

    def __init__(self, base=16, multipliers=(1, 2, 4, 4), blocks=1, channels=4, codes=1024):
        super().__init__()
        self.config = dict(base=base, multipliers=tuple(multipliers), blocks=blocks, channels=channels, codes=codes)
        self.encoder = Encoder(base, multipliers, blocks, channels)
        self.quant_conv = nn.Conv2d(channels, channels, 1)
        self.quantizer = VectorQuantizer(codes, channels)
        self.post_quant_conv = nn.Conv2d(channels, channels, 1)
        self.decoder = Decoder(base, multipliers, blocks, channels)

    def encode(self, image):
        """Continuous latent, before quantisation: it is what the classifier reads."""
        return self.quant_conv(self.encoder(image))

    def decode(self, latent):
        return self.decoder(self.post_quant_conv(latent))

    def forward(self, image, quantise=True):
        latent = self.encode(image)
        if not quantise:
            return self.decode(latent), latent.new_zeros(()), None
        quantised, loss, index = self.quantizer(latent)
        return self.decode(quantised), loss, index


class LatentEncoder(nn.Module):
    """The shipped encoder: the latent is shifted and scaled to about zero mean and unit variance per channel.

    The affine map goes into the 1x1 convolution, so the exported graph gains no node.
    """

    def __init__(self, vqgan, mean, std):
        super().__init__()
        self.encoder = vqgan.encoder
        last = vqgan.quant_conv
        self.quant_conv = nn.Conv2d(last.in_channels, last.out_channels, 1)
        with torch.no_grad():
            self.quant_conv.weight.copy_(last.weight / std.reshape(-1, 1, 1, 1))
            self.quant_conv.bias.copy_((last.bias - mean) / std)

    def forward(self, image):
        return self.quant_conv(self.encoder(image))

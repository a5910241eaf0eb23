"""The networks of the latent-classification paper by name, and the shapes of their latents."""
from .nets.hefnet import HefNet
from .nets.lenet import LeNet
from .nets.resnet import LatentResNet
from .nets.unet import UNet
from .nets.vgg5 import VGG5

# f -> (channels, side) of the latent of a 256x256 film
LATENTS = {16: (8, 16), 8: (4, 32), 4: (3, 64), 2: (2, 128)}


def resnet(n):
    """Depth 6n + 2; the size of the latent does not matter, since a global pool ends it."""
    return lambda channels, side, labels: LatentResNet(n=n, channels_in=channels, labels=labels)


NETWORKS = {"lenet": LeNet, "vgg5": VGG5, "hefnet": HefNet, "resnet20": resnet(3), "resnet32": resnet(5),
            "resnet44": resnet(7), "resnet56": resnet(9)}
UNET_SIDE = 64


def make(name, f, labels):
    """(network, shape of its input). The U-Net takes an image of 64x64 and ignores f and labels."""
    if name == "unet":
        return UNet(), (1, UNET_SIDE, UNET_SIDE)
    channels, side = LATENTS[f]
    return NETWORKS[name](channels, side, labels), (channels, side, side)

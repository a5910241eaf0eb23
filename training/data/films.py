"""The films of nih_256 by part, with labels, and the larger mix that trains the autoencoder."""
import torch

from .images import read_all
from .sources import nih, pneumonia
from .split import parts


def nih_part(part):
    """(uint8 images, float labels) of "train" or "validation", in the order of the label file."""
    assigned = parts()
    films = [f for f in nih() if assigned[f[0]][1] == part]
    return read_all([f[2] for f in films]), torch.tensor([f[3] for f in films])


def autoencoder_mix():
    """uint8 training images without labels: NIH training part and paediatric films.

    nih_64 stays out: enlarged four times it would teach the decoder to blur.
    """
    return torch.cat([nih_part("train")[0], read_all(pneumonia())])

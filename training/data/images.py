"""Image file -> 256x256 grey levels, as the client prepares them.

The smallest side is resized to the target, then the centre is cropped; levels stay 8-bit here
so that a whole set fits in memory, and become [-1, 1] only when a batch is drawn.
"""
import numpy as np
import torch
from PIL import Image


def read_grey(path, size=256):
    """uint8 array size x size."""
    with Image.open(path) as file:
        image = file.convert("L")
    scale = size / min(image.size)
    if scale != 1.0:
        image = image.resize((max(size, round(image.width * scale)), max(size, round(image.height * scale))),
                             Image.LANCZOS)
    left, top = (image.width - size) // 2, (image.height - size) // 2
    return np.asarray(image.crop((left, top, left + size, top + size)))


def read_all(paths, size=256):
    """uint8 tensor count x 1 x size x size."""
    return torch.from_numpy(np.stack([read_grey(p, size) for p in paths]))[:, None]


def to_range(grey):
    """0..255 -> [-1, 1], the range of the encoder's input."""
    return grey.float() / 127.5 - 1.0


def from_range(image):
    """[-1, 1] -> [0, 1], for PSNR and SSIM; clipped, since a display clips."""
    return (image.clamp(-1, 1) + 1.0) / 2.0

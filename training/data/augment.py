"""Random views of a film, made before encoding: a flip of the latent is not the latent of the flip."""
import math

import torch
from torch.nn import functional as F


def random_views(image, generator):
    """Small rotation, zoom and shift, flip, brightness and contrast; image in [-1, 1], batch first."""
    count = len(image)
    uniform = lambda low, high: low + (high - low) * torch.rand(count, generator=generator)
    angle, zoom = uniform(-math.radians(7), math.radians(7)), uniform(0.88, 1.08)
    mirror = torch.where(uniform(0, 1) < 0.5, -1.0, 1.0)
    across, down = uniform(-0.06, 0.06), uniform(-0.06, 0.06)
    cos, sin = zoom * angle.cos(), zoom * angle.sin()
    theta = torch.stack([torch.stack([cos * mirror, -sin, across], 1), torch.stack([sin * mirror, cos, down], 1)], 1)
    grid = F.affine_grid(theta, image.shape, align_corners=False)
    moved = F.grid_sample(image, grid, mode="bilinear", padding_mode="border", align_corners=False)
    gain, shift = uniform(0.85, 1.15).view(-1, 1, 1, 1), uniform(-0.12, 0.12).view(-1, 1, 1, 1)
    return (moved * gain + shift).clamp(-1, 1)

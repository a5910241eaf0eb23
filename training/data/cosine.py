"""Stand-ins for latents of which no encoder is trained: the first cosine coefficients of each f x f block of a film.

Like an encoder's output they are local, correlated in space and heavy-tailed. They hold the film, so they stay
where films stay: outside the project.
"""
import math

import torch
from torch.nn import functional as F


def kernels(f, channels):
    """channels x 1 x f x f: products of cosines, by rising frequency, each of unit norm."""
    order = sorted(((u, v) for u in range(f) for v in range(f)), key=lambda p: (p[0] + p[1], p))[:channels]
    at = (torch.arange(f).double() + 0.5) * math.pi / f
    out = torch.stack([torch.outer((u * at).cos(), (v * at).cos()) for u, v in order])
    return (out / out.flatten(1).norm(dim=1).view(-1, 1, 1)).float()[:, None]


def cosine_latents(images, f, channels):
    """images count x 1 x H x W in [-1, 1] -> count x channels x H/f x W/f, compressed as a network would.

    Coefficients of films have far heavier tails than latents of a trained encoder; asinh of the coefficient over
    its usual size brings them to about the same.
    """
    raw = F.conv2d(images, kernels(f, channels), stride=f)
    usual = raw.abs().mean(dim=(0, 2, 3), keepdim=True).clamp(min=1e-6)
    return torch.asinh(raw / usual)


def moments(latents):
    """Mean and standard deviation of each channel, shaped to broadcast."""
    return latents.mean(dim=(0, 2, 3), keepdim=True), latents.std(dim=(0, 2, 3), keepdim=True).clamp(min=1e-6)

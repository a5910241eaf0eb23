"""Learnable quadratic activation a*x^2 + b*x + c: a single squaring under encryption."""
import torch
from torch import nn


class Quadratic(nn.Module):
    """One scalar a, b, c per layer. The last input is kept so that training can bound its range."""

    def __init__(self, a=0.1, b=0.7, c=0.0):
        super().__init__()
        self.a = nn.Parameter(torch.tensor([a]))
        self.b = nn.Parameter(torch.tensor([b]))
        self.c = nn.Parameter(torch.tensor([c]))
        self.last_input = None

    def forward(self, x):
        if self.training:
            self.last_input = x
        return self.a * x ** 2 + self.b * x + self.c


def range_penalty(network, bound=6.0):
    """Squared excess of the largest |input| of each film over `bound`, summed over the activations.

    The planner must bound these values, and a quadratic amplifies what leaves the trained range. The largest value
    of a film counts, not the mean: outliers are few positions (a marker letter, a clip) that a mean would not feel.
    """
    excess = [(m.last_input.abs().flatten(1).amax(dim=1) - bound).clamp(min=0).pow(2).mean()
              for m in network.modules() if isinstance(m, Quadratic) and m.last_input is not None]
    return torch.stack(excess).sum()

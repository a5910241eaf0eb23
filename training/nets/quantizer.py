"""Vector quantisation: every latent position becomes the nearest of a fixed number of code vectors."""
import torch
from torch import nn
from torch.nn import functional as F


class VectorQuantizer(nn.Module):
    """Nearest code with straight-through gradient, codebook loss and commitment loss.

    Codes that were not chosen since the last revive() are moved onto encoder outputs,
    because gradient descent alone never reaches a code that no position selects.
    """

    def __init__(self, codes=1024, channels=4, commitment=0.25):
        super().__init__()
        self.commitment = commitment
        self.codebook = nn.Parameter(torch.randn(codes, channels))
        self.register_buffer("uses", torch.zeros(codes), persistent=False)

    def nearest(self, vectors):
        """Index of the nearest code of each row; |v|^2 is left out, it does not change the order."""
        norms = self.codebook.pow(2).sum(dim=1)
        return torch.argmin(norms - 2.0 * vectors @ self.codebook.t(), dim=1)

    def forward(self, latent):
        batch, channels, height, width = latent.shape
        vectors = latent.permute(0, 2, 3, 1).reshape(-1, channels)
        with torch.no_grad():
            index = self.nearest(vectors)
            if self.training:
                self.uses += torch.bincount(index, minlength=len(self.codebook)).float()
        chosen = F.embedding(index, self.codebook)
        loss = F.mse_loss(chosen, vectors.detach()) + self.commitment * F.mse_loss(vectors, chosen.detach())
        passed = vectors + (chosen - vectors).detach()
        quantised = passed.reshape(batch, height, width, channels).permute(0, 3, 1, 2).contiguous()
        return quantised, loss, index.reshape(batch, height, width)

    @torch.no_grad()
    def revive(self, latent):
        """Move unused codes to random positions of `latent`; returns how many moved."""
        vectors = latent.permute(0, 2, 3, 1).reshape(-1, latent.shape[1])
        dead = (self.uses == 0).nonzero().flatten()[: len(vectors)]
        picks = torch.randperm(len(vectors))[: len(dead)]
        self.codebook[dead] = vectors[picks] + 0.01 * torch.randn(len(dead), latent.shape[1])
        self.uses.zero_()
        return len(dead)

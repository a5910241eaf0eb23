"""Losses of the autoencoder: levels, edges, and the game against the discriminator."""
import torch
from torch.nn import functional as F


def edge_loss(image, target, scales=3):
    """L1 between finite differences at several scales.

    It stands in for a perceptual loss: no network that was trained on photographs is needed, and
    it rewards thin structures (ribs, vessels, catheters) that plain L1 trades for smooth lungs.
    """
    total = image.new_zeros(())
    for scale in range(scales):
        if scale:
            image, target = F.avg_pool2d(image, 2), F.avg_pool2d(target, 2)
        total = total + F.l1_loss(image.diff(dim=3), target.diff(dim=3))
        total = total + F.l1_loss(image.diff(dim=2), target.diff(dim=2))
    return total / scales


def reconstruction_loss(image, target):
    """L1 for sharpness, a little L2 for PSNR, and the edges."""
    return F.l1_loss(image, target) + F.mse_loss(image, target) + edge_loss(image, target)


def hinge_discriminator(real, fake):
    """Stops pulling once a patch is judged right by a margin of one."""
    return 0.5 * (F.relu(1.0 - real).mean() + F.relu(1.0 + fake).mean())


def balanced_weight(reconstruction, adversarial, last_weight, share, most=1.0):
    """Weight that gives the adversarial gradient `share` of the reconstruction gradient at the last layer."""
    rec = torch.autograd.grad(reconstruction, last_weight, retain_graph=True)[0].norm()
    adv = torch.autograd.grad(adversarial, last_weight, retain_graph=True)[0].norm()
    return (share * rec / (adv + 1e-6)).clamp(max=most).detach()

"""Weights without training: random, then scaled layer by layer on data so that values stay in range.

Batch norm takes the statistics of the calibration latents. A convolution without one is scaled until each of its
channels has the wanted mean and deviation, in the order of evaluation (layer-sequential unit variance [LSUV16]).
"""
import torch
from torch import nn

from .nets.quadratic import Quadratic
from .nets.unet import UNet

LINEAR = (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)
LOGIT_STD, LOGIT_MEAN = 1.5, -1.0
LARGEST_BEND = 1.0  # of a quadratic: its second-order term over its first-order term, at the largest input


def shake(network, seed):
    """Coefficients as training leaves them: no two layers alike, branches of a residual block below its trunk."""
    torch.manual_seed(seed)
    for name, module in network.named_modules():
        if isinstance(module, Quadratic):
            for parameter, low, high in ((module.a, 0.08, 0.15), (module.b, 0.5, 0.9), (module.c, -0.1, 0.1)):
                nn.init.uniform_(parameter, low, high)
        elif isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.8, 1.2)
            nn.init.normal_(module.bias, 0.0, 0.2)
            if name.endswith("bn2"):
                module.weight.data.mul_(0.4)
        elif isinstance(module, LINEAR):
            nn.init.kaiming_normal_(module.weight, nonlinearity="linear")
            if module.bias is not None:
                nn.init.normal_(module.bias, 0.0, 0.1)


@torch.no_grad()
def settle_batch_norm(network, latents, batch=32):
    """Running statistics become the mean over all calibration batches."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.reset_running_stats()
            module.momentum = None
    network.train()
    for part in latents.split(batch):
        network(part)
    network.eval()


@torch.no_grad()
def bound_bends(network, evaluate):
    """Flatten each quadratic until its largest input is not amplified much more than a usual one.

    A marker letter or a clip is an outlier of a film; each parabola would stretch it further. Training penalises
    that; random weights do not. Each is flattened before it is evaluated, so that those behind it see tame values.
    """
    def flatten(module, inputs):
        module.a.clamp_(max=LARGEST_BEND * module.b.item() / inputs[0].abs().max().item())
    hooks = [m.register_forward_pre_hook(flatten) for m in network.modules() if isinstance(m, Quadratic)]
    evaluate()
    for hook in hooks:
        hook.remove()


def rescale(module, output, mean, std):
    """Give each output channel this deviation and, where there is a bias, this mean (tensors or numbers)."""
    axes = [k for k in range(output.dim()) if k != 1]
    gain = std / output.std(dim=axes).clamp(min=1e-6)
    shape = [1] * module.weight.dim()
    shape[1 if isinstance(module, nn.ConvTranspose2d) else 0] = -1
    module.weight.mul_(gain.view(shape))
    if module.bias is not None:
        module.bias.copy_(mean - (output.mean(dim=axes) - module.bias) * gain)


@torch.no_grad()
def settle_linear(network, latents, mean, std):
    """Rescale every convolution and dense layer but the last, in order, each on what those before now give."""
    network.eval()
    layers = [m for m in network.modules() if isinstance(m, LINEAR)][:-1]
    for module in layers:
        seen = []
        hook = module.register_forward_hook(lambda _module, _inputs, output: seen.append(output))
        network(latents)
        hook.remove()
        width = seen[0].shape[1]
        sign = torch.where(torch.arange(width) % 2 == 0, 1.0, -1.0)
        rescale(module, seen[0], mean * sign, std)


@torch.no_grad()
def settle_output(network, latents, batch=32):
    """Scale the last layer so that logits have a usual size; its bias, where there is one, sets their mean."""
    last = [m for m in network.modules() if isinstance(m, LINEAR)][-1]
    logits = torch.cat([network(part) for part in latents.split(batch)])
    gain = LOGIT_STD / logits.std()
    last.weight.mul_(gain)
    if last.bias is not None:
        last.bias.mul_(gain).add_(LOGIT_MEAN - gain * logits.mean())


def calibrate(network, latents, seed):
    """Returns how it was done, for the model card.

    A square doubles the dynamic range of what it gets; the U-Net has ten in a row. Its channels are therefore
    centred off zero, where the parabola is steep and nearly straight.
    """
    shake(network, seed)
    if any(isinstance(m, nn.BatchNorm2d) for m in network.modules()):
        bound_bends(network, lambda: settle_batch_norm(network, latents))
        settle_batch_norm(network, latents)
        how = "random weights, batch norm calibrated"
    else:
        mean, std = (1.0, 0.2) if isinstance(network, UNet) else (0.2, 1.0)
        settle_linear(network, latents[:64], mean, std)
        bound_bends(network, lambda: [network(part) for part in latents.split(64)])
        settle_linear(network, latents[:64], mean, std)
        how = "random weights, each layer scaled to unit variance"
    settle_output(network, latents)
    return how

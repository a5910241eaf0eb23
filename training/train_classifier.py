"""Train ResNet20 on cached latents: python3 -m training.train_classifier --latents DIR/latents.pt --out DIR.

Other sets, where cached, join as further rows: nih_64 with the same labels, the paediatric films with a
label of their own on an output that is dropped in the end. They only help the shared trunk.
"""
import argparse
import json
import math
import time
from pathlib import Path

import torch
from torch.nn import functional as F

from .labels import NIH_LABELS
from .metrics import auroc_table
from .nets.quadratic import range_penalty
from .nets.resnet import LatentResNet

LABELS = len(NIH_LABELS)


def assemble(stored, small_share, paediatric_share):
    """List of (latents per view, targets of 15 columns, mask, share of each batch)."""
    def masked(labels, columns):
        target, mask = torch.zeros(len(labels), LABELS + 1), torch.zeros(LABELS + 1)
        target[:, columns], mask[columns] = labels.reshape(len(labels), -1), 1.0
        return target, mask
    nih, extra = slice(0, LABELS), slice(LABELS, LABELS + 1)
    views = torch.cat([stored["train"][None], stored["views"]])
    sets = [(views, *masked(stored["train_labels"], nih), 1.0 - small_share - paediatric_share)]
    if small_share:
        sets.append((stored["small"], *masked(stored["small_labels"], nih), small_share))
    if paediatric_share:
        sets.append((stored["paediatric"], *masked(stored["paediatric_labels"], extra), paediatric_share))
    return sets


def augment(latent, noise):
    """Shift by up to two positions, scale a little, add noise: what another film of the chest could change."""
    count = len(latent)
    padded = F.pad(latent, (2, 2, 2, 2), mode="replicate")
    rows, columns = torch.randint(0, 5, (2, count)).tolist()
    moved = torch.stack([padded[k, :, r:r + 32, c:c + 32] for k, (r, c) in enumerate(zip(rows, columns))])
    return moved * (1 + 0.05 * torch.randn(count, 1, 1, 1)) + noise * torch.randn_like(moved)


def draw_batch(sets, count, noise):
    latents, targets, masks = [], [], []
    for views, target, mask, share in sets:
        n = max(1, round(count * share))
        rows = torch.randint(0, len(target), (n,))
        latents.append(views[torch.randint(0, len(views), (n,)), rows])
        targets.append(target[rows])
        masks.append(mask.expand(n, -1))
    return augment(torch.cat(latents), noise), torch.cat(targets), torch.cat(masks)


def positive_weights(labels):
    """Square root of negatives over positives, at most 4: full balancing would let four hernias rule."""
    positives = labels.sum(dim=0).clamp(min=1)
    return ((len(labels) - positives) / positives).sqrt().clamp(1, 4)


@torch.no_grad()
def predict(network, latents):
    network.eval()
    scores = torch.cat([network(part) for part in latents.split(64)])[:, :LABELS]
    network.train()
    return scores


@torch.no_grad()
def follow(average, network, decay):
    """Exponential average of the weights: smoother than any single step on so few films."""
    for kept, new in zip(average.state_dict().values(), network.state_dict().values()):
        if kept.dtype.is_floating_point:
            kept.lerp_(new, 1.0 - decay)


def keep_labels(network):
    """The network without the output of the paediatric label."""
    slim = LatentResNet(**{**network.config, "labels": LABELS})
    state = network.state_dict()
    state["fc.weight"], state["fc.bias"] = state["fc.weight"][:LABELS], state["fc.bias"][:LABELS]
    slim.load_state_dict(state)
    return slim.eval()


def load(path):
    stored = torch.load(path, map_location="cpu")
    network = LatentResNet(**stored["config"])
    network.load_state_dict(stored["state"])
    return network.eval()


def train(options):
    torch.manual_seed(options.seed)
    torch.set_num_threads(options.threads)
    stored = torch.load(options.latents)
    sets = assemble(stored, options.small, options.paediatric)
    network = LatentResNet(n=options.n, width=options.width, labels=LABELS + 1)
    weights = torch.cat([positive_weights(stored["train_labels"]), torch.ones(1)])
    prior = stored["train_labels"].mean(dim=0).clamp(1e-3, 1 - 1e-3)
    usual = torch.cat([prior, torch.tensor([0.5])])
    with torch.no_grad():
        network.fc.bias[:LABELS] = torch.log(weights[:LABELS] * prior / (1 - prior))
    average = LatentResNet(**network.config)
    average.load_state_dict(network.state_dict())
    decayed = [p for p in network.parameters() if p.dim() > 1]
    plain = [p for p in network.parameters() if p.dim() <= 1]
    optimiser = torch.optim.AdamW([{"params": decayed, "weight_decay": options.decay},
                                   {"params": plain, "weight_decay": 0.0}], lr=options.lr)
    started = time.time()
    for step in range(options.steps):
        rate = options.lr * min(1, (step + 1) / 50) * 0.5 * (1 + math.cos(math.pi * step / options.steps))
        for group in optimiser.param_groups:
            group["lr"] = rate
        latent, target, mask = draw_batch(sets, options.batch, options.noise)
        logits = network(latent)
        smooth = torch.lerp(target, usual.expand_as(target), options.smoothing)
        each = F.binary_cross_entropy_with_logits(logits, smooth, pos_weight=weights, reduction="none")
        loss = (each * mask).sum() / mask.sum()
        total = loss + options.range_weight * range_penalty(network, options.range_bound)
        optimiser.zero_grad(set_to_none=True)
        total.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        follow(average, network, min(options.average, (step + 1) / (step + 10)))
        if (step + 1) % 100 == 0 or step + 1 == options.steps:
            table = auroc_table(predict(average, stored["validation"]), stored["validation_labels"])
            fit = auroc_table(predict(average, stored["train"]), stored["train_labels"])
            print(f"step {step + 1} loss {loss.item():.4f} train macro {fit['macro']:.3f} validation micro "
                  f"{table['micro']:.4f} macro {table['macro']:.4f} weighted {table['weighted']:.4f} "
                  f"pneumonia {table['per_class'][6]:.3f} seconds {time.time() - started:.0f}", flush=True)
    slim = keep_labels(average)
    slim_table = auroc_table(predict(slim, stored["validation"]), stored["validation_labels"])
    torch.save({"config": slim.config, "state": slim.state_dict(), "seconds": time.time() - started,
                "options": {k: str(v) for k, v in vars(options).items()}}, options.out)
    print("final", json.dumps(slim_table), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--latents", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True, help="file of the trained classifier")
    parser.add_argument("--n", type=int, default=3, help="blocks per stage: depth 6n + 2")
    parser.add_argument("--width", type=int, default=16)
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--lr", type=float, default=2e-3)
    parser.add_argument("--decay", type=float, default=0.3)
    parser.add_argument("--noise", type=float, default=0.15)
    parser.add_argument("--smoothing", type=float, default=0.1)
    parser.add_argument("--average", type=float, default=0.99)
    parser.add_argument("--range-weight", type=float, default=0.005, help="of the penalty on wide activation inputs")
    parser.add_argument("--range-bound", type=float, default=10.0, help="what the penalty calls wide")
    parser.add_argument("--small", type=float, default=0.0, help="share of nih_64 in a batch")
    parser.add_argument("--paediatric", type=float, default=0.0, help="share of pneumonia_224 in a batch")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=20261121)
    train(parser.parse_args())


if __name__ == "__main__":
    main()

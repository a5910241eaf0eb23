"""Write model folders of the paper's networks: python3 -m training.export_zoo --out DIR [--networks ...] [--f ...].

One folder per network and latent: the graph, model.json with ranges, a card, and 20 inputs with PyTorch's float64
outputs, for `umbra verify --expected` and `bench/networks.py`. The weights are calibrated, not trained: the folders
measure speed, memory and precision, not medicine. Where the films are absent, smooth random fields take their place.
"""
import argparse
import json
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F

from .calibrate import calibrate
from .data.cosine import cosine_latents, moments
from .data.films import nih_part
from .data.images import to_range
from .data.sources import PROJECT, data_root
from .export import LATENT_MARGIN, measure_moments, measure_ranges, model_text, synthetic_images, write_graph
from .labels import NIH_LABELS
from .onnx_run import OnnxRunner
from .zoo import LATENTS, NETWORKS, UNET_SIDE, make

SEED = 20261121
ENCODER = PROJECT / "models" / "chest-resnet20-f8" / "encoder.onnx"
CARD = """# {name}

{network} on {source}, to measure compilation, speed, memory and precision. **Not a medical device, and not trained:**
{how}, on {count} inputs, seed {seed}. The outputs mean nothing.

| | |
|---|---|
| input | {shape}, largest magnitude over the calibration inputs times {margin}: {most} |
| output | {outputs} numbers; over the {cases} expected inputs from {low:.2f} to {high:.2f}, and one output varies between inputs by {spread:.3f} (standard deviation) |
| weights | {weights} |
| `expected/` | {cases} inputs, and PyTorch's outputs for them in float64 |
"""


def images(count, cases):
    """(calibration images, expected images, what they are): films of the two parts, or random fields."""
    if (data_root() / "cxr" / "nih_256").is_dir():
        train, validation = nih_part("train")[0], nih_part("validation")[0]
        return to_range(train[:count]), to_range(validation[:cases]), "films of NIH ChestX-ray14"
    drawn = synthetic_images(count + cases, SEED)
    return drawn[:count], drawn[count:], "smooth random fields (no films at hand)"


class Inputs:
    """Calibration and expected inputs of each shape; made once, since the encoder takes a while."""

    def __init__(self, count, cases):
        calibration, expected, self.what = images(count, cases)
        self.images, self.count, self.made = torch.cat([calibration, expected]), count, {}

    def _make(self, f):
        if f is None:
            return F.avg_pool2d(self.images, 256 // UNET_SIDE), f"images of 64x64 ({self.what})"
        if f == 8:
            encoder = OnnxRunner(ENCODER)
            return (torch.cat([encoder.run(x)[encoder.output] for x in self.images.split(1)]),
                    f"latents of the shipped f = 8 encoder ({self.what})")
        latents = cosine_latents(self.images, f, LATENTS[f][0])
        mean, std = moments(latents[:self.count])
        return (latents - mean) / std, f"block cosine coefficients in place of f = {f} latents ({self.what})"

    def get(self, f):
        """(calibration, expected, source) as float32 tensors."""
        if f not in self.made:
            self.made[f] = self._make(f)
        tensor, source = self.made[f]
        return tensor[:self.count].contiguous(), tensor[self.count:].contiguous(), source


@torch.no_grad()
def write_cases(folder, network, inputs):
    """expected/inputs/NN.npy in float32 and expected/outputs/NN.npy in float64."""
    for part in ("inputs", "outputs"):
        (folder / "expected" / part).mkdir(parents=True, exist_ok=True)
    outputs = torch.cat([network.double()(x[None].double()) for x in inputs])
    network.float()
    cases = []
    for k in range(len(inputs)):
        names = {part: f"expected/{part}s/{k:02d}.npy" for part in ("input", "output")}
        np.save(folder / names["input"], inputs[k:k + 1].numpy())
        np.save(folder / names["output"], outputs[k:k + 1].numpy())
        cases.append({"model": "classifier", **names})
    return cases, outputs


def folder_name(name, f, labels):
    if name == "unet":
        return name
    return f"{name}-f{f}" + ("" if labels == len(NIH_LABELS) else f"-c{labels}")


def export(options, inputs, name, f):
    """One folder; the seed of its weights depends on network and latent alone."""
    folder = options.out / folder_name(name, f, options.classes)
    folder.mkdir(parents=True, exist_ok=True)
    seed = SEED + 100 * ([*NETWORKS, "unet"].index(name) + 1) + (f or 0)
    torch.manual_seed(seed)
    network, shape = make(name, f, options.classes)
    calibration, expected, source = inputs.get(f)
    how = calibrate(network, calibration, seed)
    write_graph(network, folder / "classifier.onnx", (1, *shape), "latent", "logits")
    runner = OnnxRunner(folder / "classifier.onnx")
    ranges, known = measure_ranges(runner, calibration), measure_moments(runner, calibration)
    most = round(LATENT_MARGIN * max(calibration.abs().max().item(), expected.abs().max().item()), 4)
    cases, outputs = write_cases(folder, network, expected)
    model = {"format": "umbra-model", "version": 1, "name": folder.name, "classifier": "classifier.onnx",
             "input": {"kind": "tensor"}, "latent": {"shape": list(shape), "abs_max": most}, "output": "logits",
             "ranges": ranges, "moments": known, "expected": cases}
    if name != "unet":
        model["labels"] = [*NIH_LABELS, "No Finding"][:options.classes]
    (folder / "model.json").write_text(model_text(model))
    (folder / "MODEL_CARD.md").write_text(CARD.format(
        name=folder.name, network=name, source=source, how=how, count=len(calibration), seed=seed,
        shape="x".join(str(n) for n in shape), margin=LATENT_MARGIN, most=most, outputs=outputs[0].numel(),
        cases=len(cases), low=outputs.min().item(), high=outputs.max().item(), spread=outputs.std(dim=0).mean().item(),
        weights=sum(p.numel() for p in network.parameters())))
    widest = max((max(-low, high) for low, high in ranges.values()), default=0)
    print(f"{folder.name:16s} widest range {widest:8.2f}, outputs {outputs.min().item():7.2f} to "
          f"{outputs.max().item():6.2f}, spread between inputs {outputs.std(dim=0).mean().item():.3f}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--networks", nargs="+", choices=[*NETWORKS, "unet"], default=[*NETWORKS, "unet"])
    parser.add_argument("--f", type=int, nargs="+", choices=list(LATENTS), default=list(LATENTS))
    parser.add_argument("--classes", type=int, choices=(14, 15), default=14, help="NIH's findings; 15 adds No Finding")
    parser.add_argument("--calibration", type=int, default=160, help="inputs to calibrate on")
    parser.add_argument("--cases", type=int, default=20, help="inputs with expected outputs")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    inputs = Inputs(options.calibration, options.cases)
    for name in options.networks:
        for f in [None] if name == "unet" else options.f:
            export(options, inputs, name, f)


if __name__ == "__main__":
    main()

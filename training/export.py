"""Write a model folder: python3 -m training.export --vqgan F --latents F --classifier F --out models/NAME.

The folder holds the two graphs, model.json with the ranges measured on the training films, and tensors
to check an engine against. Those come from a seeded generator: no film and no latent leaves the data set.
"""
import argparse
import json
import re
from pathlib import Path

import numpy as np
import torch

from .data.films import nih_part
from .data.images import to_range
from .labels import NIH_LABELS
from .nets.vqgan import LatentEncoder
from .onnx_run import OnnxRunner, bounded_tensors
from .tidy import tidy
from .train_classifier import load as load_classifier
from .train_vqgan import load as load_vqgan

OPSET = 13
MARGIN, LATENT_MARGIN = 1.25, 1.05
RARE = 50  # one input of so many may have smaller outputs than the usual ones
IMAGE_SHAPE = (1, 1, 256, 256)


def write_graph(network, path, shape, name_in, name_out):
    """Static batch of one. Torch folds batch norm into the convolution before it, nothing else."""
    network = network.eval().to(memory_format=torch.contiguous_format)
    torch.onnx.export(network, torch.zeros(shape), str(path), opset_version=OPSET,
                      input_names=[name_in], output_names=[name_out])
    tidy(path, shape)


def synthetic_images(count, seed):
    """Smooth random fields with some noise, in [-1, 1]: no anatomy, but the spectrum of a film."""
    generator = torch.Generator().manual_seed(seed)
    image = torch.zeros(count, 1, 256, 256)
    for size, weight in ((4, 0.5), (16, 0.25), (64, 0.1), (256, 0.05)):
        noise = weight * torch.randn(count, 1, size, size, generator=generator)
        image += torch.nn.functional.interpolate(noise, size=(256, 256), mode="bilinear", align_corners=False)
    return image.clamp(-1, 1)


def synthetic_latents(count, seed, shape, most):
    """Smoothed unit noise, like a normalised latent."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.randn(count, shape[0], 8, 8, generator=generator)
    smooth = torch.nn.functional.interpolate(coarse, size=tuple(shape[1:]), mode="bilinear", align_corners=False)
    return (smooth + 0.5 * torch.randn(count, *shape, generator=generator)).clamp(-most, most)


@torch.no_grad()
def write_expected(folder, model, network, inputs):
    (folder / "expected").mkdir(exist_ok=True)
    cases = []
    for k in range(len(inputs)):
        names = {part: f"expected/{model}_{part}_{k}.npy" for part in ("input", "output")}
        np.save(folder / names["input"], inputs[k:k + 1].contiguous().numpy())
        np.save(folder / names["output"], network(inputs[k:k + 1]).contiguous().numpy())
        cases.append({"model": model, **names})
    return cases


def widen(low, high, margin):
    """Widen around the middle of the interval."""
    middle, half = (low + high) / 2, (high - low) / 2
    return [round(middle - margin * half, 5), round(middle + margin * half, 5)]


def measure_ranges(runner, latents):
    """Smallest and largest value of each tensor that the planner must bound, over all given latents."""
    names = bounded_tensors(runner.graph)
    low, high = {n: np.inf for n in names}, {n: -np.inf for n in names}
    for k in range(len(latents)):
        values = runner.run(latents[k:k + 1])
        for name in names:
            low[name] = min(low[name], values[name].min().item())
            high[name] = max(high[name], values[name].max().item())
    return {name: widen(low[name], high[name], MARGIN) for name in names}


def measure_moments(runner, latents):
    """Mean and mean square of each channel; of the output the largest magnitude that 2 % of the latents stay below."""
    names, most = bounded_tensors(runner.graph), []
    means, squares = ({n: [] for n in names} for _ in range(2))
    for k in range(len(latents)):
        values = runner.run(latents[k:k + 1])
        for name in names:
            x = values[name].double()
            x = x.flatten(2)[0] if x.dim() > 2 else x.reshape(-1, 1)
            means[name].append(x.mean(1))
            squares[name].append((x * x).mean(1))
        most.append(values[runner.output].abs().max().item())
    found = {name: {"mean": [significant(v) for v in torch.stack(means[name]).mean(0).tolist()],
                   "square": [significant(v) for v in torch.stack(squares[name]).mean(0).tolist()]}
             for name in names}
    found[runner.output]["usual_most"] = significant(sorted(most)[len(latents) // RARE])
    return found


def significant(x):
    return float(f"{x:.5g}")


def model_text(model):
    """model.json, with lists of numbers on one line."""
    text = json.dumps(model, indent=1)
    return re.sub(r"\[\s+(-?[\d.][^\]\"{]*?)\s+\]", lambda m: "[" + re.sub(r"\s+", " ", m[1]) + "]", text) + "\n"


@torch.no_grad()
def export(options):
    torch.set_num_threads(options.threads)
    stored = torch.load(options.latents)
    folder = options.out
    folder.mkdir(parents=True, exist_ok=True)
    encoder = LatentEncoder(load_vqgan(options.vqgan), stored["mean"], stored["std"]).eval()
    classifier = load_classifier(options.classifier)
    shape = [classifier.config["channels_in"], 32, 32]
    write_graph(encoder, folder / "encoder.onnx", IMAGE_SHAPE, "image", "latent")
    write_graph(classifier, folder / "classifier.onnx", (1, *shape), "latent", "logits")
    sample = to_range(nih_part("train")[0][:2])
    drift = (OnnxRunner(folder / "encoder.onnx").run(sample[:1])["latent"] - stored["train"][:1]).abs().max().item()
    if drift > 1e-2:
        raise SystemExit(f"the cached latents are not of this autoencoder (largest difference {drift:.3g})")
    runner = OnnxRunner(folder / "classifier.onnx")
    seen = torch.cat([stored["train"], stored["views"][0]])
    ranges, moments = measure_ranges(runner, seen), measure_moments(runner, seen)
    most = round(LATENT_MARGIN * stored["train"].abs().max().item(), 4)
    expected = write_expected(folder, "encoder", encoder, synthetic_images(2, 1))
    expected += write_expected(folder, "classifier", classifier, synthetic_latents(3, 2, shape, most))
    model = {
        "format": "umbra-model", "version": 1, "name": folder.name, "title": options.title,
        "encoder": "encoder.onnx", "classifier": "classifier.onnx",
        "input": {"kind": "xray", "width": 256, "height": 256, "channels": 1, "range": [-1, 1],
                  "resize": "smallest-side-centre-crop"},
        "latent": {"shape": shape, "abs_max": most},
        "labels": list(NIH_LABELS), "output": "multilabel-sigmoid",
        "ranges": ranges, "moments": moments, "expected": expected}
    (folder / "model.json").write_text(model_text(model))
    for name, bounds in ranges.items():
        print(f"{name:44s} {bounds[0]:9.3f} {bounds[1]:9.3f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--vqgan", type=Path, required=True)
    parser.add_argument("--latents", type=Path, required=True)
    parser.add_argument("--classifier", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--title", default="Chest X-ray findings, ResNet20 on f = 8 latents")
    parser.add_argument("--threads", type=int, default=2)
    export(parser.parse_args())


if __name__ == "__main__":
    main()

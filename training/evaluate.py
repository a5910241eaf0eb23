"""Measure a model folder on the validation films: python3 -m training.evaluate --model DIR --vqgan F --out F.json.

The two graphs are run from their files, so the figures hold for what is shipped. The bootstrap redraws
patients, not films, because films of one patient resemble each other.
"""
import argparse
import json
from pathlib import Path

import numpy as np
import torch

from .data.films import nih_part
from .data.images import to_range
from .data.split import parts
from .data.sources import nih
from .metrics import auroc_table
from .onnx_run import OnnxRunner
from .train_vqgan import evaluate as evaluate_autoencoder
from .train_vqgan import load as load_vqgan

MEANS = ("micro", "macro", "weighted")


def predict(folder, films):
    """Latents and logits of films, through the shipped graphs."""
    encoder, classifier = OnnxRunner(folder / "encoder.onnx"), OnnxRunner(folder / "classifier.onnx")
    latents = torch.cat([encoder.run(to_range(films[k:k + 1]))[encoder.output] for k in range(len(films))])
    logits = torch.cat([classifier.run(latents[k:k + 1])[classifier.output] for k in range(len(films))])
    return latents, logits


def bootstrap(scores, truth, patients, draws=500, seed=1):
    """95 % intervals of the three means and of each class."""
    generator = np.random.default_rng(seed)
    rows = {p: np.flatnonzero(patients == p) for p in np.unique(patients)}
    names, found = list(rows), {key: [] for key in (*MEANS, *range(truth.shape[1]))}
    for _ in range(draws):
        picked = np.concatenate([rows[p] for p in generator.choice(names, len(names))])
        table = auroc_table(scores[picked], truth[picked])
        for key in MEANS:
            found[key].append(table[key])
        for k, value in enumerate(table["per_class"]):
            if value is not None:
                found[k].append(value)
    interval = {k: [float(q) for q in np.quantile(v, (0.025, 0.975))] for k, v in found.items() if len(v) > draws // 2}
    return {k: interval.get(k) for k in MEANS} | {"per_class": [interval.get(k) for k in range(truth.shape[1])]}


def outside(folder, latents):
    """How many validation latents leave the recorded ranges at some tensor, and the worst ratio."""
    ranges = json.loads((folder / "model.json").read_text())["ranges"]
    classifier, count, worst = OnnxRunner(folder / "classifier.onnx"), 0, 0.0
    for k in range(len(latents)):
        values = classifier.run(latents[k:k + 1])
        ratios = [((values[n] - (a + b) / 2).abs().max() / ((b - a) / 2)).item() for n, (a, b) in ranges.items()]
        count, worst = count + (max(ratios) > 1), max(worst, *ratios)
    return {"films": count, "worst_ratio": worst}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--vqgan", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    films, labels = nih_part("validation")
    assigned = parts()
    patients = np.array([f[1] for f in nih() if assigned[f[0]][1] == "validation"])
    latents, logits = predict(options.model, films)
    scores, truth = logits.numpy(), labels.numpy()
    measured = {"autoencoder": evaluate_autoencoder(load_vqgan(options.vqgan), films),
                "auroc": auroc_table(scores, truth), "intervals": bootstrap(scores, truth, patients),
                "outside": outside(options.model, latents), "films": len(films), "patients": len(set(patients)),
                "train_positives": [int(n) for n in nih_part("train")[1].sum(dim=0)]}
    options.out.write_text(json.dumps(measured, indent=1) + "\n")
    print(json.dumps(measured))


if __name__ == "__main__":
    main()

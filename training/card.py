"""Write MODEL_CARD.md: python3 -m training.card --metrics F.json --vqgan F --classifier F --minutes M --model DIR.

The figures come from evaluate.py and the checkpoints, so that the card cannot drift from the weights.
"""
import argparse
import json
from pathlib import Path

import torch

from .labels import NIH_LABELS

TEXT = """# {name}

Latent classifier for chest films: an autoencoder's encoder (runs in plaintext where the film is taken) and a
ResNet20 with quadratic activations (made to run on encrypted latents). **Not a medical device.** It shows that the
encrypted path gives the plaintext answer; it was trained on a few hundred films and must not inform care.

| | |
|---|---|
| input | 1x256x256 in [-1, 1]: smallest side resized to 256, centre crop |
| encoder | VQGAN encoder, f = 8, base width {base}, multipliers 1, 2, 4, 4; 0.37 million weights; 1.27 GMAC (2.5 GFLOP) a film |
| latent | 4x32x32, continuous (before quantisation), each channel shifted and scaled to mean 0, variance 1; largest magnitude over the training films times 1.05: {abs_max} |
| classifier | ResNet20: 3 stages of 3 blocks, 16, 32, 64 channels; a\\*x^2 + b\\*x + c with learnt a, b, c per layer; no activation after an addition; 0.27 million weights; 41 MMAC |
| output | 14 logits; a sigmoid gives each finding's score |
| size | {size:.1f} MB with the expected tensors |

## Data
NIH ChestX-ray14 [Wang et al., CVPR 2017], the 851 films of `nih_256`: 569 patients, split by patient into 685
training and 166 validation films (`training/splits/nih_256.csv`, seed 20261121). The NIH Clinical Center puts no
restriction on use and asks to be credited and the paper to be cited. The autoencoder also saw 2,265 paediatric films
(Kermany et al., Cell 2018, CC BY 4.0; persons that may also be in a held-out part were left out), without labels.
{extra}
No film, latent or label is in this folder: the tensors in `expected/` come from a seeded generator.

## Training
On two shared CPU cores with Debian's PyTorch 1.13. `training/README.md` has the commands; the options of this model:

- autoencoder: {vqgan_note}
- classifier: `{options}`; {seconds:.0f} s
- the tensors of `ranges` in model.json were measured on the 685 training films and a random view of each, then
  widened by 25 %.
  {outside_films} of the {films} validation films leave a range at some tensor; the farthest reaches
  {outside_ratio:.2f} times the recorded half-width.

## Autoencoder on the validation films
PSNR {psnr:.2f} dB, SSIM {ssim:.3f} (decoder and codebook are not shipped). {codes} of 1,024 codes used,
perplexity {perplexity:.0f}.

## Classifier on the validation films
{films} films of {patients} patients. Brackets: 95 % interval from {draws} redraws of the patients.

| mean | AUROC |
|---|---|
{means}

| finding | positives, training | positives, validation | AUROC |
|---|---|---|---|
{classes}

Micro pools all pairs of film and finding, so it rewards knowing which findings are frequent; macro is the plain mean
over the findings with both outcomes; weighted is weighted by validation positives.

## Limits
- {selection}
- Most findings have a handful of validation positives: their AUROC is noise, as the intervals show, and so is macro.
  Only Pneumonia, Infiltration, Atelectasis, Edema and Effusion have ten or more.
- Labels were mined from the text of reports and are wrong for a part of the films; several findings are
  documented as unreliable.
- The set is not a natural sample: by construction about half of the films carry Pneumonia and half No Finding. Age,
  view (AP at the bed against PA upright) and devices go with the label, and the network may read those.
- One hospital. The scores are not calibrated, and are off for any other mix of patients.
- A quadratic activation amplifies what lies outside the trained range: films that are no frontal chest films, or are
  windowed otherwise, can give arbitrary scores.
"""


def bracket(interval):
    return f" [{interval[0]:.3f}, {interval[1]:.3f}]" if interval else ""


def class_rows(measured):
    table, intervals = measured["auroc"], measured["intervals"]["per_class"]
    for k, name in enumerate(NIH_LABELS):
        value = table["per_class"][k]
        shown = "one outcome only" if value is None else f"{value:.3f}{bracket(intervals[k])}"
        yield f"| {name} | {measured['train_positives'][k]} | {table['positives'][k]} | {shown} |"


def shown_options(stored):
    names = ("n", "width", "steps", "batch", "lr", "decay", "noise", "smoothing", "average", "range_weight",
             "range_bound", "small", "paediatric", "seed")
    return " ".join(f"--{n.replace('_', '-')} {stored['options'][n]}" for n in names)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("metrics", "vqgan", "classifier", "model"):
        parser.add_argument("--" + name, type=Path, required=True)
    parser.add_argument("--vqgan-note", required=True, help="options and time of the autoencoder")
    parser.add_argument("--selection", required=True, help="how this run was chosen, said plainly")
    parser.add_argument("--extra", default="", help="further data that the classifier saw")
    options = parser.parse_args()
    measured = json.loads(options.metrics.read_text())
    vqgan, classifier = torch.load(options.vqgan), torch.load(options.classifier)
    model = json.loads((options.model / "model.json").read_text())
    auroc, intervals = measured["auroc"], measured["intervals"]
    size = sum(f.stat().st_size for f in options.model.rglob("*") if f.is_file())
    text = TEXT.format(
        name=model["name"], base=vqgan["config"]["base"], abs_max=model["latent"]["abs_max"], size=size / 1e6,
        extra=options.extra, vqgan_note=options.vqgan_note, options=shown_options(classifier),
        seconds=classifier["seconds"], outside_films=measured["outside"]["films"],
        outside_ratio=measured["outside"]["worst_ratio"], films=measured["films"], patients=measured["patients"],
        psnr=measured["autoencoder"]["psnr"], ssim=measured["autoencoder"]["ssim"],
        codes=measured["autoencoder"]["codes_used"], perplexity=measured["autoencoder"]["perplexity"], draws=500,
        means="\n".join(f"| {k} | {auroc[k]:.3f}{bracket(intervals[k])} |" for k in ("micro", "macro", "weighted")),
        classes="\n".join(class_rows(measured)), selection=options.selection)
    (options.model / "MODEL_CARD.md").write_text(text)


if __name__ == "__main__":
    main()

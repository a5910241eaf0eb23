"""Encode every film once: python3 -m training.cache_latents --vqgan DIR/vqgan.pt --out DIR.

Writes DIR/latents.pt: the normalised latents of both parts, random views of the training films, and
the other sets that may help the classifier. The file holds data and never enters the project.
"""
import argparse
from pathlib import Path

import torch

from .data.augment import random_views
from .data.films import nih_part
from .data.images import read_all, to_range
from .data.sources import nih, pneumonia_labelled
from .data.split import validation_patients
from .nets.vqgan import LatentEncoder
from .train_vqgan import load


@torch.no_grad()
def encode(encoder, films, generator=None, batch=8):
    """Latents of uint8 films; with a generator, of one random view of each."""
    out = []
    for start in range(0, len(films), batch):
        image = to_range(films[start:start + batch])
        if generator is not None:
            image = random_views(image, generator)
        out.append(encoder(image.contiguous(memory_format=torch.channels_last)).contiguous())
    return torch.cat(out)


def moments(latents):
    return latents.mean(dim=(0, 2, 3)), latents.std(dim=(0, 2, 3))


def small_films():
    """nih_64 enlarged, without the patients of the validation part."""
    kept = [f for f in nih("nih_64") if f[1] not in validation_patients()]
    return read_all([f[2] for f in kept]), torch.tensor([f[3] for f in kept])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--vqgan", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--views", type=int, default=6)
    parser.add_argument("--extra", action="store_true", help="also nih_64 and pneumonia_224")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    generator = torch.Generator().manual_seed(20261121)
    vqgan = load(options.vqgan).to(memory_format=torch.channels_last)
    films, labels = nih_part("train")
    raw = encode(vqgan.encode, films)
    mean, std = moments(raw)
    encoder = LatentEncoder(vqgan, mean, std).eval().to(memory_format=torch.channels_last)
    stored = {"mean": mean, "std": std, "train_labels": labels}
    stored["train"] = (raw - mean.view(1, -1, 1, 1)) / std.view(1, -1, 1, 1)
    stored["views"] = torch.stack([encode(encoder, films, generator) for _ in range(options.views)])
    films, stored["validation_labels"] = nih_part("validation")
    stored["validation"] = encode(encoder, films)
    if options.extra:
        films, stored["small_labels"] = small_films()
        stored["small"] = torch.stack([encode(encoder, films), encode(encoder, films, generator)])
        paths, paediatric = zip(*pneumonia_labelled())
        stored["paediatric"] = encode(encoder, read_all(paths), generator)[None]
        stored["paediatric_labels"] = torch.tensor(paediatric)
    options.out.mkdir(parents=True, exist_ok=True)
    torch.save(stored, options.out / "latents.pt")
    print({name: tuple(value.shape) for name, value in stored.items()})


if __name__ == "__main__":
    main()

"""Where the image sets lie, and which of their rows may be used."""
import csv
import os
from pathlib import Path

from ..labels import NIH_LABELS

PROJECT = Path(__file__).resolve().parents[2]


def data_root():
    """UMBRA_DATA, or the folder beside the project."""
    return Path(os.environ.get("UMBRA_DATA", PROJECT.parent / "shared" / "data"))


def rows(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def nih(subset="nih_256"):
    """(file, patient id, path, 14 labels) of every film; subset nih_256 or nih_64."""
    folder = data_root() / "cxr" / subset
    return [(r["file"], r["patient_id"], folder / "images" / r["file"], [float(r[name]) for name in NIH_LABELS])
            for r in rows(folder / "labels.csv")]


def pneumonia_labelled():
    """(path, 1.0 for pneumonia) of the paediatric films; persons that may also be held out are left out."""
    folder = data_root() / "cxr" / "pneumonia_224"
    return [(folder / r["file"], float(r["label"])) for r in rows(folder / "labels.csv")
            if r["person_id_also_in_heldout"] == "0"]


def pneumonia():
    """Their paths alone, for the autoencoder."""
    return [path for path, _ in pneumonia_labelled()]

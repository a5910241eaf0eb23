"""The fixed split of nih_256 by patient: drawn once from a seed, then kept as a file.

Run `python3 -m training.data.split` to write it again; it holds file names and patient ids only.
"""
import csv
import random

from .sources import PROJECT, nih, rows

SPLIT_FILE = PROJECT / "training" / "splits" / "nih_256.csv"
SEED = 20261121
VALIDATION_SHARE = 0.2


def draw(patients, seed=SEED, share=VALIDATION_SHARE):
    """The set of validation patients."""
    ordered = sorted(set(patients), key=int)
    random.Random(seed).shuffle(ordered)
    return set(ordered[: round(share * len(ordered))])


def write():
    films = nih()
    validation = draw(patient for _, patient, _, _ in films)
    with open(SPLIT_FILE, "w", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(["file", "patient_id", "part"])
        for name, patient, _, _ in sorted(films):
            out.writerow([name, patient, "validation" if patient in validation else "train"])


def parts():
    """file name -> (patient id, part)."""
    return {r["file"]: (r["patient_id"], r["part"]) for r in rows(SPLIT_FILE)}


def validation_patients():
    return {patient for patient, part in parts().values() if part == "validation"}


if __name__ == "__main__":
    write()

#!/usr/bin/env python3
"""The table of docs/foreign-models.md: networks of others, adapted by `umbra adapt` alone, run under encryption.

usage: NODE_PATH=.../node_modules tools/foreign_networks.py [--inputs 5] [--umbra PROGRAM] [NAME...]

Each file of ../shared/data/onnx/models that stands below (or only those of a NAME) is adapted with 20 inputs, ONNX
Runtime computes what the adapted file gives for the first of them (tools/run_onnxruntime.js, onnxruntime-node), and
`umbra verify` compares. The rows go to stdout. Exit code 7 where one keeps fewer bits than its plan promises.

Needs numpy and Pillow (scripts/install-training.sh) and onnxruntime-node."""
import argparse
import collections
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

import numpy as np
from PIL import Image

ROOT = pathlib.Path(__file__).resolve().parents[1]
DATA = ROOT.parent / "shared" / "data"
CALIBRATION = 20
# Channels and side of the input.
NETWORKS = {
    "simple-lenet5-torch-mnist__mnist": (1, 28), "LeNet_5-pytorch__lenet": (1, 32), "WebMnist__lenet5": (1, 28),
    "models__lenet": (1, 28), "ncnn_quant_python_demo__lenet": (3, 32), "zkml-benchmark__models_lenet_4_8_32": (1, 28),
    "cONNXr__mnist_model": (1, 28), "pytorch-tiny-mnist__mnist_cnn_pool": (1, 28),
    "onnx2c__atmega_mnist_mnist.simplified": (1, 14), "ezkl__lenet_5_network": (1, 32),
    "ace-compiler__model_resnet20_cifar10_pre": (3, 32),
}
CIFAR_MEAN, CIFAR_STD = (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)


def films(side):
    """Chest films from 0 to 1."""
    for path in sorted((DATA / "cxr/nih_64/images").iterdir())[:CALIBRATION]:
        yield np.asarray(Image.open(path).convert("L").resize((side, side), Image.BILINEAR), np.float32)[None] / 255


def tiles(side):
    """Tissue in three channels, normalised as CIFAR-10; spread over the classes."""
    paths = sorted((DATA / "histology/lc25000_lung_224").glob("lung_*/*"))
    for path in paths[::len(paths) // CALIBRATION][:CALIBRATION]:
        x = np.asarray(Image.open(path).convert("RGB").resize((side, side), Image.BILINEAR), np.float32) / 255
        yield ((x - np.float32(CIFAR_MEAN)) / np.float32(CIFAR_STD)).transpose(2, 0, 1)


def write_inputs(folder, channels, side):
    folder.mkdir()
    for k, x in enumerate(films(side) if channels == 1 else tiles(side)):
        np.save(folder / f"{k:02d}.npy", x[None].astype("<f4"))


def call(*words, expect=(0,)):
    done = subprocess.run(list(map(str, words)), capture_output=True, text=True)
    if done.returncode not in expect:
        sys.exit(f"foreign_networks: {words[0]} {words[1]}: exit code {done.returncode}: {done.stderr.strip()}")
    return done


def replaced(report):
    """What became of the network, from the report of `umbra adapt --json`."""
    counts = collections.Counter(change["was"] for change in report["activations"])
    counts["MaxPool"] += report["pools"]
    counts["Softmax or LogSoftmax at the end"] += report["ends"]
    return ", ".join(f"{n} {operator}" for operator, n in counts.items() if n > 0) or "nothing"


def measure(options, name, work):
    """(row, whether it keeps what was promised)."""
    channels, side = NETWORKS[name]
    inputs, adapted, outputs, few = work / "inputs", work / "adapted", work / "outputs", work / "few"
    write_inputs(inputs, channels, side)
    adapt = json.loads(call(options.umbra, "adapt", DATA / f"onnx/models/{name}.onnx", inputs, "-o", adapted,
                            "--json").stdout)
    few.mkdir(), outputs.mkdir()
    for path in sorted(inputs.iterdir())[:options.inputs]:
        path.rename(few / path.name)
    call("node", ROOT / "tools/run_onnxruntime.js", adapted / "classifier.onnx", few, outputs)
    done = call(options.umbra, "verify", adapted, few, "--expected", outputs, "--answers", "--json", expect=(0, 7))
    r = json.loads(done.stdout)
    keys = f"{r['key_bytes'] / 1e9:.2f} GB" if r["key_bytes"] >= 1e9 else f"{r['key_bytes'] / 1e6:.0f} MB"
    return (f"| {name} | {replaced(adapt)} | 2^{r['ring_degree'].bit_length() - 1} | {r['levels']} | {keys} | "
            f"{r['predicted_bits']:.1f} | {r['bits']:.1f} ({r['mean_bits']:.1f}) | {r['max_abs_error']:.1e} | "
            f"{r['inputs']} |"), done.returncode == 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(NETWORKS))
    parser.add_argument("--inputs", type=int, default=5, choices=range(1, CALIBRATION + 1), metavar="1..20")
    parser.add_argument("--umbra", default=ROOT / "build" / "umbra")
    options = parser.parse_args()
    for name in options.names:
        if name not in NETWORKS:
            parser.error(f"{name} is none of {', '.join(NETWORKS)}")
    for path in (DATA / "cxr/nih_64/images", DATA / "histology/lc25000_lung_224", DATA / "onnx/models",
                 pathlib.Path(options.umbra)):
        if not path.exists():
            sys.exit(f"foreign_networks: {path} is not there")
    if shutil.which("node") is None:
        sys.exit("foreign_networks: node is not there; install Node.js, and onnxruntime-node for NODE_PATH")
    print("| network | replaced | ring degree | levels | keys | bits promised | bits kept, least (mean) | "
          "largest error of a logit | inputs |\n|---|---|---|---|---|---|---|---|---|")
    is_kept = True
    for name in options.names or NETWORKS:
        with tempfile.TemporaryDirectory(prefix="umbra-foreign-") as work:
            row, kept = measure(options, name, pathlib.Path(work))
        is_kept = is_kept and kept
        print(row, flush=True)
    return 0 if is_kept else 7


if __name__ == "__main__":
    sys.exit(main())

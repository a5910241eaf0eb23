#!/usr/bin/env python3
"""Make tests/cli/tiny: the smallest model that passes through every command, and files beside it.

usage: make_tiny_model.py [FOLDER]      needs python3-torch and python3-numpy; the result is committed

tiny         2 x 8 x 8 -> convolution -> polynomial -> dense -> 3 findings; its input is a tensor
             expected/*.npy: two inputs with the outputs of PyTorch
tiny-xray    the same classifier behind an encoder, 16 x 16 pixels -> 2 x 8 x 8
refused.onnx a network with Relu, MaxPool and Sigmoid, which cannot be encrypted
"""
import json
import pathlib
import sys

import numpy
import torch

OPSET = 13
INPUT = (1, 2, 8, 8)


class Polynomial(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.a = torch.nn.Parameter(torch.tensor([0.12]))
        self.b = torch.nn.Parameter(torch.tensor([0.5]))
        self.c = torch.nn.Parameter(torch.tensor([0.05]))

    def forward(self, x):
        return self.a * x**2 + self.b * x + self.c


def classifier():
    network = torch.nn.Sequential(
        torch.nn.Conv2d(2, 4, 3, padding=1), Polynomial(), torch.nn.Flatten(), torch.nn.Linear(256, 3)
    )
    with torch.no_grad():
        network[3].weight *= 10  # logits of 1 or 2, not near 0
    return network


def refused():
    return torch.nn.Sequential(
        torch.nn.Conv2d(2, 4, 3, padding=1), torch.nn.ReLU(), torch.nn.MaxPool2d(2), torch.nn.Flatten(),
        torch.nn.Linear(64, 3), torch.nn.Sigmoid(),
    )


def encoder():
    return torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3, stride=2, padding=1), torch.nn.Tanh())


def export(network, shape, path):
    torch.onnx.export(network, torch.zeros(shape), str(path), opset_version=OPSET,
                      input_names=["input"], output_names=["output"])


@torch.no_grad()
def measure_ranges(network):
    """What the convolution and the answer reach on random latents, under the names of the graph."""
    latents = torch.rand(256, *INPUT[1:]) * 2 - 1
    reached = {"/0/Conv_output_0": network[0](latents), "output": network(latents)}
    return {name: [round(1.25 * v.min().item(), 3), round(1.25 * v.max().item(), 3)] for name, v in reached.items()}


def model_json(name, ranges, **more):
    base = {"format": "umbra-model", "version": 1, "name": name, "classifier": "classifier.onnx",
            "labels": ["Round", "Square", "Star"], "output": "multilabel-sigmoid", "ranges": ranges}
    return json.dumps(base | more, indent=1) + "\n"


def main():
    folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent)
    torch.manual_seed(20261121)
    network = classifier()
    for name in ("tiny/expected", "tiny-xray"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    export(network, INPUT, folder / "tiny" / "classifier.onnx")
    export(network, INPUT, folder / "tiny-xray" / "classifier.onnx")
    export(encoder(), (1, 1, 16, 16), folder / "tiny-xray" / "encoder.onnx")
    export(refused(), INPUT, folder / "refused.onnx")
    latent = {"shape": list(INPUT[1:]), "abs_max": 2.0}
    expected = []
    for i in range(2):
        x = torch.rand(INPUT) * 2 - 1
        names = [f"expected/{side}_{i}.npy" for side in ("input", "output")]
        numpy.save(folder / "tiny" / names[0], x.numpy())
        numpy.save(folder / "tiny" / names[1], network(x).detach().numpy())
        expected.append({"model": "classifier", "input": names[0], "output": names[1]})
    ranges = measure_ranges(network)
    (folder / "tiny" / "model.json").write_text(
        model_json("tiny", ranges, input={"kind": "tensor"}, latent=latent, expected=expected))
    xray = {"kind": "xray", "width": 16, "height": 16, "channels": 1, "range": [-1, 1],
            "resize": "smallest-side-centre-crop"}
    (folder / "tiny-xray" / "model.json").write_text(
        model_json("tiny-xray", ranges, encoder="encoder.onnx", input=xray, latent=latent))


if __name__ == "__main__":
    main()

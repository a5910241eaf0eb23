"""The exported files compute what the networks compute, with the operators that the engine knows."""
import json
import tempfile
import unittest
import warnings
from collections import Counter
from pathlib import Path

import numpy as np
import torch

from ..export import (IMAGE_SHAPE, measure_moments, measure_ranges, model_text, synthetic_images, synthetic_latents,
                      widen, write_graph)
from ..nets.resnet import LatentResNet
from ..nets.vqgan import VQGAN, LatentEncoder
from ..onnx_run import OnnxRunner, bounded_tensors


def exported(network, shape):
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        path = Path(folder) / "network.onnx"
        write_graph(network, path, shape, "in", "out")
        return OnnxRunner(path)


def shaken(network):
    """Batch norm statistics and coefficients away from their start, so that a lost one is seen."""
    torch.manual_seed(1)
    for tensor in network.state_dict().values():
        if tensor.dtype.is_floating_point and tensor.dim() == 1:
            tensor.mul_(1 + 0.2 * torch.rand_like(tensor)).add_(0.05 * torch.rand_like(tensor))
    return network.eval()


class TestClassifier(unittest.TestCase):
    def setUp(self):
        self.network = shaken(LatentResNet())
        self.runner = exported(self.network, (1, 4, 32, 32))

    def test_operators(self):
        count = Counter(node.op_type for node in self.runner.graph.node)
        self.assertEqual(count["Pow"], 10)
        self.assertEqual(count["Conv"], 21)
        self.assertEqual(set(count), {"Conv", "Pow", "Mul", "Add", "Constant", "GlobalAveragePool", "Flatten", "Gemm"})

    def test_coefficients_have_shape_one(self):
        shapes = {t.name: list(t.dims) for t in self.runner.graph.initializer}
        self.assertEqual([shapes["act.a"], shapes["act.b"], shapes["act.c"]], [[1], [1], [1]])

    def test_values(self):
        x = synthetic_latents(1, 5, (4, 32, 32), 4.0)
        with torch.no_grad():
            wanted = self.network(x)
        got = self.runner.run(x)["out"]
        self.assertLess(((got - wanted).abs().max() / wanted.abs().max()).item(), 1e-5)

    def test_bounded_tensors(self):
        names = bounded_tensors(self.runner.graph)
        self.assertEqual(len(names), 1 + 10 + 9 + 1)
        self.assertEqual((names[0], names[-1]), ("in", "out"))
        ranges = measure_ranges(self.runner, synthetic_latents(2, 6, (4, 32, 32), 4.0))
        self.assertEqual(list(ranges), names)
        self.assertTrue(all(low < high for low, high in ranges.values()))

    def test_moments(self):
        latents = synthetic_latents(3, 6, (4, 32, 32), 4.0)
        moments = measure_moments(self.runner, latents)
        self.assertEqual(list(moments), bounded_tensors(self.runner.graph))
        for part, power in (("mean", 1), ("square", 2)):
            np.testing.assert_allclose(moments["in"][part], (latents.double() ** power).mean((0, 2, 3)), rtol=1e-4)
        answers = [self.runner.run(x[None])["out"].abs().max().item() for x in latents]
        self.assertAlmostEqual(moments["out"]["usual_most"] / min(answers), 1, places=4)
        self.assertEqual(len(moments["out"]["mean"]), self.runner.run(latents[:1])["out"].shape[1])
        self.assertNotIn("usual_most", moments["in"])

    def test_model_text(self):
        model = {"a": [1, -2.5e-05], "b": {"c": [3], "d": []}, "e": [{"f": [1, 2]}, "x, 1"]}
        self.assertEqual(json.loads(model_text(model)), model)
        self.assertIn("[1, -2.5e-05]", model_text(model))


class TestEncoder(unittest.TestCase):
    def test_graph(self):
        encoder = shaken(LatentEncoder(VQGAN(base=8), torch.zeros(4), torch.ones(4)))
        runner = exported(encoder, IMAGE_SHAPE)
        count = Counter(node.op_type for node in runner.graph.node)
        self.assertEqual((count["Pad"], count["InstanceNormalization"], count["Softmax"]), (3, 14, 1))
        self.assertEqual(set(count), {"Conv", "Pad", "Reshape", "InstanceNormalization", "Mul", "Add", "Sigmoid",
                                      "Transpose", "MatMul", "Softmax", "Constant"})
        image = synthetic_images(1, 7)
        with torch.no_grad():
            wanted = encoder(image)
        got = runner.run(image)["out"]
        self.assertEqual(tuple(got.shape), (1, 4, 32, 32))
        self.assertLess(((got - wanted).abs().max() / wanted.abs().max()).item(), 1e-4)


class TestHelpers(unittest.TestCase):
    def test_widen(self):
        self.assertEqual(widen(-1.0, 3.0, 1.25), [-1.5, 3.5])

    def test_synthetic_inputs_repeat(self):
        self.assertTrue(torch.equal(synthetic_images(1, 3), synthetic_images(1, 3)))
        self.assertLessEqual(synthetic_latents(1, 3, (4, 32, 32), 2.0).abs().max().item(), 2.0)


if __name__ == "__main__":
    unittest.main()

"""The paper's networks: shapes, groups and activations; calibration; and the folders that are exported."""
import json
import tempfile
import unittest
import warnings
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import torch
from torch import nn

from .. import export_zoo
from ..calibrate import LARGEST_BEND, calibrate
from ..data.cosine import cosine_latents, kernels
from ..nets.quadratic import Quadratic
from ..nets.unet import Square, UNet
from ..onnx_run import OnnxRunner, bounded_tensors
from ..zoo import LATENTS, NETWORKS, make


def convolutions(network):
    return [m for m in network.modules() if isinstance(m, nn.Conv2d)]


class TestNetworks(unittest.TestCase):
    def test_every_network_takes_every_latent(self):
        for name in NETWORKS:
            for f in LATENTS:
                for labels in (14, 15):
                    network, shape = make(name, f, labels)
                    self.assertEqual(tuple(network.eval()(torch.zeros(1, *shape)).shape), (1, labels), (name, f))

    def test_widths_and_groups(self):
        expected = {
            "lenet": [(32, 5, 1, 0), (64, 5, 4, 0), (128, 5, 1, 0)],
            "vgg5": [(32, 3, 1, 1), (64, 3, 8, 1), (128, 3, 8, 1), (256, 3, 8, 1)],
            "hefnet": [(64, 3, 1, 0), (128, 3, 8, 0), (256, 3, 8, 0), (256, 3, 8, 0)]}
        for name, wanted in expected.items():
            found = [(c.out_channels, c.kernel_size[0], c.groups, c.padding[0])
                     for c in convolutions(make(name, 8, 14)[0])]
            self.assertEqual(found, wanted, name)

    def test_smallest_latent(self):
        self.assertEqual([c.padding[0] for c in convolutions(make("lenet", 16, 14)[0])], [2, 2, 2])
        self.assertEqual(convolutions(make("hefnet", 16, 14)[0])[-1].kernel_size, (1, 1))

    def test_shared_activations(self):
        count = {name: sum(isinstance(m, Quadratic) for m in make(name, 8, 14)[0].modules()) for name in NETWORKS}
        self.assertEqual(count, {"lenet": 4, "vgg5": 1, "hefnet": 1, "resnet20": 10, "resnet32": 16, "resnet44": 22,
                                 "resnet56": 28})

    def test_unet(self):
        network, shape = make("unet", None, 14)
        self.assertEqual(tuple(network(torch.zeros(1, *shape)).shape), (1, 1, 64, 64))
        self.assertEqual([c.out_channels for c in convolutions(network)], [5, 5, 10, 10, 20, 20, 10, 10, 5, 5, 1])
        self.assertEqual(sum(isinstance(m, Square) for m in network.modules()), 10)

    def test_skips_are_used(self):
        """Without the image's fine detail in the skip, the U-Net could not move one pixel of the output."""
        network = UNet().eval()
        image = torch.rand(1, 1, 16, 16)
        network.raise1.weight.data.zero_()
        network.raise1.bias.data.zero_()
        moved = image.clone()
        moved[0, 0, 5, 5] += 1
        self.assertGreater((network(moved) - network(image)).abs().max().item(), 0)


class TestCosine(unittest.TestCase):
    def test_orthonormal(self):
        rows = kernels(4, 16).flatten(1)
        self.assertTrue(torch.allclose(rows @ rows.t(), torch.eye(16), atol=1e-5))

    def test_flat_image_has_one_coefficient(self):
        latents = cosine_latents(torch.full((1, 1, 16, 16), 0.5), 8, 4)
        self.assertEqual(tuple(latents.shape), (1, 4, 2, 2))
        self.assertGreater(latents[0, 0].abs().min().item(), 0.5)
        self.assertLess(latents[0, 1:].abs().max().item(), 0.5)


class TestCalibration(unittest.TestCase):
    def setUp(self):
        self.latents = 3 * torch.randn(24, 8, 16, 16, generator=torch.Generator().manual_seed(1)) + 2

    def outputs(self, network, kinds, given=None):
        seen = []
        for module in network.modules():
            if isinstance(module, kinds):
                module.register_forward_hook(lambda _m, _i, output: seen.append(output))
        with torch.no_grad():
            network(self.latents if given is None else given)
        return seen

    def test_batch_norm_has_the_statistics(self):
        network = make("hefnet", 16, 14)[0]
        self.assertIn("batch norm", calibrate(network, self.latents, 1))
        first = network.features[1]
        out = self.outputs(network, nn.BatchNorm2d)[0]
        std = out.std(dim=(0, 2, 3)) / first.weight.detach().abs()
        self.assertLess((std - 1).abs().max().item(), 0.02)
        self.assertFalse(network.training)

    def test_outliers_are_not_stretched(self):
        self.latents[0, 0, 8, 8] = 500
        network = make("hefnet", 16, 14)[0]
        calibrate(network, self.latents, 1)
        largest = max(out.abs().max().item() for out in self.outputs(network, nn.BatchNorm2d))
        self.assertLessEqual(network.act.a.item() * largest, 1.2 * LARGEST_BEND * network.act.b.item())

    def test_outliers_without_batch_norm(self):
        self.latents[0, 0, 8, 8] = 500
        network = make("vgg5", 16, 14)[0]
        calibrate(network, self.latents, 1)
        convolved = self.outputs(network, nn.Conv2d)
        largest = max(out.abs().max().item() for out in convolved)
        self.assertLessEqual(network.features[1].a.item() * largest, 1.3 * LARGEST_BEND * network.features[1].b.item())

    def test_deep_networks_keep_their_quadratics(self):
        """An outlier must not grow from block to block until nothing is left of the parabolas."""
        self.latents = self.latents.repeat(4, 1, 1, 1)  # several batches, of which one holds the outlier
        self.latents[0, 0, 8, 8] = 100
        network = make("resnet56", 16, 14)[0]
        calibrate(network, self.latents, 1)
        acts = [m for m in network.modules() if isinstance(m, Quadratic)]
        self.assertGreater(min(act.a.item() / act.b.item() for act in acts), 0.01)
        self.assertLess(max(out.abs().max().item() for out in self.outputs(network, nn.BatchNorm2d)), 100)

    def test_layers_have_unit_variance(self):
        network = make("lenet", 16, 14)[0]
        calibrate(network, self.latents, 1)
        for out in self.outputs(network, nn.Conv2d):
            self.assertTrue(torch.allclose(out.std(dim=(0, 2, 3)), torch.ones(out.shape[1]), atol=1e-3))
            self.assertTrue(torch.allclose(out.mean(dim=(0, 2, 3))[:2], torch.tensor([0.2, -0.2]), atol=1e-3))
        logits = network(self.latents)
        self.assertAlmostEqual(logits.std().item(), 1.5, places=3)
        self.assertAlmostEqual(logits.mean().item(), -1.0, places=3)

    def test_squares_stay_in_range(self):
        network = UNet()
        images = torch.rand(8, 1, 32, 32, generator=torch.Generator().manual_seed(1)) * 2 - 1
        calibrate(network, images, 1)
        self.assertTrue(torch.isfinite(network(images)).all())
        self.assertLess(network(images).abs().max().item(), 20)
        self.assertLess(max(out.abs().max().item() for out in self.outputs(network, nn.Conv2d, images)[:-1]), 5)

    def test_seed_repeats(self):
        one, two = make("vgg5", 16, 14)[0], make("vgg5", 16, 14)[0]
        calibrate(one, self.latents, 5)
        calibrate(two, self.latents, 5)
        self.assertTrue(torch.equal(one(self.latents), two(self.latents)))


class TestFolders(unittest.TestCase):
    def folder(self):
        held = tempfile.TemporaryDirectory()
        self.addCleanup(held.cleanup)
        return held.name

    def exported(self, name, f, classes=14):
        latents = torch.randn(10, *make(name, f, classes)[1], generator=torch.Generator().manual_seed(3))
        inputs = SimpleNamespace(get=lambda _f: (latents[:8], latents[8:], "noise"))
        folder = Path(self.folder())
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            export_zoo.export(SimpleNamespace(out=folder, classes=classes), inputs, name, f)
        return next(folder.iterdir())

    def check(self, folder):
        """The graph computes what the expected outputs say, and every bounded tensor has a range."""
        model = json.loads((folder / "model.json").read_text())
        runner = OnnxRunner(folder / model["classifier"])
        self.assertEqual(len(model["expected"]), 2)
        for case in model["expected"]:
            wanted = np.load(folder / case["output"])
            self.assertEqual(wanted.dtype, np.float64)
            got = runner.run(torch.from_numpy(np.load(folder / case["input"])))[runner.output].numpy()
            self.assertLess(np.abs(got - wanted).max(), 1e-4 * np.abs(wanted).max())
        self.assertEqual(list(model["ranges"]), list(dict.fromkeys(bounded_tensors(runner.graph))))
        self.assertEqual(list(model["moments"]), list(model["ranges"]))
        return model, Counter(node.op_type for node in runner.graph.node)

    def test_lenet(self):
        model, count = self.check(self.exported("lenet", 16, 15))
        self.assertEqual((model["name"], model["labels"][-1]), ("lenet-f16-c15", "No Finding"))
        self.assertEqual((count["Conv"], count["AveragePool"], count["GlobalAveragePool"], count["Pow"]), (3, 2, 1, 4))

    def test_shared_activation(self):
        _, count = self.check(self.exported("vgg5", 16))
        self.assertEqual((count["Conv"], count["Pow"]), (4, 4))

    def test_unet(self):
        model, count = self.check(self.exported("unet", None))
        self.assertEqual((count["ConvTranspose"], count["Concat"], count["Pow"], count["AveragePool"]), (2, 2, 10, 2))
        self.assertNotIn("labels", model)


if __name__ == "__main__":
    unittest.main()

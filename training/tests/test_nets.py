"""Shapes, ranges and gradients of the networks, without data."""
import unittest

import torch

from ..losses import edge_loss, reconstruction_loss
from ..nets.discriminator import PatchDiscriminator
from ..nets.quadratic import Quadratic, range_penalty
from ..nets.resnet import LatentResNet
from ..nets.vqgan import VQGAN, LatentEncoder


class TestVQGAN(unittest.TestCase):
    def setUp(self):
        torch.manual_seed(0)
        self.vqgan = VQGAN(base=8)

    def test_shapes(self):
        image = torch.rand(2, 1, 64, 64) * 2 - 1
        latent = self.vqgan.encode(image)
        self.assertEqual(tuple(latent.shape), (2, 4, 8, 8))
        output, loss, index = self.vqgan(image)
        self.assertEqual(output.shape, image.shape)
        self.assertEqual(tuple(index.shape), (2, 8, 8))
        self.assertEqual(loss.dim(), 0)

    def test_gradient_passes_the_quantiser(self):
        output, _, _ = self.vqgan(torch.randn(1, 1, 32, 32))
        output.sum().backward()
        self.assertGreater(self.vqgan.encoder.stem.weight.grad.abs().sum().item(), 0)

    def test_nearest_is_nearest(self):
        vectors = torch.randn(50, 4)
        slow = torch.cdist(vectors, self.vqgan.quantizer.codebook).argmin(dim=1)
        self.assertTrue(torch.equal(self.vqgan.quantizer.nearest(vectors), slow))

    def test_revive_moves_only_unused_codes(self):
        quantizer = self.vqgan.quantizer
        quantizer.uses[:1000] = 1
        before = quantizer.codebook.detach().clone()
        self.assertEqual(quantizer.revive(torch.randn(1, 4, 8, 8)), 24)
        self.assertTrue(torch.equal(before[:1000], quantizer.codebook[:1000]))
        self.assertFalse(torch.equal(before[1000:], quantizer.codebook[1000:]))

    def test_normalisation_is_folded(self):
        mean, std = torch.tensor([1.0, -2, 0, 3]), torch.tensor([0.5, 2, 1, 4])
        image = torch.randn(1, 1, 32, 32)
        raw = self.vqgan.encode(image)
        folded = LatentEncoder(self.vqgan, mean, std)(image)
        wanted = (raw - mean.view(1, -1, 1, 1)) / std.view(1, -1, 1, 1)
        self.assertLess((folded - wanted).abs().max().item(), 1e-4)

    def test_discriminator_judges_patches(self):
        self.assertEqual(tuple(PatchDiscriminator()(torch.randn(2, 1, 64, 64)).shape), (2, 1, 8, 8))


class TestLosses(unittest.TestCase):
    def test_zero_on_equal_images(self):
        image = torch.rand(1, 1, 32, 32)
        self.assertEqual(reconstruction_loss(image, image).item(), 0)

    def test_edges_ignore_brightness(self):
        image = torch.rand(1, 1, 32, 32)
        self.assertLess(edge_loss(image, image + 0.3).item(), 1e-6)


class TestResNet(unittest.TestCase):
    def test_shape_depth_and_width(self):
        for n, depth in ((3, 20), (5, 32)):
            network = LatentResNet(n=n, labels=7).eval()
            weighted = [m for name, m in network.named_modules() if isinstance(m, (torch.nn.Conv2d, torch.nn.Linear))
                        and "shortcut" not in name]
            self.assertEqual(len(weighted), depth)
            self.assertEqual(tuple(network(torch.randn(2, 4, 32, 32)).shape), (2, 7))
        self.assertEqual(network.fc.in_features, 64)

    def test_quadratic(self):
        x = torch.linspace(-3, 3, 7)
        self.assertTrue(torch.allclose(Quadratic(0.5, -1.0, 2.0)(x), 0.5 * x * x - x + 2))

    def test_range_penalty_only_beyond_the_bound(self):
        network = torch.nn.Sequential(Quadratic())
        network(torch.tensor([[-6.0, 5.0]]))
        self.assertEqual(range_penalty(network).item(), 0)
        network(torch.tensor([[8.0, 0.0], [1.0, 2.0]]))
        self.assertAlmostEqual(range_penalty(network).item(), 2.0)


if __name__ == "__main__":
    unittest.main()

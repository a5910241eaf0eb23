"""The split, the preparation of images and the quality figures, without data."""
import unittest
from collections import defaultdict

import numpy as np
import torch

from ..data.augment import random_views
from ..data.images import from_range, read_grey, to_range
from ..data.split import draw, parts
from ..metrics import auroc, auroc_table, psnr, ssim


class TestSplit(unittest.TestCase):
    def test_no_patient_on_both_sides(self):
        sides = defaultdict(set)
        for patient, part in parts().values():
            sides[patient].add(part)
        self.assertTrue(all(len(side) == 1 for side in sides.values()))
        self.assertEqual(set.union(*sides.values()), {"train", "validation"})

    def test_file_is_what_the_seed_draws(self):
        validation = draw(patient for patient, _ in parts().values())
        for patient, part in parts().values():
            self.assertEqual(part == "validation", patient in validation)
        share = len(validation) / len({patient for patient, _ in parts().values()})
        self.assertAlmostEqual(share, 0.2, delta=0.01)


class TestImages(unittest.TestCase):
    def test_smallest_side_and_centre(self):
        import tempfile
        from PIL import Image
        wide = np.zeros((64, 128), dtype=np.uint8)
        wide[:, 32:96] = 200
        with tempfile.NamedTemporaryFile(suffix=".png") as file:
            Image.fromarray(wide).save(file.name)
            grey = read_grey(file.name, 64)
        self.assertEqual(grey.shape, (64, 64))
        self.assertTrue((grey == 200).all())

    def test_range(self):
        levels = torch.tensor([0, 255], dtype=torch.uint8)
        self.assertEqual(to_range(levels).tolist(), [-1.0, 1.0])
        self.assertEqual(from_range(to_range(levels)).tolist(), [0.0, 1.0])

    def test_views_stay_in_range(self):
        image = torch.rand(3, 1, 64, 64) * 2 - 1
        views = random_views(image, torch.Generator().manual_seed(0))
        self.assertEqual(views.shape, image.shape)
        self.assertLessEqual(views.abs().max().item(), 1.0)


class TestMetrics(unittest.TestCase):
    def test_auroc_counts_pairs(self):
        self.assertEqual(auroc([0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1]), 0.75)
        self.assertEqual(auroc([0.5, 0.5], [0, 1]), 0.5)
        self.assertIsNone(auroc([0.1, 0.2], [0, 0]))

    def test_table_leaves_out_one_sided_classes(self):
        scores = np.array([[0.9, 0.1, 0.5], [0.1, 0.9, 0.5]])
        table = auroc_table(scores, np.array([[1, 1, 0], [0, 0, 0]]))
        self.assertEqual(table["per_class"], [1.0, 0.0, None])
        self.assertEqual((table["macro"], table["weighted"], table["positives"]), (0.5, 0.5, [1, 1, 0]))

    def test_psnr_and_ssim(self):
        image = torch.rand(1, 1, 32, 32)
        self.assertAlmostEqual(psnr(torch.zeros(1, 1, 4, 4), torch.full((1, 1, 4, 4), 0.1)).item(), 20.0, places=4)
        self.assertAlmostEqual(ssim(image, image).item(), 1.0, places=5)
        self.assertLess(ssim(image, image.flip(3)).item(), 0.5)


if __name__ == "__main__":
    unittest.main()

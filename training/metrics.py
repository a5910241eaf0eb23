"""Quality figures: PSNR and SSIM of reconstructions, AUROC of classifiers."""
import numpy as np
import torch
from torch.nn import functional as F


def psnr(image, target):
    """Decibels per image, levels in [0, 1]."""
    return -10.0 * torch.log10((image - target).pow(2).mean(dim=(1, 2, 3)).clamp(min=1e-10))


def ssim(image, target, sigma=1.5, size=11):
    """Mean structural similarity per image (Gaussian window of 11, levels in [0, 1])."""
    axis = torch.arange(size, dtype=torch.float32) - size // 2
    line = torch.exp(-axis.pow(2) / (2 * sigma ** 2))
    window = torch.outer(line, line)[None, None] / line.sum() ** 2
    mean = lambda x: F.conv2d(x, window)
    mu_x, mu_y = mean(image), mean(target)
    var_x, var_y = mean(image ** 2) - mu_x ** 2, mean(target ** 2) - mu_y ** 2
    cov = mean(image * target) - mu_x * mu_y
    c1, c2 = 0.01 ** 2, 0.03 ** 2
    value = (2 * mu_x * mu_y + c1) * (2 * cov + c2) / ((mu_x ** 2 + mu_y ** 2 + c1) * (var_x + var_y + c2))
    return value.mean(dim=(1, 2, 3))


def auroc(scores, truth):
    """Probability that a positive scores above a negative, ties counted half; None without both outcomes."""
    scores, truth = np.asarray(scores, dtype=np.float64).ravel(), np.asarray(truth).ravel() > 0.5
    positives, negatives = int(truth.sum()), int((~truth).sum())
    if positives == 0 or negatives == 0:
        return None
    values, inverse, counts = np.unique(scores, return_inverse=True, return_counts=True)
    mean_rank = np.cumsum(counts) - (counts - 1) / 2.0
    return float((mean_rank[inverse][truth].sum() - positives * (positives + 1) / 2) / (positives * negatives))


def auroc_table(scores, truth):
    """Per-class AUROC, and micro, macro and positive-weighted means over the classes with both outcomes.

    Micro pools all (image, class) pairs of those classes.
    """
    scores, truth = np.asarray(scores), np.asarray(truth)
    each = [auroc(scores[:, k], truth[:, k]) for k in range(truth.shape[1])]
    known = [k for k, value in enumerate(each) if value is not None]
    values, weights = np.array([each[k] for k in known]), truth[:, known].sum(axis=0)
    return {"per_class": each, "positives": [int(n) for n in truth.sum(axis=0)],
            "micro": auroc(scores[:, known], truth[:, known]), "macro": float(values.mean()),
            "weighted": float((values * weights).sum() / weights.sum())}

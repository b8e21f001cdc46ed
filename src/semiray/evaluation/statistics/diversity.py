"""Diversity: how similar are two synthetic images of one class?

Mean multi-scale structural similarity of random pairs within a class (Odena et al. 2017, arXiv 1610.09585, section
4.2): a generator that makes the same image again and again comes close to 1. Compare it with real pairs, and only where
images are good: noise is more diverse than any radiograph.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from semiray.evaluation.statistics.comparison import Comparison
from semiray.generation import ms_ssim

__all__ = ["pair_similarity"]

PAIRS = 4  # started by each image
AT_ONCE = 256


def pair_similarity(images: NDArray[np.uint8], labels: NDArray[np.int64], n_real: int, *, seed: int = 0) -> Comparison:
    """Mean similarity of random pairs within a class; it does not depend on the reference.

    Args:
        images: (N, H, W) uint8, at least two of each class.
        labels: (N,) classes.
        n_real: Images of the reference.
        seed: Of the pairs.
    """
    rng = np.random.default_rng(seed)
    first, second = [], []
    for k in np.unique(labels):
        members = rng.permutation(np.flatnonzero(labels == k))
        for step in range(1, min(PAIRS, len(members) - 1) + 1):  # around a ring: each image is in two pairs per step
            first.append(members)
            second.append(np.roll(members, step))
    a, b = np.concatenate(first), np.concatenate(second)
    found = np.concatenate(
        [_similar(images, a[i : i + AT_ONCE], b[i : i + AT_ONCE]) for i in range(0, len(a), AT_ONCE)]
    )
    count = np.bincount(np.concatenate([a, b]), minlength=len(images))
    own = np.bincount(np.concatenate([a, b]), np.concatenate([found, found]), minlength=len(images)) / count
    return Comparison(float(found.mean()), np.zeros(n_real), 2 * (own - own.mean()))


def _similar(images: NDArray[np.uint8], a: NDArray[np.int64], b: NDArray[np.int64]) -> NDArray[np.float64]:
    x, y = (torch.from_numpy(images[rows].astype(np.float32))[:, None] for rows in (a, b))
    with torch.inference_mode():
        return ms_ssim(x, y, data_range=255).double().numpy()

"""Figures of two sets of images: texture at several scales, and diversity within classes."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from semiray.evaluation.statistics.intervals import Comparison
from semiray.generation import ms_ssim
from semiray.radiographs.pixels.images import shrink

__all__ = ["pair_similarity", "sliced_distance"]

Images = NDArray[np.uint8]
Floats = NDArray[np.float64]
Pixels = NDArray[np.float32]
SMALLEST, PATCH = 16, 7  # pixels per side
PATCHES, DIRECTIONS = 32, 128  # per image and level; per level
SLICED_AT_ONCE = 64  # images whose levels are in memory at once
PAIRS = 4  # started by each image
PAIRS_AT_ONCE = 256


def sliced_distance(real: Images, synthetic: Images, *, seed: int = 0) -> Comparison:
    """Sliced Wasserstein distance of patches of Laplacian pyramids, in standard deviations of the reference's patches.

    From each level down to 16 pixels, patches of 7 x 7 pixels are taken at random places. The Wasserstein-1 distance
    along random directions, the area between two distribution functions, is averaged over levels and directions (Karras
    et al. 2018, arXiv 1710.10196, section 5). Unlike there, both sets are standardised by the mean and standard
    deviation of the reference, so that a difference in contrast counts.

    Its influence is that of the Wasserstein-1 distance on a line: a point x of the reference changes the area between F
    and G by the integral of sign(F - G) beyond x, minus its mean; a point of the other set by the opposite.

    Args:
        real: (N, H, H) uint8, the reference.
        synthetic: (M, H, H) uint8.
        seed: Of places and directions.
    """
    rng = np.random.default_rng(seed)
    value, of_real, of_synthetic = 0.0, np.zeros(len(real)), np.zeros(len(synthetic))
    levels = list(zip(_patches(real, rng), _patches(synthetic, rng), strict=True))
    for patches_x, patches_y in levels:
        mean, deviation = patches_x.mean(axis=(0, 1)), patches_x.std(axis=(0, 1)) + 1e-6
        directions = rng.normal(size=(DIRECTIONS, PATCH * PATCH))
        directions /= np.linalg.norm(directions, axis=1, keepdims=True)
        for direction in directions:
            projected = [(((p - mean) / deviation) @ direction) for p in (patches_x, patches_y)]
            area, beyond = _area(projected[0].ravel(), projected[1].ravel())
            value += area
            of_real += beyond[: projected[0].size].reshape(projected[0].shape).mean(axis=1)
            of_synthetic -= beyond[projected[0].size :].reshape(projected[1].shape).mean(axis=1)
    count = len(levels) * DIRECTIONS
    return Comparison(value / count, (of_real - of_real.mean()) / count, (of_synthetic - of_synthetic.mean()) / count)


def _area(x: Floats, y: Floats) -> tuple[float, Floats]:
    """The area between the distribution functions F of x and G of y, and of each point of both (x first) the integral
    of sign(F - G) from it to the greatest point.
    """
    points = np.concatenate([x, y])
    order = np.argsort(points, kind="stable")
    steps = np.where(order < len(x), 1 / len(x), -1 / len(y))
    gap = np.cumsum(steps)[:-1]  # F - G between one point and the next
    width = np.diff(points[order])
    signed = np.sign(np.where(np.abs(gap) < 1e-12, 0, gap)) * width
    beyond = np.empty(len(points))
    beyond[order] = np.append(np.cumsum(signed[::-1])[::-1], 0)
    return float(np.abs(gap) @ width), beyond


def _patches(images: Images, rng: np.random.Generator) -> list[Pixels]:
    """For each level, patches (N, PATCHES, 49) at random places."""
    blocks = []
    for first in range(0, len(images), SLICED_AT_ONCE):
        blocks.append([_cut(level, rng) for level in _pyramid(images[first : first + SLICED_AT_ONCE])])
    return [np.concatenate(parts) for parts in zip(*blocks, strict=True)]


def _pyramid(images: Images) -> list[Pixels]:
    """What each halving loses, (N, side, side) in grey levels, and at the end what is left."""
    side = images.shape[1]
    finer = shrink(images, side)
    levels = []
    while side >= 2 * SMALLEST:
        side //= 2
        coarser = shrink(images, side)
        rows = np.arange(finer.shape[1]) * side // finer.shape[1]
        levels.append(finer - coarser[:, rows][:, :, rows])
        finer = coarser
    return [*levels, finer]


def _cut(level: Pixels, rng: np.random.Generator) -> Pixels:
    n, side = level.shape[:2]
    top, left = rng.integers(side - PATCH + 1, size=(2, n, PATCHES, 1, 1))
    inside = np.arange(PATCH)
    rows, columns = top + inside[:, None], left + inside
    found: Pixels = level[np.arange(n)[:, None, None, None], rows, columns].reshape(n, PATCHES, -1)
    return found


def pair_similarity(images: Images, labels: NDArray[np.int64], n_real: int, *, seed: int = 0) -> Comparison:
    """Mean multi-scale structural similarity of random pairs of one class; it does not depend on the reference.

    A generator that makes the same image again and again comes close to 1 (Odena et al. 2017, arXiv 1610.09585, section
    4.2). Compare it with real pairs, and only where images are good: noise is more diverse than any radiograph.

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
        [_similar(images, a[i : i + PAIRS_AT_ONCE], b[i : i + PAIRS_AT_ONCE]) for i in range(0, len(a), PAIRS_AT_ONCE)]
    )
    count = np.bincount(np.concatenate([a, b]), minlength=len(images))
    own = np.bincount(np.concatenate([a, b]), np.concatenate([found, found]), minlength=len(images)) / count
    return Comparison(float(found.mean()), np.zeros(n_real), 2 * (own - own.mean()))


def _similar(images: Images, a: NDArray[np.int64], b: NDArray[np.int64]) -> NDArray[np.float64]:
    x, y = (torch.from_numpy(images[rows].astype(np.float32))[:, None] for rows in (a, b))
    with torch.inference_mode():
        return ms_ssim(x, y, data_range=255).double().numpy()

"""Sliced Wasserstein distance between patches of Laplacian pyramids: texture and detail, scale by scale.

From each level of an image's Laplacian pyramid, down to 16 pixels, patches of 7 x 7 pixels are taken at random places.
Along random directions, the Wasserstein-1 distance between the patches of both sets is the area between their
distribution functions (Karras et al. 2018, arXiv 1710.10196, section 5). Unlike there, both sets are standardised by
the mean and standard deviation of the reference, so that a difference in contrast counts.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from semiray.evaluation.statistics.comparison import Comparison
from semiray.radiographs.pixels.images import shrink

__all__ = ["sliced_distance"]

Images = NDArray[np.uint8]
Floats = NDArray[np.float64]
Pixels = NDArray[np.float32]
AT_ONCE = 64  # images whose levels are in memory at once
SMALLEST, PATCH = 16, 7  # pixels per side
PATCHES, DIRECTIONS = 32, 128  # per image and level; per level


def sliced_distance(real: Images, synthetic: Images, *, seed: int = 0) -> Comparison:
    """The distance averaged over levels and directions, in standard deviations of the reference's patches.

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
    for first in range(0, len(images), AT_ONCE):
        blocks.append([_cut(level, rng) for level in _pyramid(images[first : first + AT_ONCE])])
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

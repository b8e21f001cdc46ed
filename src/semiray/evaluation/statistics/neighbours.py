"""Precision, recall, density and coverage: which points are among the nearest neighbours of which.

Every point has a ball that reaches its k-th nearest neighbour of the same set.

- precision: share of synthetic images inside any ball of a real one; recall: the reverse. (Kynkäänniemi et
  al. 2019, arXiv 1904.06991, equations 2 and 3.)
- density: the mean number of real balls around a synthetic image, divided by k; it may exceed 1. Coverage: share of
  real images whose ball contains a synthetic one. (Naeem et al. 2020, arXiv 2002.09797, equations 4 and 5: an outlier
  among the real images, whose ball is huge, counts once and not for everything inside.)

Low precision and density mean images that are not like real ones; low recall and coverage mean real images that no
synthetic image is like. All depend on the sizes of both sets: compare them with their ceiling.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from semiray.evaluation.statistics.comparison import Comparison

__all__ = ["NEIGHBOURS", "Neighbourhood", "neighbourhood", "squared_distances"]

Floats = NDArray[np.float64]
NEIGHBOURS = 5
ROWS = 1024  # of a matrix of distances in memory at once


@dataclass(frozen=True)
class Neighbourhood:
    """The four figures, each with what every image adds."""

    precision: Comparison
    recall: Comparison
    density: Comparison
    coverage: Comparison


def neighbourhood(real: Floats, synthetic: Floats, k: int = NEIGHBOURS, *, rows: int = ROWS) -> Neighbourhood:
    """The four figures of features (N, D) and (M, D), N and M greater than k.

    What an image adds: to a share, whether it is counted itself, and in the other set how many would no longer be
    counted without it (the jackknife); to the density, the balls that contain it, and in the other set what its ball
    contains. The size of balls is held fixed.
    """
    n, m = len(real), len(synthetic)
    real_reach, synthetic_reach = _reach(real, k, rows), _reach(synthetic, k, rows)

    def blocks() -> Iterator[tuple[slice, NDArray[np.bool_], NDArray[np.bool_]]]:
        """Rows of real images; whether each one's ball contains each synthetic image (rows, M); and the reverse."""
        for first in range(0, n, rows):
            part = slice(first, min(first + rows, n))
            distances = squared_distances(real[part], synthetic)
            yield part, distances <= real_reach[part, None], distances <= synthetic_reach

    held_by, holds, recalled_by = np.zeros(m), np.zeros(n), np.zeros(n)
    for part, within, reached in blocks():
        held_by += within.sum(axis=0)
        holds[part] = within.sum(axis=1)
        recalled_by[part] = reached.sum(axis=1)
    alone_in, alone_over, alone_recalls = np.zeros(n), np.zeros(m), np.zeros(m)
    for part, within, reached in blocks():
        alone_in[part] = (within & (held_by == 1)).sum(axis=1)  # synthetic images in this ball and in no other
        alone_over += (within & (holds[part] == 1)[:, None]).sum(axis=0)  # balls that contain this image and no other
        alone_recalls += (reached & (recalled_by[part] == 1)[:, None]).sum(axis=0)
    return Neighbourhood(
        precision=_compare((held_by > 0).mean(), (n - 1) * alone_in / m, held_by > 0),
        recall=_compare((recalled_by > 0).mean(), recalled_by > 0, (m - 1) * alone_recalls / n),
        density=_compare(held_by.mean() / k, n * holds / (k * m), held_by / k),
        coverage=_compare((holds > 0).mean(), holds > 0, (m - 1) * alone_over / n),
    )


def squared_distances(a: Floats, b: Floats) -> Floats:
    """Squared Euclidean distances (N, M) of points (N, D) and (M, D), by one matrix product; never negative."""
    found: Floats = (a * a).sum(axis=1)[:, None] + (b * b).sum(axis=1) - 2 * a @ b.T
    return found.clip(min=0)


def _reach(points: Floats, k: int, rows: int) -> Floats:
    """Squared distance (N,) from every point to its k-th nearest other."""
    blocks = (squared_distances(points[first : first + rows], points) for first in range(0, len(points), rows))
    return np.concatenate([np.partition(block, k, axis=1)[:, k] for block in blocks])  # the 0th is the point itself


def _compare(value: float, of_real: NDArray[Any], of_synthetic: NDArray[Any]) -> Comparison:
    return Comparison(float(value), of_real - np.mean(of_real), of_synthetic - np.mean(of_synthetic))

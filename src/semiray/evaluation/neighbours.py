"""Precision, recall, density and coverage: who lies among whose nearest neighbours.

Around every point lies a ball that reaches its k-th nearest neighbour of the same set.

- precision: share of synthetic images inside any ball of a real one; recall: the other way round. (Kynkäänniemi et
  al. 2019, arXiv 1904.06991, equations 2 and 3.)
- density: the mean number of real balls that a synthetic image lies in, over k; it may exceed 1. Coverage: share of
  real images whose ball holds a synthetic one. (Naeem et al. 2020, arXiv 2002.09797, equations 4 and 5: an outlier
  among the real images, whose ball is huge, counts once instead of for all that it swallows.)

Few or low values of precision and density mean images unlike real ones; of recall and coverage, real images that
nothing synthetic is like. All depend on the sizes of both sets: read them beside their ceiling.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from semiray.evaluation.comparison import Comparison

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


def neighbourhood(real: Floats, synthetic: Floats, k: int = NEIGHBOURS) -> Neighbourhood:
    """Who lies among whose neighbours, of features (N, D) and (M, D), N and M greater than k.

    The balls are held fixed in what an image adds: a figure moves with the images that lie in them.
    """
    real_reach, synthetic_reach = _reach(real, k), _reach(synthetic, k)
    inside = np.zeros(len(synthetic))  # the number of real balls that each synthetic image lies in
    recalled, covered = np.zeros(len(real), bool), np.zeros(len(real), bool)
    for first in range(0, len(real), ROWS):
        part = slice(first, first + ROWS)
        distances = squared_distances(real[part], synthetic)
        within = distances <= real_reach[part, None]
        inside += within.sum(axis=0)
        covered[part] = within.any(axis=1)
        recalled[part] = (distances <= synthetic_reach).any(axis=1)
    return Neighbourhood(
        precision=_of_synthetic(inside > 0, len(real)),
        recall=_of_real(recalled, len(synthetic)),
        density=_of_synthetic(inside / k, len(real)),
        coverage=_of_real(covered, len(synthetic)),
    )


def squared_distances(a: Floats, b: Floats) -> Floats:
    """Squared Euclidean distances (N, M) of points (N, D) and (M, D), by one matrix product; never negative."""
    found: Floats = (a * a).sum(axis=1)[:, None] + (b * b).sum(axis=1) - 2 * a @ b.T
    return found.clip(min=0)


def _reach(points: Floats, k: int) -> Floats:
    """Squared distance (N,) from every point to its k-th nearest other."""
    rows = (squared_distances(points[first : first + ROWS], points) for first in range(0, len(points), ROWS))
    return np.concatenate([np.partition(block, k, axis=1)[:, k] for block in rows])  # the 0th is the point itself


def _of_synthetic(held: NDArray[np.bool_] | Floats, n_real: int) -> Comparison:
    values = held.astype(np.float64)
    return Comparison(float(values.mean()), np.zeros(n_real), values - values.mean())


def _of_real(held: NDArray[np.bool_], n_synthetic: int) -> Comparison:
    values = held.astype(np.float64)
    return Comparison(float(values.mean()), values - values.mean(), np.zeros(n_synthetic))

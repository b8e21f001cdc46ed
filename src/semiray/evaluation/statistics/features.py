"""Figures of two sets of features: Fréchet distance, kernel distance, and who is among whose nearest neighbours."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from semiray.evaluation.statistics.intervals import Comparison

__all__ = [
    "NEIGHBOURS",
    "Neighbourhood",
    "frechet_distance",
    "kernel_distance",
    "neighbourhood",
    "squared_distances",
]

Floats = NDArray[np.float64]
SMALLEST = 1e-10  # eigenvalues below this share of the greatest count as rounding errors
NEIGHBOURS = 5
ROWS = 1024  # of a matrix of distances in memory at once


def frechet_distance(real: Floats, synthetic: Floats) -> Comparison:
    """The squared Fréchet distance of two sets of features (N, D) and (M, D), approximated by normal ones.

        d² = |m_x - m_y|² + tr(S_x + S_y - 2 (S_x^(1/2) S_y S_x^(1/2))^(1/2))

    Covariances are with N - 1 and M - 1 (Dowson and Landau 1982, doi 10.1016/0047-259X(82)90077-X; for generated images
    Heusel et al. 2017, arXiv 1706.08500, equation 6). It grows with the number of features and falls with the number of
    images, even between samples of one distribution: compare it with its floor at the same sizes only.

    Its influence is that of optimal transport between normal distributions: with A = S_x^(-1/2) (S_x^(1/2) S_y
    S_x^(1/2))^(1/2) S_x^(-1/2), the map from x to y, an image with u = x - m_x changes d² by
    2 (m_x - m_y)·u + u'(1 - A)u - tr((1 - A) S_x); for y likewise, with the inverse of A.
    """
    mean_x, mean_y = real.mean(axis=0), synthetic.mean(axis=0)
    cov_x, cov_y = np.atleast_2d(np.cov(real, rowvar=False)), np.atleast_2d(np.cov(synthetic, rowvar=False))
    root, inverse_root = _roots(cov_x)
    middle, inverse_middle = _roots(root @ cov_y @ root)
    to_y = inverse_root @ middle @ inverse_root
    to_x = root @ inverse_middle @ root
    apart = mean_x - mean_y
    value = apart @ apart + np.trace(cov_x) + np.trace(cov_y) - 2 * np.trace(middle)
    return Comparison(
        max(0.0, float(value)),
        _influence(real - mean_x, apart, to_y),
        _influence(synthetic - mean_y, -apart, to_x),
    )


def _influence(centred: Floats, apart: Floats, transport: Floats) -> Floats:
    form = np.eye(len(apart)) - transport
    found: Floats = 2 * centred @ apart + np.einsum("nd,nd->n", centred @ form, centred)
    return np.asarray(found - found.mean())


def _roots(matrix: Floats) -> tuple[Floats, Floats]:
    """The square root of a positive semi-definite matrix, and that of its pseudo-inverse."""
    values, vectors = np.linalg.eigh((matrix + matrix.T) / 2)
    values = values.clip(min=0)
    real = values > SMALLEST * values.max(initial=0)
    inverse = np.where(real, 1 / np.sqrt(np.where(real, values, 1)), 0)
    return (vectors * np.sqrt(values)) @ vectors.T, (vectors * inverse) @ vectors.T


def kernel_distance(real: Floats, synthetic: Floats, *, rows: int = ROWS) -> Comparison:
    """Squared maximum mean discrepancy of features (N, D) and (M, D) under a cubic kernel; N and M at least 2.

        MMD² = mean_{i≠j} k(x_i, x_j) + mean_{i≠j} k(y_i, y_j) - 2 mean k(x_i, y_j),  k(a, b) = (a·b / D + 1)³

    (Gretton et al. 2012, JMLR 13, 723-773, equation 3; the kernel of Binkowski et al. 2018, arXiv 1801.01401, section
    4.) Unlike the Fréchet distance it is unbiased: 0 on average between samples of one distribution, at any size. So it
    can be negative.
    """
    n, m = len(real), len(synthetic)
    within_x = (_sums(real, real, rows) - _with_itself(real)) / (n - 1)
    within_y = (_sums(synthetic, synthetic, rows) - _with_itself(synthetic)) / (m - 1)
    x_to_y, y_to_x = _sums(real, synthetic, rows) / m, _sums(synthetic, real, rows) / n
    value = within_x.mean() + within_y.mean() - 2 * x_to_y.mean()
    of_x, of_y = 2 * (within_x - x_to_y), 2 * (within_y - y_to_x)
    return Comparison(float(value), of_x - of_x.mean(), of_y - of_y.mean())


def _sums(a: Floats, b: Floats, rows: int) -> Floats:
    """sum_j k(a_i, b_j), (N,)."""
    blocks = (a[first : first + rows] @ b.T for first in range(0, len(a), rows))
    return np.concatenate([_cubed(block, a.shape[1]).sum(axis=1) for block in blocks])


def _with_itself(a: Floats) -> Floats:
    return _cubed(np.einsum("nd,nd->n", a, a), a.shape[1])


def _cubed(products: Floats, dimensions: int) -> Floats:
    shifted = products / dimensions + 1.0
    return shifted * shifted * shifted


@dataclass(frozen=True)
class Neighbourhood:
    """Four figures. Every point has a ball that reaches its k-th nearest neighbour of the same set.

    Attributes:
        precision: Share of synthetic images inside any ball of a real one.
        recall: The reverse (Kynkäänniemi et al. 2019, arXiv 1904.06991, equations 2 and 3).
        density: Mean number of real balls around a synthetic image, divided by k; it may exceed 1.
        coverage: Share of real images whose ball contains a synthetic one (Naeem et al. 2020, arXiv 2002.09797,
            equations 4 and 5: an outlier among the real images, whose ball is huge, counts once and not for everything
            inside).
    """

    precision: Comparison
    recall: Comparison
    density: Comparison
    coverage: Comparison


def neighbourhood(real: Floats, synthetic: Floats, k: int = NEIGHBOURS, *, rows: int = ROWS) -> Neighbourhood:
    """The four figures of features (N, D) and (M, D), N and M greater than k; all depend on N and M.

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

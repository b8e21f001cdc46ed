"""The kernel distance: squared maximum mean discrepancy between features, under a cubic kernel.

    MMD² = mean_{i≠j} k(x_i, x_j) + mean_{i≠j} k(y_i, y_j) - 2 mean k(x_i, y_j),  k(a, b) = (a·b / D + 1)³

(Gretton et al. 2012, JMLR 13, 723-773, equation 3; the kernel of Binkowski et al. 2018, arXiv 1801.01401, section 4.)
Unlike the Fréchet distance it is unbiased: 0 on average between samples of one distribution, at any size. So it can be
negative.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from semiray.evaluation.statistics.comparison import Comparison

__all__ = ["kernel_distance"]

Floats = NDArray[np.float64]
ROWS = 1024  # of a kernel matrix in memory at once


def kernel_distance(real: Floats, synthetic: Floats, *, rows: int = ROWS) -> Comparison:
    """The kernel distance of two sets of features (N, D) and (M, D), N and M at least 2."""
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

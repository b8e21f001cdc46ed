"""The Fréchet distance between two sets of features, each approximated by a normal distribution.

    d² = |m_x - m_y|² + tr(S_x + S_y - 2 (S_x^(1/2) S_y S_x^(1/2))^(1/2))

(Dowson and Landau 1982, doi 10.1016/0047-259X(82)90077-X; for generated images Heusel et al. 2017, arXiv 1706.08500,
equation 6.) It grows with the number of features and falls with the number of images, even between samples of one
distribution: compare it with its floor at the same sizes only.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from semiray.evaluation.statistics.comparison import Comparison

__all__ = ["frechet_distance"]

Floats = NDArray[np.float64]
SMALLEST = 1e-10  # eigenvalues below this share of the greatest count as rounding errors


def frechet_distance(real: Floats, synthetic: Floats) -> Comparison:
    """The squared Fréchet distance of two sets of features (N, D) and (M, D), covariances with N - 1 and M - 1.

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
        _influence(real - mean_x, apart, cov_x, to_y),
        _influence(synthetic - mean_y, -apart, cov_y, to_x),
    )


def _influence(centred: Floats, apart: Floats, covariance: Floats, transport: Floats) -> Floats:
    form = np.eye(len(covariance)) - transport
    found: Floats = 2 * centred @ apart + np.einsum("nd,nd->n", centred @ form, centred)
    influence: Floats = found - found.mean()
    return influence


def _roots(matrix: Floats) -> tuple[Floats, Floats]:
    """The square root of a positive semi-definite matrix, and that of its pseudo-inverse."""
    values, vectors = np.linalg.eigh((matrix + matrix.T) / 2)
    values = values.clip(min=0)
    real = values > SMALLEST * values.max(initial=0)
    inverse = np.where(real, 1 / np.sqrt(np.where(real, values, 1)), 0)
    return (vectors * np.sqrt(values)) @ vectors.T, (vectors * inverse) @ vectors.T

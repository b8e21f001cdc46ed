"""The correlation of two factors' leads by maximum likelihood, for exact, censored and discrete values.

Every observation is an interval of scores (`Observations.interval`), so a pair of them has the likelihood

    exact, exact         phi_2(s, t; r) / (phi(s) phi(t))
    exact, interval      Phi((b - r s) / sqrt(1 - r^2)) - Phi((a - r s) / sqrt(1 - r^2))
    interval, interval   P(a < S <= b, c < T <= d; r),

with the marginals fixed at their own estimates (Joe and Xu 1996, inference functions for margins). For two binary
factors this is the tetrachoric correlation (Olsson 1979, Psychometrika 44, 443-460).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import ndtr, ndtri

from semiray.priors.families.family import Marginal
from semiray.priors.grounding.observations import Observations
from semiray.priors.grounding.parameter_estimation import Z95, Estimate, NotEstimableError, curvature

__all__ = ["estimate_correlation", "estimate_tetrachoric", "normal_rectangle"]

Array = NDArray[np.float64]

_FAR = 9.0  # stands for infinity: a score exceeds it with probability 1e-19
_STEEPEST = 2.3  # atanh of the strongest correlation considered, 0.98
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(40)


def estimate_correlation(
    first: Observations, first_marginal: Marginal, second: Observations, second_marginal: Marginal
) -> Estimate:
    """The correlation of two leads' scores, observed in the same rows, with its 95 % interval.

    The interval is symmetric on Fisher's scale, atanh r, and ignores the marginals' own estimation errors. Each patient
    counts once.

    Raises:
        NotEstimableError: no patient has both values, or the likelihood increases up to a correlation of +-0.98.
    """
    both = first.observed & second.observed
    patients, index, rows = np.unique(first.patient[both].numpy(), return_inverse=True, return_counts=True)
    if not len(patients):
        raise NotEstimableError("no patient has both values")
    (a, b), (c, d) = (
        (low[both].numpy(), high[both].numpy())
        for low, high in (first.interval(first_marginal), second.interval(second_marginal))
    )
    corners, same = np.unique(np.stack([a, b, c, d], 1), axis=0, return_inverse=True)
    weight = np.bincount(same.ravel(), weights=1.0 / rows[index]).astype(np.float64)
    loss = _loss(corners.T, weight)
    z = _least(loss)
    H = float(curvature(lambda at: loss(float(at[0])), np.array([z]))[0, 0])
    if abs(z) > _STEEPEST - 1e-3 or not H > 1e-3:
        raise NotEstimableError(f"the {len(patients):,} patients who have both values don't determine it")
    error = 1 / math.sqrt(H)
    low, value, high = (math.tanh(z + shift * error) for shift in (-Z95, 0.0, Z95))
    return Estimate("correlation", value, low, high, error * (1 - value**2))


def estimate_tetrachoric(table: Array, first: float, second: float) -> float:
    """The correlation of the scores of two binary values, of how many have neither, one or both.

    Where nobody has one of the four, half a patient is taken to have it (Brown and Benedetti 1977, doi
    10.1007/BF02293655): two findings that were never seen together needn't exclude each other.

    Args:
        table: (2, 2) patients, at least 0 each; rows the first value (0, 1), columns the second.
        first: rate of the first value, between 0 and 1.
        second: rate of the second value.

    Returns:
        -0.98 to 0.98.

    Examples:
        >>> round(estimate_tetrachoric(np.array([[40.0, 10.0], [10.0, 40.0]]), 0.5, 0.5), 3)
        0.809
    """
    inner = ndtri([1 - first, 1 - second])
    ends = [np.array([-math.inf, cut, math.inf]) for cut in inner]
    rows, columns = (part.ravel() for part in np.indices((2, 2)))
    corners = ends[0][rows], ends[0][rows + 1], ends[1][columns], ends[1][columns + 1]
    return math.tanh(_least(_loss(corners, np.where(table > 0, table, 0.5).ravel())))


def _loss(corners: Iterable[Array], weight: Array) -> Callable[[float], float]:
    """The negative log likelihood of pairs of intervals, as a function of atanh r."""
    a, b, c, d = corners

    def loss(z: float) -> float:
        return -float((weight * _log_likelihood(a, b, c, d, math.tanh(z))).sum())

    return loss


def _least(loss: Callable[[float], float]) -> float:
    """Where it is least."""
    return float(minimize_scalar(loss, bounds=(-_STEEPEST, _STEEPEST), method="bounded", options={"xatol": 1e-8}).x)


def normal_rectangle(a: Array, b: Array, c: Array, d: Array, r: float) -> Array:
    """P(a < S <= b, c < T <= d) for standard normal S, T of correlation r, elementwise; ends may be infinite.

    Both intervals are first mirrored into the lower half, where differences of small probabilities keep their digits.

    Examples:
        >>> zero, infinity = np.zeros(1), np.full(1, np.inf)
        >>> round(float(normal_rectangle(zero, infinity, zero, infinity, 0.5)[0]), 6)
        0.333333
    """
    a, b, c, d = (np.clip(end, -_FAR, _FAR) for end in (a, b, c, d))
    flip, turn = a + b > 0, c + d > 0
    a, b = np.where(flip, -b, a), np.where(flip, -a, b)
    c, d = np.where(turn, -d, c), np.where(turn, -c, d)
    signed = np.where(flip ^ turn, -r, r)
    P = _lower(b, d, signed) - _lower(a, d, signed) - _lower(b, c, signed) + _lower(a, c, signed)
    return np.clip(P, 0.0, 1.0)


def _lower(h: Array, k: Array, r: Array) -> Array:
    """P(S <= h, T <= k) = Phi(h) Phi(k) + 1 / (2 pi) int_0^asin(r) exp(-(h^2 + k^2 - 2 h k sin t) / (2 cos^2 t)) dt."""
    half = (np.arcsin(r) / 2)[..., None]
    angle = half * (_NODES + 1)
    h_, k_ = h[..., None], k[..., None]
    density = np.exp(-(h_**2 + k_**2 - 2 * h_ * k_ * np.sin(angle)) / (2 * np.cos(angle) ** 2))
    inside: Array = ndtr(h) * ndtr(k) + (half * _WEIGHTS * density).sum(-1) / (2 * math.pi)
    return inside


def _log_likelihood(a: Array, b: Array, c: Array, d: Array, r: float) -> Array:
    """Log likelihood (N,) of pairs of intervals, up to terms without r."""
    result = np.empty_like(a)
    first_exact, second_exact = a == b, c == d
    both, neither = first_exact & second_exact, ~first_exact & ~second_exact
    s, t = a[both], c[both]
    result[both] = -0.5 * math.log(1 - r**2) - (r**2 * (s**2 + t**2) - 2 * r * s * t) / (2 * (1 - r**2))
    for exact, at, low, high in ((first_exact & ~second_exact, a, c, d), (second_exact & ~first_exact, c, a, b)):
        below, above = ((end[exact] - r * at[exact]) / math.sqrt(1 - r**2) for end in (low, high))
        upper = below + above > 0  # in the upper half, the mirror image keeps more digits
        below, above = np.where(upper, -above, below), np.where(upper, -below, above)
        result[exact] = _log(ndtr(above) - ndtr(below))
    result[neither] = _log(normal_rectangle(a[neither], b[neither], c[neither], d[neither], r))
    return result


def _log(probability: Array) -> Array:
    return np.asarray(np.log(np.maximum(probability, 1e-300)))

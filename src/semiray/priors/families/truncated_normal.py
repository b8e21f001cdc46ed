"""The standard normal distribution truncated to an interval, however narrow and however far out in the tail.

Everything is elementwise, in float64. An interval is given by its lower end and its width, so that an interval much
narrower than its distance from 0 is not lost to rounding; for infinite ends use -FAR, or a width of 2 FAR. Intervals
are mirrored so that most of their mass lies below 0, where logarithms of probabilities are exact.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

__all__ = ["FAR", "draw", "log_mass", "mean_and_variance"]

FAR = 1e8
"""Stands for infinity: beyond any standard normal number, with a finite square."""

_NARROW = 1e-6
"""If width times distance from 0 is below this, the density is constant on the interval, up to a factor of 1e-6."""

_DEEP = -600.0
"""Log probabilities below this have no inverse in float64: exp would leave its range."""

_HALF_LOG_TAU = 0.5 * math.log(2 * math.pi)


def log_mass(lower: Tensor, width: Tensor) -> Tensor:
    """The logarithm of P(lower < Z < lower + width).

    Example:
        >>> log_mass(torch.zeros(1, dtype=torch.float64), torch.full((1,), 2 * FAR, dtype=torch.float64)).exp()
        tensor([0.5000], dtype=torch.float64)
    """
    a, b, _ = _mirrored(lower, width)
    below, above = torch.special.log_ndtr(a), torch.special.log_ndtr(b)
    wide = above + torch.log1p(-torch.exp(below - above).clamp(max=1 - 2**-53))
    return torch.where(_narrow(lower, width), _log_narrow(lower, width), wide)


def mean_and_variance(lower: Tensor, width: Tensor, mass: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and variance of Z given lower < Z < lower + width, whose `log_mass` is given."""
    upper = lower + width
    at_lower = torch.exp(-0.5 * lower.square() - _HALF_LOG_TAU - mass)  # density of the truncated distribution
    at_upper = torch.exp(-0.5 * upper.square() - _HALF_LOG_TAU - mass)
    mean = at_lower - at_upper
    variance = 1 + lower * at_lower - upper * at_upper - mean.square()
    narrow = _narrow(lower, width)
    mean = torch.where(narrow, lower + width / 2, torch.maximum(torch.minimum(mean, upper), lower))
    return mean, torch.where(narrow, width.square() / 12, variance.clamp(1e-14, 1))


def draw(lower: Tensor, width: Tensor, uniform: Tensor) -> tuple[Tensor, Tensor]:
    """Draws of Z given lower < Z < lower + width, and the interval's log mass.

    Args:
        lower: the lower ends.
        width: the widths, above 0.
        uniform: uniform numbers in [0, 1), at which the draws are the quantiles (upper quantiles if mirrored).
    """
    a, b, mirrored = _mirrored(lower, width)
    below, above = torch.special.log_ndtr(a), torch.special.log_ndtr(b)
    ratio = torch.exp(below - above)  # P(Z < a) / P(Z < b)
    share = ratio + uniform.clamp(min=2**-54) * (1 - ratio)
    z = torch.special.ndtri(torch.exp(above) * share)
    deep = above < _DEEP
    if bool(deep.any()):
        z[deep] = _deep_quantile(above[deep] + share[deep].log())
    z = torch.where(mirrored, -z, z)
    narrow = _narrow(lower, width)
    z = torch.where(narrow, lower + uniform * width, torch.maximum(torch.minimum(z, lower + width), lower))
    wide = above + torch.log1p(-ratio.clamp(max=1 - 2**-53))
    return z, torch.where(narrow, _log_narrow(lower, width), wide)


def _mirrored(lower: Tensor, width: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    upper = lower + width
    mirrored = lower + upper > 0
    return torch.where(mirrored, -upper, lower), torch.where(mirrored, -lower, upper), mirrored


def _narrow(lower: Tensor, width: Tensor) -> Tensor:
    return width * (1 + lower.abs()) < _NARROW


def _log_narrow(lower: Tensor, width: Tensor) -> Tensor:
    return width.log() - 0.5 * (lower + width / 2).square() - _HALF_LOG_TAU


def _deep_quantile(log_probability: Tensor) -> Tensor:
    """The z with the given log Phi(z), far below -100, by Newton's method."""
    z = -torch.sqrt(-2 * log_probability)
    for _ in range(4):
        value = torch.special.log_ndtr(z)
        z = z - (value - log_probability) * torch.exp(0.5 * z.square() + _HALF_LOG_TAU + value)
    return z

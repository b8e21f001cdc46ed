"""Tables of continuous distributions for the tabulated family, by inverting their distribution function in float64.

Each table is checked against the distribution, and is as long as the required accuracy demands.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from semiray.errors import SemirayError
from semiray.priors.families.family import SCORE_BOUND, normal_score
from semiray.priors.families.tabulated import TABULATED, bounded, slope_of_bounded, table_scores

__all__ = ["Continuous", "tabulate"]

_SIZES = (129, 257, 513, 1025, 2049, 4097)
_SOLVED = 6.0  # beyond, two draws in a billion, 1 - F has too few digits: there the table continues as a parabola
_SOLVED_APART, _CHECKED_APART = 1e-11, 1e-8
"""Codes closer to a bound, relative to it, have too few digits to be solved for, or to have their density checked."""
_CHECKED = 4.8  # largest score that is checked: probabilities from 1e-6 to 1 - 1e-6, and a little more
_QUANTILE_ERROR = 5e-6
_DENSITY_ERROR = 5e-6


@dataclass(frozen=True)
class Continuous:
    """A distribution of d independent dimensions; its functions take and return (n, d) in float64.

    Args:
        cdf: F(c).
        survival: 1 - F(c), computed without cancellation if possible.
        log_prob: log density.
        bounds: `low` and `high` (d,), each present if all dimensions are bounded there.
        dimensions: d.
    """

    cdf: Callable[[Tensor], Tensor]
    survival: Callable[[Tensor], Tensor]
    log_prob: Callable[[Tensor], Tensor]
    bounds: dict[str, Tensor]
    dimensions: int

    def score(self, c: Tensor) -> Tensor:
        """Phi^-1(F(c)), cut at +-8."""
        return normal_score(self.cdf(c), self.survival(c))

    def apart(self, c: Tensor, by: float) -> Tensor:
        """Whether codes are further than `by` from their bounds, relative to the bounds: closer ones lose digits."""
        far = torch.ones_like(c, dtype=torch.bool)
        for end in self.bounds.values():
            far &= (c - end).abs() > by * end.abs()
        return far


def tabulate(distribution: Continuous, where: str) -> dict[str, Any]:
    """The parameters of the family `tabulated` for a distribution: table, and low and high if it is bounded.

    Between probabilities 1e-6 and 1 - 1e-6, quantiles agree to 5e-6 standard deviations and log densities to 5e-6,
    except next to a kink of the density, which a table smooths. The shortest table that achieves this is returned.

    Raises:
        SemirayError: the distribution's functions return NaN, or no table is accurate enough; names `where`.
    """
    usable: dict[str, Tensor] | None = None
    where_worst, worst = 0.0, math.inf
    for size in _SIZES:
        p = {"table": _table(distribution, size, where), **distribution.bounds}
        if TABULATED.check(p):
            continue  # neighbours coincide: more points can't help; the error follows below
        quantile, density, where_worst = _errors(distribution, TABULATED.prepare(p))
        worst = min(worst, quantile)
        if quantile <= _QUANTILE_ERROR:
            usable = usable or p
            if density <= _DENSITY_ERROR:
                return p
    if usable is None:
        problem = TABULATED.check(p) or (
            f"its quantile function is too steep for a table: even with {_SIZES[-1]:,} points the error is {worst:.1g} "
            f"standard deviations, at a probability of {0.5 * math.erfc(-where_worst / math.sqrt(2)):.3g}. "
            "If its density has a gap or a jump, make the parts factors of their own (such as a Bernoulli)"
        )
        raise SemirayError(f"{where}: {problem}")
    return usable


def _table(distribution: Continuous, size: int, where: str) -> Tensor:
    """The table (d, size): solved for |s| <= 6, and continued by a parabola through three points one unit apart."""
    s = table_scores(size)
    unit = int(size // (2 * SCORE_BOUND))  # entries per unit of s
    inner = s.abs() <= _SOLVED + 1e-9
    table = torch.zeros(distribution.dimensions, size, dtype=torch.float64)
    table[:, inner] = _invert(distribution, s[inner], where).T
    solved = distribution.apart(bounded(table.T, distribution.bounds), _SOLVED_APART).T & inner
    for row, known in zip(table, solved, strict=True):
        first, last = known.nonzero()[[0, -1], 0].tolist()
        for end, inward in ((first, unit), (last, -unit)):
            y0, y1, y2 = row[[end, end + inward, end + 2 * inward]]
            outside = torch.arange(size) < end if inward > 0 else torch.arange(size) > end
            x = (torch.arange(size)[outside] - end).double() / inward
            row[outside] = y0 + x * (4 * y1 - 3 * y0 - y2) / 2 + x * x * (y0 - 2 * y1 + y2) / 2
    return table


def _invert(distribution: Continuous, s: Tensor, where: str) -> Tensor:
    """The coordinate g (n, d) at scores s (n,), by Newton's method, with bisection if a step leaves the bracket."""
    p = distribution.bounds
    mesh = _mesh(p)
    at_mesh = distribution.score(bounded(mesh.unsqueeze(-1).expand(-1, distribution.dimensions), p))
    if bool(at_mesh.isnan().any()):
        raise SemirayError(f"{where}: its distribution function returns NaN; check its parameters")
    if not bool(((at_mesh[0] < s[0]) & (at_mesh[-1] > s[-1])).all()):
        raise SemirayError(
            f"{where}: its tails exceed the range of floating-point numbers; choose another unit, or a lighter tail"
        )
    goal = s.unsqueeze(-1)
    last = (at_mesh.T.unsqueeze(1) < s.unsqueeze(-1)).sum(-1).T - 1  # the last point of the mesh below s, (n, d)
    low, high = mesh[last], mesh[last + 1]
    rounding = 1e-10 + 1e-15 * torch.exp(_log_inverse_density(goal))  # the error of a score due to rounding of F
    g = (low + high) / 2
    for _ in range(100):
        c = bounded(g, p)
        error = distribution.score(c) - goal
        low, high = torch.where(error < 0, g, low), torch.where(error < 0, high, g)
        slope = torch.exp(distribution.log_prob(c) + slope_of_bounded(g, p) + _log_inverse_density(error + goal))
        step = g - error / slope
        step = torch.where((step > low) & (step < high), step, (low + high) / 2)
        found = (error.abs() <= rounding) | (step == g)
        g = torch.where(found, g, step)
        if bool(found.all()):
            break
    return g


def _mesh(p: dict[str, Tensor]) -> Tensor:
    """Ascending values of g that span all codes."""
    if not p:
        return torch.sinh(torch.linspace(-80, 80, 1601, dtype=torch.float64))
    low = -690.0 if "low" in p else -80.0
    high = 690.0 if "high" in p else 80.0
    return torch.linspace(low, high, 1541, dtype=torch.float64)


def _errors(distribution: Continuous, p: dict[str, Tensor]) -> tuple[float, float, float]:
    """Largest errors between the table's points: of quantiles in standard deviations, of log densities; and where."""
    knots = table_scores(p["table"].shape[-1])
    step = float(knots[1] - knots[0])
    s = torch.cat([knots + fraction * step for fraction in (0.2, 0.5, 0.8)])
    s = s[s.abs() <= _CHECKED].unsqueeze(-1).expand(-1, distribution.dimensions)
    c = TABULATED.from_score(s, p)
    log_density = distribution.log_prob(c)
    off = distribution.score(c) - s
    quantile = off.abs() * torch.exp(-_log_inverse_density(s) - log_density) / TABULATED.variance(p).sqrt()
    density = (TABULATED.log_prob(c, p) - log_density).abs() * distribution.apart(c, _CHECKED_APART)
    worst = float(s.flatten()[int(quantile.nan_to_num(nan=math.inf).argmax())])
    return float(quantile.nan_to_num(nan=math.inf).max()), float(density.nan_to_num(nan=math.inf).max()), worst


def _log_inverse_density(s: Tensor) -> Tensor:
    """-log phi(s)."""
    return 0.5 * s.clamp(-SCORE_BOUND, SCORE_BOUND).square() + 0.5 * math.log(2 * math.pi)

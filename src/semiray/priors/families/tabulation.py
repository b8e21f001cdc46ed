"""Any continuous distribution as a table: its distribution function is inverted at equally spaced scores, in float64.

The table is made as long as its own check against the distribution asks for.
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
_SOLVED = 6.0
"""Beyond these scores, two draws in a billion, 1 - F keeps too few digits: there the table goes on as a parabola."""
_SOLVED_APART, _CHECKED_APART = 1e-11, 1e-8
"""Codes nearer to a bound, relative to it, have too few digits to solve for them, or to check their density."""
_CHECKED = 4.8
"""The check's scores: probabilities from 1e-6 to 1 - 1e-6, and a little more."""
_QUANTILE_ERROR = 5e-6
_DENSITY_ERROR = 5e-6


@dataclass(frozen=True)
class Continuous:
    """What is asked of a distribution of d independent dimensions; the functions take and give (n, d) in float64.

    Args:
        cdf: F(c).
        survival: 1 - F(c), with its own digits where they are known.
        log_prob: log density.
        bounds: `low` and `high` (d,), each if all dimensions have it.
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
        """Whether codes lie further than this from their bounds, relative to the bounds: nearer ones lose digits."""
        far = torch.ones_like(c, dtype=torch.bool)
        for end in self.bounds.values():
            far &= (c - end).abs() > by * end.abs()
        return far


def tabulate(distribution: Continuous, where: str) -> dict[str, Any]:
    """The parameters of family `tabulated` for a distribution: table, and low and high if it has bounds.

    Between probabilities 1e-6 and 1 - 1e-6 quantiles agree to 5e-6 standard deviations, and so do log densities to 5e-6
    except beside a kink of the density, which a table rounds off. The shortest table that achieves this is taken.

    Raises:
        SemirayError: the distribution's functions aren't numbers, or it is too steep for a table.
    """
    usable: dict[str, Tensor] | None = None
    where_worst, worst = 0.0, math.inf
    for size in _SIZES:
        p = {"table": _table(distribution, size, where), **distribution.bounds}
        if TABULATED.check(p):
            continue  # two neighbours fall together: more points can't help, but the message is given below
        quantile, density, where_worst = _errors(distribution, TABULATED.prepare(p))
        worst = min(worst, quantile)
        if quantile <= _QUANTILE_ERROR:
            usable = usable or p
            if density <= _DENSITY_ERROR:
                usable = p
                break
    if usable is None:
        problem = TABULATED.check(p)
        raise SemirayError(
            f"{where}: {problem}"
            if problem
            else f"{where}: its quantile function is too steep for a table: even {_SIZES[-1]:,} points miss it by "
            f"{worst:.1g} standard deviations, at a probability of {0.5 * math.erfc(-where_worst / math.sqrt(2)):.3g}. "
            "Is there a gap or a jump in its density? Write such parts as a factor of their own (a Bernoulli, say)"
        )
    return usable


def _table(distribution: Continuous, size: int, where: str) -> Tensor:
    """The table (d, size): solved for |s| <= 6, and continued beyond by the parabola through the last three units."""
    s = table_scores(size)
    unit = int(size // (2 * SCORE_BOUND))  # so many entries a unit of s
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
    """The coordinate g (n, d) at scores s (n,): Newton's steps, halving where one leaves the bracket."""
    p = distribution.bounds
    mesh = _mesh(p)
    at_mesh = distribution.score(bounded(mesh.unsqueeze(-1).expand(-1, distribution.dimensions), p))
    if bool(at_mesh.isnan().any()):
        raise SemirayError(f"{where}: its distribution function is not a number everywhere; check its parameters")
    if not bool(((at_mesh[0] < s[0]) & (at_mesh[-1] > s[-1])).all()):
        raise SemirayError(
            f"{where}: its tails reach beyond the numbers that a computer knows; choose another unit, or a lighter tail"
        )
    goal = s.unsqueeze(-1)
    last = (at_mesh.T.unsqueeze(1) < s.unsqueeze(-1)).sum(-1).T - 1  # the last point of the mesh below, (n, d)
    low, high = mesh[last], mesh[last + 1]
    rounding = 1e-10 + 1e-15 * torch.exp(_log_inverse_density(goal))  # what F's own rounding leaves of a score
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
    """Values of g, ascending, that span all codes."""
    if not p:
        return torch.sinh(torch.linspace(-80, 80, 1601, dtype=torch.float64))
    low = -690.0 if "low" in p else -80.0
    high = 690.0 if "high" in p else 80.0
    return torch.linspace(low, high, 1541, dtype=torch.float64)


def _errors(distribution: Continuous, p: dict[str, Tensor]) -> tuple[float, float, float]:
    """Largest errors between the table's points: of quantiles in standard deviations, where, and of log densities."""
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

"""The tabulated family: any continuous distribution as a table of its codes at equally spaced scores.

The table holds g, the code in an unbounded coordinate: c, log(c - low), -log(high - c), or log((c - low) / (high - c)).
Between the points, g is a cubic in s, monotone because its slopes are bounded: Fritsch and Carlson (1980), Monotone
piecewise cubic interpolation, SIAM J. Numer. Anal. 17, section 4.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from semiray.priors.families.family import SCORE_BOUND, Constants, Family, Parameter

__all__ = ["TABULATED", "bounded", "slope_of_bounded", "table_scores", "unbounded"]

_FEWEST = 9
_LARGEST_CODE = 1e30
_STEEPEST = 2.5  # largest slope, relative to the neighbouring secants: at Fritsch and Carlson's 3 the density has poles
_FLATTEST = 0.01  # smallest slope, relative to the same


def table_scores(points: int) -> Tensor:
    """The scores (points,) of a table's entries, from -8 to 8."""
    return torch.linspace(-SCORE_BOUND, SCORE_BOUND, points, dtype=torch.float64)


def unbounded(c: Tensor, p: Constants) -> Tensor:
    """The coordinate g of codes c; infinite at and beyond the bounds `low` and `high` of p."""
    above = torch.log((c - p["low"]).clamp(min=0.0)) if "low" in p else None
    below = torch.log((p["high"] - c).clamp(min=0.0)) if "high" in p else None
    if above is None:
        return c if below is None else -below
    return above if below is None else above - below


def bounded(g: Tensor, p: Constants) -> Tensor:
    """The inverse of `unbounded`."""
    if "low" in p and "high" in p:
        return p["low"] + (p["high"] - p["low"]) * torch.sigmoid(g)
    if "low" in p:
        return p["low"] + torch.exp(g)
    return p["high"] - torch.exp(-g) if "high" in p else g


def slope_of_bounded(g: Tensor, p: Constants) -> Tensor:
    """The logarithm of dc/dg."""
    if "low" in p and "high" in p:
        sides = torch.nn.functional.logsigmoid(g) + torch.nn.functional.logsigmoid(-g)
        return torch.log(p["high"] - p["low"]) + sides
    if "low" in p:
        return g
    return -g if "high" in p else torch.zeros_like(g)


def _prepare(p: Constants) -> dict[str, Tensor]:
    """Adds the cubic of each interval, (d, K - 1, 4): coefficients of the powers of t in [0, 1]."""
    table = p["table"]
    rise = table.diff(dim=-1)
    slope = torch.gradient(table, dim=-1, edge_order=2)[0]  # per step of the table
    slope[..., 2:-2] = (8 * (table[..., 3:-1] - table[..., 1:-3]) - (table[..., 4:] - table[..., :-4])) / 12
    least = torch.minimum(torch.cat([rise[..., :1], rise], -1), torch.cat([rise, rise[..., -1:]], -1))
    slope = torch.clamp(slope, _FLATTEST * least, _STEEPEST * least)
    start, end = slope[..., :-1], slope[..., 1:]
    powers = (table[..., :-1], start, 3 * rise - 2 * start - end, start + end - 2 * rise)
    return {**p, "cubics": torch.stack(powers, -1)}


def _cubic(index: Tensor, p: Constants) -> tuple[Tensor, ...]:
    rows = torch.arange(index.shape[-1], device=index.device)
    return p["cubics"][rows, index].unbind(-1)


def _from_score(s: Tensor, p: Constants) -> Tensor:
    intervals = int(p["cubics"].shape[-2])
    position = (s + SCORE_BOUND) * (intervals / (2 * SCORE_BOUND))
    index = position.detach().long().clamp(0, intervals - 1)
    t = position - index
    k0, k1, k2, k3 = _cubic(index, p)
    return bounded(k0 + t * (k1 + t * (k2 + t * k3)), p)


def _locate(g: Tensor, p: Constants) -> tuple[Tensor, Tensor]:
    """The score at which the table reaches g, and dg/ds there; beyond the table g continues as a straight line."""
    table, intervals = p["table"].expand(g.shape[-1], -1), int(p["cubics"].shape[-2])
    inside = torch.clamp(g, table[:, 0], table[:, -1])
    flat = inside.reshape(-1, g.shape[-1]).T.contiguous()
    index = (torch.searchsorted(table.contiguous(), flat, right=True) - 1).clamp(0, intervals - 1).T.reshape(g.shape)
    k0, k1, k2, k3 = _cubic(index, p)
    low, high = torch.zeros_like(g), torch.ones_like(g)
    t = (inside - k0) / (k1 + k2 + k3)
    for _ in range(60):  # Newton's method, with bisection if a step leaves the bracket; it converges quadratically
        error = k0 + t * (k1 + t * (k2 + t * k3)) - inside
        low, high = torch.where(error < 0, t, low), torch.where(error < 0, high, t)
        step = t - error / (k1 + t * (2 * k2 + t * 3 * k3))
        step = torch.where((step >= low) & (step <= high), step, (low + high) / 2)
        done = bool(((step - t).abs() < 1e-9).all())
        t = step
        if done:
            break
    unit = 2 * SCORE_BOUND / intervals
    slope = (k1 + t * (2 * k2 + t * 3 * k3)) / unit
    return (index + t) * unit - SCORE_BOUND + (g - inside) / slope, slope


def _log_prob(c: Tensor, p: Constants) -> Tensor:
    g = unbounded(c, p)
    # At a bound, g is infinite: use the density at the nearest entry of the table.
    g = torch.where(g.isinf() & c.isfinite(), torch.clamp(g, p["table"][..., 0], p["table"][..., -1]), g)
    s, slope = _locate(g, p)
    log_density = -0.5 * s * s - 0.5 * math.log(2 * math.pi) - torch.log(slope) - slope_of_bounded(g, p)
    low, high = _support(p)
    return torch.where((c < low) | (c > high), -math.inf, log_density)


def _expectation(power: int, p: Constants, centre: Tensor | float = 0.0) -> Tensor:
    """E[(c - centre)^power] by the trapezoidal rule over scores, which converges exponentially for smooth functions."""
    s = table_scores(2049).to(p["table"]).unsqueeze(-1)
    weights = torch.exp(-0.5 * s * s)
    codes = _from_score(s.expand(-1, p["table"].shape[0]), p)
    return (weights * (codes - centre) ** power).sum(0) / weights.sum()


def _support(p: Constants) -> tuple[Tensor, Tensor]:
    anywhere = torch.full_like(p["table"][..., 0], math.inf)
    return p.get("low", -anywhere), p.get("high", anywhere)


def _check(p: Constants) -> str | None:
    table = p["table"]
    if table.shape[-1] < _FEWEST:
        return f"table lists {table.shape[-1]} codes; give at least {_FEWEST}, at equally spaced scores from -8 to 8"
    if "low" in p and "high" in p and not bool((p["low"] < p["high"]).all()):
        return "low must be less than high"
    rise = table.diff(dim=-1)
    if not bool((rise > 0).all()):
        row, column = divmod(int((rise <= 0).flatten().nonzero()[0]), rise.shape[-1])
        first, second = float(table[row, column]), float(table[row, column + 1])
        return f"table must ascend, but its entry {column + 1} is {second:g} after {first:g}"
    largest = float(bounded(torch.stack([table[:, 0], table[:, -1]]), p).abs().max())
    if not largest < _LARGEST_CODE:
        return f"its codes reach {largest:g}, beyond {_LARGEST_CODE:g}; choose another unit, or a lighter tail"
    return None


TABULATED = Family(
    name="tabulated",
    parameters={
        "table": Parameter("codes at equally spaced scores from -8 to 8, in an unbounded coordinate", listed=True),
        "low": Parameter("lowest code; the table then holds log(code - low)", optional=True),
        "high": Parameter("highest code; the table then holds -log(high - code), or with low the logit", optional=True),
    },
    from_score=_from_score,
    to_score=lambda c, p: _locate(unbounded(c, p), p)[0].clamp(-SCORE_BOUND, SCORE_BOUND),
    log_prob=_log_prob,
    mean=lambda p: _expectation(1, p),
    variance=lambda p: _expectation(2, p, _expectation(1, p)),
    support=_support,
    check=_check,
    prepare=_prepare,
)

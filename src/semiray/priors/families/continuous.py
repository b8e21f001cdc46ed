"""The continuous families, each by its closed forms in score coordinates."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from semiray.priors.families.family import SCORE_BOUND, Constants, Family, Parameter, normal_cdf, normal_score

__all__ = ["EXPONENTIAL", "LOGNORMAL", "NORMAL", "UNIFORM", "WEIBULL"]


def _within(c: Tensor, low: Tensor | float, high: Tensor | float, log_density: Tensor) -> Tensor:
    return torch.where((c < low) | (c > high), -math.inf, log_density)


def _survival_to_score(log_survival: Tensor) -> Tensor:
    """Score of a code from log P(C > code) <= 0."""
    log_survival = log_survival.clamp(max=0.0)
    return normal_score(-torch.expm1(log_survival), torch.exp(log_survival))


def _line(p: Constants) -> tuple[Tensor, Tensor]:
    anywhere = torch.full_like(next(iter(p.values())), math.inf)
    return -anywhere, anywhere


def _half_line(p: Constants) -> tuple[Tensor, Tensor]:
    _, infinite = _line(p)
    return torch.zeros_like(infinite), infinite


UNIFORM = Family(
    name="uniform",
    parameters={"low": Parameter("lowest value"), "high": Parameter("highest value, above low")},
    from_score=lambda s, p: p["low"] + (p["high"] - p["low"]) * normal_cdf(s),
    to_score=lambda c, p: normal_score(
        (c - p["low"]) / (p["high"] - p["low"]), (p["high"] - c) / (p["high"] - p["low"])
    ),
    log_prob=lambda c, p: _within(c, p["low"], p["high"], -torch.log(p["high"] - p["low"]) + 0.0 * c),
    mean=lambda p: (p["low"] + p["high"]) / 2,
    variance=lambda p: (p["high"] - p["low"]) ** 2 / 12,
    support=lambda p: (p["low"], p["high"]),
    check=lambda p: None if bool((p["low"] < p["high"]).all()) else "low must be less than high",
)

EXPONENTIAL = Family(
    name="exponential",
    parameters={"mean": Parameter("expected value, 1 / rate", low=0.0)},
    from_score=lambda s, p: -p["mean"] * torch.special.log_ndtr(-s),
    to_score=lambda c, p: _survival_to_score(-c / p["mean"]),
    log_prob=lambda c, p: _within(c, 0.0, math.inf, -torch.log(p["mean"]) - c / p["mean"]),
    mean=lambda p: p["mean"],
    variance=lambda p: p["mean"] ** 2,
    support=_half_line,
)

NORMAL = Family(
    name="normal",
    parameters={
        "mean": Parameter("expected value"),
        "standard_deviation": Parameter("standard deviation", low=0.0),
    },
    from_score=lambda s, p: p["mean"] + p["standard_deviation"] * s,
    to_score=lambda c, p: ((c - p["mean"]) / p["standard_deviation"]).clamp(-SCORE_BOUND, SCORE_BOUND),
    log_prob=lambda c, p: (
        -0.5 * ((c - p["mean"]) / p["standard_deviation"]) ** 2
        - torch.log(p["standard_deviation"])
        - 0.5 * math.log(2 * math.pi)
    ),
    mean=lambda p: p["mean"],
    variance=lambda p: p["standard_deviation"] ** 2,
    support=_line,
)

LOGNORMAL = Family(
    name="lognormal",
    parameters={
        "median": Parameter("median, exp of the logarithm's mean", low=0.0),
        "sigma": Parameter("standard deviation of the logarithm", low=0.0),
    },
    from_score=lambda s, p: p["median"] * torch.exp(p["sigma"] * s),
    to_score=lambda c, p: (torch.log(c.clamp(min=0.0) / p["median"]) / p["sigma"]).clamp(-SCORE_BOUND, SCORE_BOUND),
    log_prob=lambda c, p: torch.where(
        c > 0,
        -0.5 * (torch.log(c.clamp(min=1e-300) / p["median"]) / p["sigma"]) ** 2
        - torch.log(c.clamp(min=1e-300) * p["sigma"])
        - 0.5 * math.log(2 * math.pi),
        -math.inf,
    ),
    mean=lambda p: p["median"] * torch.exp(p["sigma"] ** 2 / 2),
    variance=lambda p: p["median"] ** 2 * torch.exp(p["sigma"] ** 2) * torch.expm1(p["sigma"] ** 2),
    support=_half_line,
)

WEIBULL = Family(
    name="weibull",
    parameters={
        "shape": Parameter("shape k; 1 is the exponential", low=0.0),
        "scale": Parameter("scale, the 63 % quantile", low=0.0),
    },
    from_score=lambda s, p: p["scale"] * (-torch.special.log_ndtr(-s)) ** (1 / p["shape"]),
    to_score=lambda c, p: _survival_to_score(-((c.clamp(min=0.0) / p["scale"]) ** p["shape"])),
    log_prob=lambda c, p: _within(
        c,
        0.0,
        math.inf,
        torch.log(p["shape"] / p["scale"])
        + torch.special.xlogy(p["shape"] - 1, c.clamp(min=0.0) / p["scale"])
        - (c.clamp(min=0.0) / p["scale"]) ** p["shape"],
    ),
    mean=lambda p: p["scale"] * torch.exp(torch.lgamma(1 + 1 / p["shape"])),
    variance=lambda p: (
        p["scale"] ** 2
        * torch.exp(2 * torch.lgamma(1 + 1 / p["shape"]))
        * torch.expm1(torch.lgamma(1 + 2 / p["shape"]) - 2 * torch.lgamma(1 + 1 / p["shape"]))
    ),
    support=_half_line,
)

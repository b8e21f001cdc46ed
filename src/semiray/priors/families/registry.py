"""The families by name: continuous ones by closed forms in score coordinates, discrete ones by tables of values.

A discrete family has ascending values and their probabilities, and is reached by thresholds on the score.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from semiray.errors import SemirayError
from semiray.priors.families.family import SCORE_BOUND, Constants, Family, Parameter, normal_cdf, normal_score
from semiray.priors.families.tabulated import TABULATED

__all__ = ["FAMILIES", "discrete_family", "register"]


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


def discrete_family(
    name: str,
    parameters: Mapping[str, Parameter],
    levels: Callable[[Constants], tuple[Tensor, Tensor]],
    check: Callable[[Constants], str | None] = lambda _: None,
) -> Family:
    """A discrete family from its values and their probabilities, from which everything else follows.

    Args:
        name: its name in YAML.
        parameters: the parameters by name.
        levels: parameters -> ascending values (d, K) and their probabilities (d, K).
        check: the problem with a combination of parameters in words, or None.

    Examples:
        >>> from semiray.priors import Parameter
        >>> def levels(p):
        ...     return torch.tensor([[0.0, 5.0]]), torch.stack([1 - p["share"], p["share"]], -1)
        >>> family = discrete_family("zero_or_five", {"share": Parameter("probability of 5", 0.0, 1.0)}, levels)
        >>> family.mean(family.prepare({"share": torch.tensor([0.2])}))
        tensor([1.])
    """

    def prepare(p: Constants) -> dict[str, Tensor]:
        values, probabilities = levels(p)
        lower = probabilities.cumsum(-1)[..., :-1]
        upper = probabilities.flip(-1).cumsum(-1).flip(-1)[..., 1:]  # summed from above: exact in the upper tail
        start = torch.cat([torch.zeros_like(lower[..., :1]), lower], -1)
        end = torch.cat([upper, torch.zeros_like(upper[..., :1])], -1)
        return {
            **p,
            "values": values,
            "probabilities": probabilities,
            "thresholds": normal_score(lower, upper),
            "middles": normal_score(start + probabilities / 2, end + probabilities / 2),
            "first": values[..., 0],
            "jumps": values.diff(dim=-1),
            "cuts": (values[..., 1:] + values[..., :-1]) / 2,
        }

    def pick(table: Tensor, index: Tensor) -> Tensor:
        return table.expand(*index.shape, table.shape[-1]).gather(-1, index.unsqueeze(-1)).squeeze(-1)

    def nearest(c: Tensor, p: Constants) -> Tensor:
        return (c.unsqueeze(-1) > p["cuts"]).sum(-1)

    def mean(p: Constants) -> Tensor:
        return (p["probabilities"] * p["values"]).sum(-1)

    return Family(
        name=name,
        parameters=parameters,
        from_score=lambda s, p: pick(p["values"], (s.unsqueeze(-1) > p["thresholds"]).sum(-1)),
        to_score=lambda c, p: pick(p["middles"], nearest(c, p)),
        log_prob=lambda c, p: torch.where(
            (c.unsqueeze(-1) == p["values"]).any(-1), pick(p["probabilities"], nearest(c, p)).log(), -math.inf
        ),
        mean=mean,
        variance=lambda p: (p["probabilities"] * (p["values"] - mean(p).unsqueeze(-1)) ** 2).sum(-1),
        support=lambda p: (p["values"][..., 0], p["values"][..., -1]),
        check=check,
        prepare=prepare,
        discrete=True,
    )


def _bernoulli_levels(p: Constants) -> tuple[Tensor, Tensor]:
    one = p["probability"]
    return torch.stack([torch.zeros_like(one), torch.ones_like(one)], -1), torch.stack([1 - one, one], -1)


def _categorical_levels(p: Constants) -> tuple[Tensor, Tensor]:
    probabilities = p["probabilities"]
    values = p.get("values")
    if values is None:
        values = torch.arange(probabilities.shape[-1], dtype=probabilities.dtype).expand_as(probabilities).clone()
    return values, probabilities / probabilities.sum(-1, keepdim=True)


def _categorical_check(p: Constants) -> str | None:
    probabilities, values = p["probabilities"], p.get("values")
    if probabilities.shape[-1] < 2:
        return "probabilities must list at least two categories"
    worst = float((probabilities.sum(-1) - 1).abs().max())
    if worst > 1e-4:
        return f"probabilities must sum to 1; they sum to {float(probabilities.sum(-1).flatten()[0]):.6g}"
    if values is not None and values.shape != probabilities.shape:
        return f"values lists {values.shape[-1]} categories, probabilities {probabilities.shape[-1]}"
    if values is not None and not bool((values.diff(dim=-1) > 0).all()):
        return "values must ascend: the categories are ordered"
    return None


BERNOULLI = discrete_family(
    "bernoulli",
    {"probability": Parameter("probability of 1", low=0.0, high=1.0)},
    _bernoulli_levels,
)

CATEGORICAL = discrete_family(
    "categorical",
    {
        "probabilities": Parameter("probability of each category", low=0.0, high=1.0, listed=True),
        "values": Parameter("ascending value of each category, 0, 1, 2, ... unless given", listed=True, optional=True),
    },
    _categorical_levels,
    _categorical_check,
)

FAMILIES: dict[str, Family] = {
    family.name: family
    for family in (BERNOULLI, CATEGORICAL, EXPONENTIAL, LOGNORMAL, NORMAL, TABULATED, UNIFORM, WEIBULL)
}
"""All families by name."""


def register(family: Family) -> Family:
    """Add a family, so that YAML files and `Factor` can name it.

    Raises:
        SemirayError: the name is taken.
    """
    if family.name in FAMILIES:
        raise SemirayError(f"family {family.name!r} exists already; give the new one another name")
    FAMILIES[family.name] = family
    return family

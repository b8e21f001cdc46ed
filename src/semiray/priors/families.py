"""The marginal families: everything that is known about a distribution stands in one frozen entry here.

A family is written in *score* coordinates, s = Phi^-1(F(c)), because that keeps both tails exact: an exponential code is
-mean log Phi(-s), finite and precise where 1 - u has long been rounded to 0. Nothing outside this file knows a family's name.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from semiray.errors import SemirayError

__all__ = [
    "FAMILIES",
    "SCORE_BOUND",
    "Family",
    "Parameter",
    "discrete_family",
    "normal_cdf",
    "normal_score",
    "register",
]

SCORE_BOUND = 8.0
"""Scores are cut at +-8 (a probability of 6e-16): no quantile is infinite."""

Constants = Mapping[str, Tensor]
"""A family's parameters, one tensor of shape (d,) each (lists such as probabilities: (d, K)), and what is derived of them."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """What a parameter means and the open interval that it lies in.

    Args:
        meaning: a few words for error messages and documentation.
        low: smallest value, itself excluded.
        high: largest value, itself excluded.
        listed: the parameter is itself a list of numbers (the probabilities of categories).
        optional: the family has a default for it.
    """

    meaning: str
    low: float = -math.inf
    high: float = math.inf
    listed: bool = False
    optional: bool = False

    @property
    def range(self) -> str:
        """The interval in words."""
        if math.isinf(self.low) and math.isinf(self.high):
            return "a finite number"
        if math.isinf(self.high):
            return f"greater than {self.low:g}"
        return f"between {self.low:g} and {self.high:g}, both excluded"


@dataclass(frozen=True)
class Family:
    """One family of marginal distributions.

    Codes and scores have shape (..., d), constants (d,): one entry a dimension.

    Args:
        name: the word in YAML, lower case.
        parameters: the parameters by name, in the order in which they are written.
        from_score: s -> c, the quantile function in score space, F^-1(Phi(s)).
        to_score: c -> s, its inverse.
        log_prob: c -> log density (or log probability), -inf outside the support.
        mean: the expectation (d,).
        variance: the variance (d,).
        support: lowest and highest code, (d,) each, possibly infinite.
        check: what is wrong with a combination of parameters, or None.
        prepare: adds derived constants (in float64) to the parameters.
        discrete: codes take finitely many values; then `constants` hold `values` and `probabilities`, both (d, K).

    Example:
        >>> FAMILIES["exponential"].mean({"mean": torch.tensor([10.0])})
        tensor([10.])
    """

    name: str
    parameters: Mapping[str, Parameter]
    from_score: Callable[[Tensor, Constants], Tensor]
    to_score: Callable[[Tensor, Constants], Tensor]
    log_prob: Callable[[Tensor, Constants], Tensor]
    mean: Callable[[Constants], Tensor]
    variance: Callable[[Constants], Tensor]
    support: Callable[[Constants], tuple[Tensor, Tensor]]
    check: Callable[[Constants], str | None] = lambda _: None
    prepare: Callable[[Constants], dict[str, Tensor]] = dict
    discrete: bool = False

    def quantile(self, u: Tensor, p: Constants) -> Tensor:
        """F^-1(u) for probabilities u (..., d) in [0, 1]; finite at 0 and 1 too."""
        return self.from_score(torch.special.ndtri(u).clamp(-SCORE_BOUND, SCORE_BOUND), p)

    def cdf(self, c: Tensor, p: Constants) -> Tensor:
        """F(c) = P(C <= c) for codes c (..., d)."""
        if self.discrete:
            below = p["values"] <= c.unsqueeze(-1)
            return (below * p["probabilities"]).sum(-1).clamp(max=1.0)
        return normal_cdf(self.to_score(c, p))

    def relaxed(self, s: Tensor, p: Constants, sharpness: float) -> Tensor:
        """Codes as a differentiable function of scores: exact when continuous, smoothed thresholds when discrete.

        v_0 + sum_k (v_k - v_{k-1}) Phi(sharpness (s - t_k)), with t_k the score at which value k begins.
        """
        if not self.discrete:
            return self.from_score(s, p)
        first, jumps, thresholds = p["first"], p["jumps"], p["thresholds"]
        if jumps.shape[-1] == 1:  # two values: spare the extra axis
            return first + jumps[:, 0] * normal_cdf(sharpness * (s - thresholds[:, 0]))
        return first + (jumps * normal_cdf(sharpness * (s.unsqueeze(-1) - thresholds))).sum(-1)


FAMILIES: dict[str, Family] = {}
"""All families by name."""


def register(family: Family) -> Family:
    """Make a family known by its name, to YAML and to `Factor` alike.

    Raises:
        SemirayError: the name is taken.
    """
    if family.name in FAMILIES:
        raise SemirayError(f"family {family.name!r} exists already; give the new one another name")
    FAMILIES[family.name] = family
    return family


def normal_cdf(s: Tensor) -> Tensor:
    """Phi(s), by erfc: one kernel forward, one backward, exact in the lower tail."""
    return 0.5 * torch.erfc(s * -math.sqrt(0.5))


def normal_score(lower: Tensor, upper: Tensor) -> Tensor:
    """Phi^-1 of a probability given with its complement (lower + upper = 1), exact in both tails, cut at +-SCORE_BOUND."""
    lower, upper = lower.clamp(0.0, 1.0), upper.clamp(0.0, 1.0)
    score = torch.where(lower < upper, torch.special.ndtri(lower), -torch.special.ndtri(upper))
    return score.clamp(-SCORE_BOUND, SCORE_BOUND)


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


# --- continuous families -------------------------------------------------------------------------------------------

register(
    Family(
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
)

register(
    Family(
        name="exponential",
        parameters={"mean": Parameter("expected value, 1 / rate", low=0.0)},
        from_score=lambda s, p: -p["mean"] * torch.special.log_ndtr(-s),
        to_score=lambda c, p: _survival_to_score(-c / p["mean"]),
        log_prob=lambda c, p: _within(c, 0.0, math.inf, -torch.log(p["mean"]) - c / p["mean"]),
        mean=lambda p: p["mean"],
        variance=lambda p: p["mean"] ** 2,
        support=_half_line,
    )
)

register(
    Family(
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
)

register(
    Family(
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
)

register(
    Family(
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
)


# --- discrete families: a table of values and their probabilities, mapped by thresholds on the score -----------------


def discrete_family(
    name: str,
    parameters: Mapping[str, Parameter],
    levels: Callable[[Constants], tuple[Tensor, Tensor]],
    check: Callable[[Constants], str | None] = lambda _: None,
) -> Family:
    """A family from its table alone: everything else follows from values and probabilities.

    Args:
        name: the word in YAML.
        parameters: the parameters by name.
        levels: parameters -> ascending values (d, K) and their probabilities (d, K).
        check: what is wrong with a combination of parameters, or None.
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


register(
    discrete_family(
        "bernoulli",
        {"probability": Parameter("probability of 1", low=0.0, high=1.0)},
        _bernoulli_levels,
    )
)

register(
    discrete_family(
        "categorical",
        {
            "probabilities": Parameter("probability of each category", low=0.0, high=1.0, listed=True),
            "values": Parameter(
                "ascending value of each category, 0, 1, 2, ... unless given", listed=True, optional=True
            ),
        },
        _categorical_levels,
        _categorical_check,
    )
)

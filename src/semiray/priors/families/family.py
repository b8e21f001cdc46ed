"""Marginal distributions: the definition of a family in one frozen dataclass, and a dimension's distribution.

A family is written in *score* coordinates, s = Phi^-1(F(c)), which keeps both tails exact: an exponential code is
-mean log Phi(-s), finite and precise even where 1 - u is rounded to 0.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from semiray.errors import SemirayError

__all__ = ["SCORE_BOUND", "Constants", "Family", "Marginal", "Parameter", "normal_cdf", "normal_score"]

SCORE_BOUND = 8.0
"""Scores are cut at +-8 (a tail probability of 6e-16), so that no quantile is infinite."""

Constants = Mapping[str, Tensor]
"""A family's parameters, a tensor (d,) each (lists such as probabilities: (d, K)), and constants derived from them."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """The meaning of a parameter, and the open interval in which it lies.

    Args:
        meaning: a few words for error messages and documentation.
        low: lower bound, excluded.
        high: upper bound, excluded.
        listed: the parameter is a list of numbers (the probabilities of categories).
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

    Codes and scores have shape (..., d), constants (d,): one value per dimension.

    Args:
        name: its name in YAML, lower case.
        parameters: the parameters by name, in the order in which they are written.
        from_score: s -> c, the quantile function in score space, F^-1(Phi(s)).
        to_score: c -> s, its inverse.
        log_prob: c -> log density (or log probability), -inf outside the support.
        mean: the expectation (d,).
        variance: the variance (d,).
        support: lowest and highest code, (d,) each, possibly infinite.
        check: the problem with a combination of parameters in words, or None.
        prepare: adds derived constants (in float64) to the parameters.
        discrete: codes take finitely many values; then the constants include `values` and `probabilities`, both (d, K).

    Examples:
        >>> from semiray.priors import FAMILIES
        >>> FAMILIES["exponential"].from_score(torch.zeros(1), {"mean": torch.tensor([10.0])})
        tensor([6.9315])
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

    def relaxed(self, s: Tensor, p: Constants, sharpness: float) -> Tensor:
        """Codes as a differentiable function of scores: exact if continuous, smoothed thresholds if discrete."""
        if not self.discrete:
            return self.from_score(s, p)
        first, jumps, thresholds = p["first"], p["jumps"], p["thresholds"]
        if jumps.shape[-1] == 1:  # two values: no extra axis needed
            return first + jumps[:, 0] * normal_cdf(sharpness * (s - thresholds[:, 0]))
        return first + (jumps * normal_cdf(sharpness * (s.unsqueeze(-1) - thresholds))).sum(-1)


@dataclass(frozen=True)
class Marginal:
    """The distribution of one code dimension; all maps are elementwise, in float64, for tensors of any shape.

    Args:
        name: the dimension: "duration[3]".
        unit: the unit of its codes, or "".
        family: its family.
        constants: the family's constants with a single row.

    Examples:
        >>> from semiray.priors import JointPrior
        >>> JointPrior.default().marginal("duration").quantile(torch.tensor(0.5))
        tensor(6.9315, dtype=torch.float64)
    """

    name: str
    unit: str
    family: Family
    constants: Mapping[str, Tensor]

    @property
    def discrete(self) -> bool:
        """Whether codes take finitely many values."""
        return self.family.discrete

    @property
    def mean(self) -> float:
        """The expectation."""
        return float(self.family.mean(self.constants))

    @property
    def standard_deviation(self) -> float:
        """The standard deviation."""
        return float(self.family.variance(self.constants).sqrt())

    @property
    def support(self) -> tuple[float, float]:
        """Lowest and highest code, possibly infinite."""
        low, high = self.family.support(self.constants)
        return float(low), float(high)

    @property
    def values(self) -> tuple[float, ...]:
        """The values of a discrete code, ascending; () if continuous."""
        return tuple(self.constants["values"].flatten().tolist()) if self.discrete else ()

    @property
    def probabilities(self) -> tuple[float, ...]:
        """The probability of each of `values`; () if continuous."""
        return tuple(self.constants["probabilities"].flatten().tolist()) if self.discrete else ()

    @property
    def range(self) -> str:
        """The possible codes in words: "0 or 1", "0 days or more", "-1 to 1"."""
        unit = f" {self.unit}" if self.unit else ""
        if self.discrete:
            *rest, last = (f"{value:g}" for value in self.values)
            return f"{', '.join(rest)} or {last}{unit}"
        low, high = self.support
        if high == float("inf"):
            return "any number" if low == -float("inf") else f"{low:g}{unit} or more"
        return f"{low:g} to {high:g}{unit}"

    def quantile(self, u: Tensor) -> Tensor:
        """F^-1(u) for probabilities u in [0, 1]; finite at 0 and 1 too.

        Raises:
            SemirayError: a probability outside [0, 1].
        """
        u = u.to(torch.float64)
        if not bool(((u >= 0) & (u <= 1)).all()):
            raise SemirayError(f"quantile of {self.name}: probabilities must lie in [0, 1]")
        return self.code(torch.special.ndtri(u))

    def code(self, scores: Tensor) -> Tensor:
        """F^-1(Phi(s)): `JointPrior.codes` for this dimension."""
        s = scores.to(torch.float64).clamp(-SCORE_BOUND, SCORE_BOUND).unsqueeze(-1)
        constants = {key: value.to(s.device) for key, value in self.constants.items()}
        return self.family.from_score(s, constants).squeeze(-1)

    def cdf(self, codes: Tensor) -> Tensor:
        """F(c) = P(C <= c)."""
        c, p = codes.to(torch.float64).unsqueeze(-1), self.constants
        if not self.discrete:
            return normal_cdf(self.family.to_score(c, p)).squeeze(-1)
        below = p["values"] <= c.unsqueeze(-1)
        return (below * p["probabilities"]).sum(-1).clamp(max=1.0).squeeze(-1)

    def log_prob(self, codes: Tensor) -> Tensor:
        """Log density, or log probability of a discrete value; -inf outside the support."""
        return self.family.log_prob(codes.to(torch.float64).unsqueeze(-1), self.constants).squeeze(-1)


def normal_cdf(s: Tensor) -> Tensor:
    """Phi(s), by erfc: one kernel forward and one backward, exact in the lower tail."""
    return 0.5 * torch.erfc(s * -math.sqrt(0.5))


def normal_score(lower: Tensor, upper: Tensor) -> Tensor:
    """Phi^-1(lower) for a probability given with its complement, upper = 1 - lower: exact in both tails, cut at +-8."""
    lower, upper = lower.clamp(0.0, 1.0), upper.clamp(0.0, 1.0)
    score = torch.where(lower < upper, torch.special.ndtri(lower), -torch.special.ndtri(upper))
    return score.clamp(-SCORE_BOUND, SCORE_BOUND)

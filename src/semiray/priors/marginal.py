"""The distribution of one dimension, whatever its family."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from semiray.errors import SemirayError
from semiray.priors.families.family import SCORE_BOUND, Family, normal_cdf

__all__ = ["Marginal"]


@dataclass(frozen=True)
class Marginal:
    """The distribution of one code dimension; all maps are elementwise, in float64, for tensors of any shape.

    Args:
        name: the dimension: "duration[3]".
        unit: the unit of its codes, or "".
        family: its family.
        constants: the family's constants with a single row.

    Example:
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

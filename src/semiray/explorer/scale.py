"""The scale of a slider: quantiles of a code, in its factor's units, in numbers short enough to be typed."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from semiray.priors import JointPrior

__all__ = ["STEPS", "Scale", "factor_scale"]

STEPS = 7
"""Neighbours of a patient along a factor, at most."""

_FINE = torch.linspace(0.01, 0.99, 197, dtype=torch.float64)
_DIGITS = 4  # significant ones: a command with the value makes the same image


@dataclass(frozen=True)
class Scale:
    """What a code can be set to.

    Attributes:
        values: the values, increasing, in the factor's units.
        quantiles: for each the probability of at most this value, 0 to 1.
        discrete: whether these are all values that there are.
    """

    values: tuple[float, ...]
    quantiles: tuple[float, ...]
    discrete: bool

    def steps(self, most: int = STEPS) -> tuple[float, ...]:
        """Some of the values: of a discrete code all, if they are few; else from 5 % to 95 % in equal steps."""
        if self.discrete:
            count = min(most, len(self.values))
            places = [round(i * (len(self.values) - 1) / max(1, count - 1)) for i in range(count)]
        else:
            wanted = torch.linspace(0.05, 0.95, most, dtype=torch.float64)[:, None]
            places = (torch.tensor(self.quantiles) - wanted).abs().argmin(1).tolist()
        return tuple(dict.fromkeys(self.values[place] for place in places))


def factor_scale(prior: JointPrior, name: str) -> Scale:
    """The scale of a dimension, ``"duration[3]"``, or of a factor's lead, ``"duration"``.

    Raises:
        SemirayError: There is no such factor.

    Examples:
        >>> from semiray.priors import JointPrior
        >>> factor_scale(JointPrior.default(), "duration").steps()
        (0.5129, 2.231, 4.308, 6.931, 10.5, 16.09, 29.96)
    """
    marginal = prior.marginal(name)
    if marginal.discrete:
        reached = torch.tensor(marginal.probabilities).cumsum(0).clamp(max=1)
        return Scale(marginal.values, tuple(round(u, 4) for u in reached.tolist()), True)
    values = [float(f"{value:.{_DIGITS}g}") for value in marginal.quantile(_FINE).tolist()]
    return Scale(tuple(values), tuple(round(u, 4) for u in _FINE.tolist()), False)

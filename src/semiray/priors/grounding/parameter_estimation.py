"""Maximum-likelihood estimates of one marginal's parameters, from exact and right-censored observations.

For any family, parameters are transformed to the real line (logarithm, logit), found by the simplex method (Nelder and
Mead 1965, Computer Journal 7, 308-313), and their standard errors follow from the curvature. Two cases have closed
forms: the uniform, whose range depends on its parameters, and a list of probabilities, whose estimates are shares.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import minimize
from torch import Tensor

from semiray.priors.factors import Factor
from semiray.priors.families.family import Parameter
from semiray.priors.grounding.observations import Observations

__all__ = ["Z95", "Estimate", "NotEstimableError", "curvature", "estimate_parameters"]

Vector = NDArray[np.float64]
Function = Callable[[Vector], float]

Z95 = 1.959963984540054
"""A 95 % interval is the estimate plus and minus so many standard errors."""

_STEP = 1e-3  # step of the finite differences: relative errors of about 1e-6


class NotEstimableError(Exception):
    """A table doesn't determine a parameter; the message says why, and follows the factor's name."""


@dataclass(frozen=True)
class Estimate:
    """The estimate of one parameter.

    Args:
        name: the parameter: "mean", "probabilities[2]".
        value: its maximum-likelihood estimate.
        low: lower end of the 95 % interval.
        high: upper end of the 95 % interval.
        error: its standard error; None if the likelihood isn't smooth (the ends of a range).

    Examples:
        >>> print(Estimate("mean", 20.7, 14.6, 29.4, 3.7))
        mean 20.7 (95 % 14.6 to 29.4, standard error 3.7)
    """

    name: str
    value: float
    low: float
    high: float
    error: float | None = None

    def __str__(self) -> str:
        error = "" if self.error is None else f", standard error {self.error:.2g}"
        return f"{self.name} {self.value:.4g} (95 % {self.low:.4g} to {self.high:.4g}{error})"


def estimate_parameters(factor: Factor, observations: Observations) -> tuple[Estimate, ...]:
    """Maximum-likelihood estimates of the parameters of a factor's lead, in the family's order, from the factor's own.

    Standard errors count patients, not images, which makes them conservative where the rows of a patient differ.

    Raises:
        NotEstimableError: no event, a constant column, or a likelihood without a maximum.
    """
    if not observations.patients:
        raise NotEstimableError("no row has a value")
    if not observations.events:
        raise NotEstimableError(
            f"no event: all {observations.patients:,} patients are censored, so no end of a duration is known"
        )
    exact = np.unique(observations.value[observations.observed & ~observations.censored])
    if len(exact) < 2 and (not bool(observations.censored.any()) or len(_free(factor)) > 1):
        raise NotEstimableError(
            f"every {'event' if observations.censored.any() else 'row'} has the same value, {float(exact[0]):g}"
        )
    if factor.family == "uniform":
        return _range(observations)
    listed = [key for key, parameter in _free(factor).items() if parameter.listed]
    if listed and not factor.entry.discrete:
        raise NotEstimableError(f"a {factor.family} factor has no parameters to fit; choose another family")
    return _shares(factor, observations, listed[0]) if listed else _most_likely(factor, observations)


def curvature(loss: Function, y: Vector) -> NDArray[np.float64]:
    """Second derivatives (K, K) of a loss at y (K,), by central differences, for parameters on a scale of about 1."""
    steps = _STEP * np.eye(len(y))
    mixed = [[loss(y + a + b) - loss(y + a - b) - loss(y - a + b) + loss(y - a - b) for b in steps] for a in steps]
    return np.array(mixed) / (4 * _STEP**2)


def _free(factor: Factor) -> dict[str, Parameter]:
    return {key: parameter for key, parameter in factor.entry.parameters.items() if not parameter.optional}


def _range(observations: Observations) -> tuple[Estimate, ...]:
    """The observed range. Given the lowest of n values, ((highest - lowest) / (true end - lowest))^(n-1) is uniform."""
    if bool(observations.censored.any()):
        raise NotEstimableError(
            "a uniform factor can't be fitted to censored times, whose end is unknown; choose exponential, weibull, "
            "lognormal or normal"
        )
    value = observations.value[observations.observed]
    low, high = float(value.min()), float(value.max())
    beyond = (high - low) * (0.025 ** (-1 / max(observations.patients - 1, 1)) - 1)
    return Estimate("low", low, low - beyond, low), Estimate("high", high, high, high + beyond)


def _shares(factor: Factor, observations: Observations, key: str) -> tuple[Estimate, ...]:
    """Shares of patients, with intervals on the logit."""
    values = factor.constants()["values"][0]
    weight = torch.stack([observations.weight[observations.value == value].sum() for value in values])
    absent = [f"{float(value):g}" for value, share in zip(values, weight, strict=True) if share == 0]
    if absent:
        raise NotEstimableError(f"the value {absent[0]} never occurs; remove it from the prior's values")
    total = float(weight.sum())
    estimates = []
    for i, share in enumerate((weight / total).tolist()):
        logit, spread = math.log(share / (1 - share)), Z95 / math.sqrt(total * share * (1 - share))
        low, high = (1 / (1 + math.exp(-end)) for end in (logit - spread, logit + spread))
        estimates.append(Estimate(f"{key}[{i}]", share, low, high, math.sqrt(share * (1 - share) / total)))
    return tuple(estimates)


def _most_likely(factor: Factor, observations: Observations) -> tuple[Estimate, ...]:
    transforms = {key: _Transform(parameter) for key, parameter in _free(factor).items()}
    log_likelihood = _log_likelihood(factor, observations, transforms)
    start = np.array([transform.to_line(_lead(factor.parameters[key])) for key, transform in transforms.items()])
    spread = float(observations.value[observations.observed].std(correction=0)) or 1.0
    step = np.array([1.0 if transform.bounded else spread for transform in transforms.values()])

    def loss(y: Vector) -> float:
        return -log_likelihood(start + step * y)

    y = np.zeros(len(transforms))
    for precision in (1e-3, 1e-9):  # a simplex may collapse early: start again from where it ended
        simplex = np.vstack([y, y + 0.5 * np.eye(len(y))])
        options: Any = {"initial_simplex": simplex, "xatol": precision, "fatol": precision, "maxfev": 4000}
        y = np.asarray(minimize(loss, y, method="Nelder-Mead", options=options).x, dtype=np.float64)
    H = curvature(loss, y)
    if not (np.isfinite(H).all() and (np.linalg.eigvalsh(H) > 0).all()):
        raise NotEstimableError("its likelihood has no maximum: too few events, or all of them equal")
    errors = step * np.sqrt(np.linalg.inv(H).diagonal())
    estimates = []
    best = (start + step * y).tolist()
    for (key, transform), x, error in zip(transforms.items(), best, errors.tolist(), strict=True):
        low, value, high = (transform.from_line(x + shift * error) for shift in (-Z95, 0.0, Z95))
        estimates.append(Estimate(key, value, low, high, error * transform.slope(x)))
    return tuple(estimates)


def _log_likelihood(factor: Factor, observations: Observations, transforms: dict[str, _Transform]) -> Function:
    family = factor.entry

    def grouped(mask: Tensor) -> tuple[Tensor, Tensor]:
        """Unique values (n, 1) and their weights (n,): a table of whole days has few."""
        values, index = np.unique(observations.value[mask], return_inverse=True)
        weight = np.bincount(index, weights=observations.weight[mask].numpy(), minlength=len(values))
        return torch.as_tensor(values).unsqueeze(-1), torch.as_tensor(weight)

    exact, exact_weight = grouped(observations.observed & ~observations.censored)
    censored, censored_weight = grouped(observations.censored)
    fixed = {key: torch.as_tensor(_lead(value)) for key, value in factor.parameters.items() if key not in transforms}

    def log_likelihood(x: Vector) -> float:
        given = {
            key: torch.tensor([transform.from_line(at)]).double()
            for (key, transform), at in zip(transforms.items(), x.tolist(), strict=True)
        }
        p = family.prepare({**fixed, **given})
        total = (exact_weight * family.log_prob(exact, p).squeeze(-1)).sum()
        if len(censored):
            total = total + (censored_weight * torch.special.log_ndtr(-family.to_score(censored, p).squeeze(-1))).sum()
        return float(total) if math.isfinite(float(total)) else -math.inf

    return log_likelihood


class _Transform:
    """Maps a parameter's open interval to the real line: logit, logarithm, or identity."""

    def __init__(self, parameter: Parameter) -> None:
        self.low, self.high = parameter.low, parameter.high
        self.bounded = math.isfinite(self.low)

    def to_line(self, value: float) -> float:
        if math.isfinite(self.high):
            return math.log((value - self.low) / (self.high - value))
        return math.log(value - self.low) if self.bounded else value

    def from_line(self, x: float) -> float:
        clipped = min(max(x, -300.0), 300.0)
        if math.isfinite(self.high):
            return self.low + (self.high - self.low) / (1 + math.exp(-clipped))
        return self.low + math.exp(clipped) if self.bounded else x

    def slope(self, x: float) -> float:
        """Derivative of `from_line`, which turns an error on the line into one of the parameter."""
        if math.isfinite(self.high):
            return (self.from_line(x) - self.low) * (self.high - self.from_line(x)) / (self.high - self.low)
        return self.from_line(x) - self.low if self.bounded else 1.0


def _lead(value: Any) -> Any:
    """The lead's value of a parameter that may be given as one value per dimension."""
    return value[0] if isinstance(value, list) else value

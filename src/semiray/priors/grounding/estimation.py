"""One marginal's parameters by maximum likelihood, from observations of which some are right-censored.

    log L = sum_exact w log f(c) + sum_censored w log P(C > c),   P(C > c) = Phi(-s(c)),

with w the patients' weights, for whatever family: parameters are moved to the whole line (logarithm, logit), found by
Nelder and Mead's simplex (1965, Computer Journal 7, 308-313), and get their errors from the curvature there. For the
exponential that is total time / events. Only the uniform, whose range depends on its parameters, and a list of
probabilities, whose estimates are shares, are closed forms here.
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
"""Standard errors to either side of a 95 % interval."""

_STEP = 1e-3
"""Step of the curvature's differences: relative errors of about 1e-6."""


class NotEstimableError(Exception):
    """Why a table doesn't determine a parameter, in words that follow the factor's name."""


@dataclass(frozen=True)
class Estimate:
    """A parameter as the table tells it.

    Args:
        name: the parameter, "mean", or "probabilities[2]".
        value: its maximum-likelihood estimate.
        low: lower end of the 95 % interval.
        high: upper end.
        error: its standard error; None where the likelihood isn't smooth (the ends of a range).
    """

    name: str
    value: float
    low: float
    high: float
    error: float | None = None

    def __str__(self) -> str:
        error = "" if self.error is None else f", standard error {self.error:.2g}"
        return f"{self.name} {self.value:.4g} (95 % {self.low:.4g} to {self.high:.4g}{error})"


def estimate_parameters(factor: Factor, seen: Observations) -> tuple[Estimate, ...]:
    """Maximum-likelihood estimates of a factor's parameters, those of its lead, in the family's order.

    Errors count patients, not images: they are too large, if anything, where the rows of a patient differ.

    Args:
        factor: the family, and parameters from which to start.
        seen: the observations, within the family's range.

    Raises:
        NotEstimableError: no event, a constant column, or a likelihood without a maximum.
    """
    if not seen.patients:
        raise NotEstimableError("no row says anything about it")
    if not seen.events:
        raise NotEstimableError(
            f"no event: all {seen.patients:,} patients are censored, so nothing tells how long it takes"
        )
    exact = np.unique(seen.value[seen.known & ~seen.censored])
    if len(exact) < 2 and (not bool(seen.censored.any()) or len(_free(factor)) > 1):
        raise NotEstimableError(
            f"every {'event' if seen.censored.any() else 'row'} has the same value, {float(exact[0]):g}"
        )
    if factor.family == "uniform":
        return _range(seen)
    listed = [key for key, parameter in _free(factor).items() if parameter.listed]
    if listed and not factor.entry.discrete:
        raise NotEstimableError(f"a {factor.family} factor has no parameters to fit; choose another family")
    return _shares(factor, seen, listed[0]) if listed else _most_likely(factor, seen)


def curvature(loss: Function, y: Vector) -> NDArray[np.float64]:
    """Second derivatives (K, K) of a loss at y (K,), by central differences, for parameters of a scale about 1."""
    steps = _STEP * np.eye(len(y))
    H = np.empty((len(y), len(y)))
    for i, a in enumerate(steps):
        for j, b in enumerate(steps):
            H[i, j] = (loss(y + a + b) - loss(y + a - b) - loss(y - a + b) + loss(y - a - b)) / (4 * _STEP**2)
    return H


def _free(factor: Factor) -> dict[str, Parameter]:
    return {key: parameter for key, parameter in factor.entry.parameters.items() if not parameter.optional}


def _range(seen: Observations) -> tuple[Estimate, ...]:
    """The range seen. Given the lowest of n values, ((highest - lowest) / (true end - lowest))^(n-1) is uniform."""
    if bool(seen.censored.any()):
        raise NotEstimableError(
            "a uniform factor can't be fitted to censored times, whose end nobody knows; choose exponential, weibull, "
            "lognormal or normal"
        )
    value = seen.value[seen.known]
    low, high = float(value.min()), float(value.max())
    beyond = (high - low) * (0.025 ** (-1 / max(seen.patients - 1, 1)) - 1)
    return Estimate("low", low, low - beyond, low), Estimate("high", high, high, high + beyond)


def _shares(factor: Factor, seen: Observations, key: str) -> tuple[Estimate, ...]:
    """Shares of patients, with intervals on the logit."""
    values = factor.constants()["values"][0]
    weight = torch.stack([seen.weight[seen.value == value].sum() for value in values])
    absent = [f"{float(value):g}" for value, share in zip(values, weight, strict=True) if share == 0]
    if absent:
        raise NotEstimableError(f"the value {absent[0]} never occurs; take it out of the prior's values")
    total = float(weight.sum())
    estimates = []
    for i, share in enumerate((weight / total).tolist()):
        logit, spread = math.log(share / (1 - share)), Z95 / math.sqrt(total * share * (1 - share))
        low, high = (1 / (1 + math.exp(-end)) for end in (logit - spread, logit + spread))
        estimates.append(Estimate(f"{key}[{i}]", share, low, high, math.sqrt(share * (1 - share) / total)))
    return tuple(estimates)


def _most_likely(factor: Factor, seen: Observations) -> tuple[Estimate, ...]:
    free = _free(factor)
    lines = [_Line(parameter) for parameter in free.values()]
    log_likelihood = _log_likelihood(factor, seen, list(free), lines)
    start = np.array([line.onto(_lead(factor.parameters[key])) for key, line in zip(free, lines, strict=True)])
    spread = float(seen.value[seen.known].std(correction=0)) or 1.0
    step = np.array([1.0 if line.bounded else spread for line in lines])

    def loss(y: Vector) -> float:
        return -log_likelihood(start + step * y)

    y = np.zeros(len(lines))
    for precision in (1e-3, 1e-9):  # a simplex may collapse before the end: start it afresh
        simplex = np.vstack([y, y + 0.5 * np.eye(len(y))])
        options: Any = {"initial_simplex": simplex, "xatol": precision, "fatol": precision, "maxfev": 4000}
        y = np.asarray(minimize(loss, y, method="Nelder-Mead", options=options).x, dtype=np.float64)
    H = curvature(loss, y)
    if not (np.isfinite(H).all() and (np.linalg.eigvalsh(H) > 0).all()):
        raise NotEstimableError("its likelihood has no maximum: too few events, or all alike")
    errors = step * np.sqrt(np.linalg.inv(H).diagonal())
    estimates = []
    for key, line, x, error in zip(free, lines, (start + step * y).tolist(), errors.tolist(), strict=True):
        low, value, high = (line.back(x + shift * error) for shift in (-Z95, 0.0, Z95))
        estimates.append(Estimate(key, value, low, high, error * line.slope(x)))
    return tuple(estimates)


def _log_likelihood(factor: Factor, seen: Observations, keys: list[str], lines: list[_Line]) -> Function:
    family = factor.entry

    def grouped(mask: Tensor) -> tuple[Tensor, Tensor]:
        """Different values (n, 1) and their weights (n,): tables of whole days hold few."""
        values, index = np.unique(seen.value[mask], return_inverse=True)
        weight = np.bincount(index, weights=seen.weight[mask].numpy(), minlength=len(values))
        return torch.as_tensor(values).unsqueeze(-1), torch.as_tensor(weight)

    exact, exact_weight = grouped(seen.known & ~seen.censored)
    censored, censored_weight = grouped(seen.censored)
    fixed = {key: torch.as_tensor(_lead(value)) for key, value in factor.parameters.items() if key not in keys}

    def log_likelihood(x: Vector) -> float:
        given = {
            key: torch.tensor([line.back(at)]).double() for key, line, at in zip(keys, lines, x.tolist(), strict=True)
        }
        p = family.prepare({**fixed, **given})
        total = (exact_weight * family.log_prob(exact, p).squeeze(-1)).sum()
        if len(censored):
            total = total + (censored_weight * torch.special.log_ndtr(-family.to_score(censored, p).squeeze(-1))).sum()
        return float(total) if math.isfinite(float(total)) else -math.inf

    return log_likelihood


class _Line:
    """A parameter's open interval laid onto the whole line: logit, logarithm, or as it is."""

    def __init__(self, parameter: Parameter) -> None:
        self.low, self.high = parameter.low, parameter.high
        self.bounded = math.isfinite(self.low)

    def onto(self, value: float) -> float:
        if math.isfinite(self.high):
            return math.log((value - self.low) / (self.high - value))
        return math.log(value - self.low) if self.bounded else value

    def back(self, x: float) -> float:
        if math.isfinite(self.high):
            return self.low + (self.high - self.low) / (1 + math.exp(-_tamed(x)))
        return self.low + math.exp(_tamed(x)) if self.bounded else x

    def slope(self, x: float) -> float:
        """Derivative of `back`, by which an error on the line becomes one of the parameter."""
        if math.isfinite(self.high):
            return (self.back(x) - self.low) * (self.high - self.back(x)) / (self.high - self.low)
        return self.back(x) - self.low if self.bounded else 1.0


def _tamed(x: float) -> float:
    return min(max(x, -300.0), 300.0)


def _lead(value: Any) -> Any:
    """The lead dimension's entry of a parameter that may be listed one a dimension."""
    return value[0] if isinstance(value, list) else value

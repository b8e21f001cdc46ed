"""The continuous families' own closed forms."""

from __future__ import annotations

import math

import pytest
import torch

from semiray.priors import Factor, JointPrior


def test_exponential_is_the_weibull_of_shape_one() -> None:
    a = JointPrior([Factor("a", "exponential", 1, {"mean": 7})])
    b = JointPrior([Factor("a", "weibull", 1, {"shape": 1, "scale": 7})])
    s = torch.linspace(-6, 6, 101, dtype=torch.float64).unsqueeze(-1)
    torch.testing.assert_close(a.codes(s), b.codes(s))
    torch.testing.assert_close(a.log_prob(a.codes(s)), b.log_prob(a.codes(s)))
    assert a.marginal("a").standard_deviation == pytest.approx(b.marginal("a").standard_deviation)


def test_known_medians() -> None:
    half = torch.tensor(0.5)
    for family, parameters, median in (
        ("exponential", {"mean": 10}, 10 * math.log(2)),
        ("lognormal", {"median": 3, "sigma": 0.5}, 3.0),
        ("normal", {"mean": 5, "standard_deviation": 2}, 5.0),
        ("uniform", {"low": -1, "high": 3}, 1.0),
        ("weibull", {"shape": 2, "scale": 3}, 3 * math.sqrt(math.log(2))),
    ):
        prior = JointPrior([Factor("x", family, 1, parameters)])
        assert float(prior.quantile("x", half)) == pytest.approx(median, rel=1e-6)


def test_the_far_tail_of_the_exponential_is_exact() -> None:
    prior = JointPrior([Factor("x", "exponential", 1, {"mean": 1})])
    code = prior.codes(torch.tensor([[8.0]], dtype=torch.float64))
    assert float(code) == pytest.approx(35.013437159914549, rel=1e-12)  # -log Phi(-8), by mpmath


def test_density_integrates_to_one() -> None:
    for family, parameters in (
        ("exponential", {"mean": 2}),
        ("lognormal", {"median": 2, "sigma": 0.5}),
        ("normal", {"mean": 3, "standard_deviation": 1}),
        ("uniform", {"low": 1, "high": 4}),
        ("weibull", {"shape": 2.5, "scale": 4}),
    ):
        marginal = JointPrior([Factor("x", family, 1, parameters)]).marginal("x")
        x = torch.linspace(-10, 60, 700_001, dtype=torch.float64)
        assert float(torch.trapezoid(marginal.log_prob(x).exp(), x)) == pytest.approx(1.0, abs=2e-4)

"""Tables of continuous distributions, against scipy: what they promise, and what they refuse."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from scipy import stats

from semiray.errors import SemirayError
from semiray.priors import Factor, JointPrior
from semiray.priors.families.tabulation import Continuous, tabulate

CASES: dict[str, tuple[Any, dict[str, float]]] = {
    "gamma": (stats.gamma(3, scale=2), {"low": 0}),
    "gamma, infinite at 0": (stats.gamma(0.5), {"low": 0}),
    "beta": (stats.beta(2, 5), {"low": 0, "high": 1}),
    "beta, infinite at both ends": (stats.beta(0.5, 0.4), {"low": 0, "high": 1}),
    "student": (stats.t(4, 100, 7), {}),
    "gumbel": (stats.gumbel_r(-3, 2), {}),
    "half normal": (stats.halfnorm(scale=1e-3), {"low": 0}),
    "shifted": (stats.gamma(2, loc=1e6), {"low": 1e6}),
    "reflected": (stats.weibull_max(1.5), {"high": 0}),
}


class TwoNormals:
    """A mixture of N(-gap, 1) and N(gap, 1) as scipy would write it."""

    def __init__(self, gap: float) -> None:
        self.parts = stats.norm(-gap), stats.norm(gap)

    def cdf(self, x):
        return sum(part.cdf(x) for part in self.parts) / 2

    def sf(self, x):
        return sum(part.sf(x) for part in self.parts) / 2

    def logpdf(self, x):
        return np.logaddexp(*(part.logpdf(x) for part in self.parts)) - np.log(2)


def _continuous(reference: Any, bounds: dict[str, float]) -> Continuous:
    def asked(function):
        def answer(c: torch.Tensor) -> torch.Tensor:
            with np.errstate(all="ignore"):
                return torch.as_tensor(function(c.numpy()))

        return answer

    ends = {key: torch.tensor([float(value)], dtype=torch.float64) for key, value in bounds.items()}
    return Continuous(asked(reference.cdf), asked(reference.sf), asked(reference.logpdf), ends, 1)


@pytest.mark.parametrize("case", CASES)
def test_quantiles_and_log_densities_agree_with_scipy(case: str) -> None:
    reference, bounds = CASES[case]
    parameters = tabulate(_continuous(reference, bounds), case)
    assert set(parameters) == {"table", *bounds}
    marginal = JointPrior([Factor("x", "tabulated", 1, parameters)]).marginal("x")
    s = np.linspace(-4.75, 4.75, 2001)  # probabilities from 1e-6 to 1 - 1e-6
    expected = np.where(s < 0, reference.ppf(stats.norm.cdf(s)), reference.isf(stats.norm.sf(s)))
    np.testing.assert_allclose(marginal.code(torch.as_tensor(s)), expected, rtol=0, atol=1e-5 * reference.std())
    told_apart = np.all([np.abs(expected - end) > 1e-8 * abs(end) for end in bounds.values()], axis=0)
    x = expected[told_apart] if bounds else expected
    np.testing.assert_allclose(marginal.log_prob(torch.as_tensor(x)), reference.logpdf(x), rtol=0, atol=1e-5)
    assert marginal.mean == pytest.approx(reference.mean(), rel=1e-6, abs=1e-6 * reference.std())
    assert marginal.standard_deviation == pytest.approx(reference.std(), rel=1e-4)
    assert marginal.support == (bounds.get("low", -np.inf), bounds.get("high", np.inf))


def test_a_table_is_as_long_as_it_must_be() -> None:
    lengths = [tabulate(_continuous(TwoNormals(gap), {}), "x")["table"].shape[-1] for gap in (0.5, 1.5, 2.0)]
    assert lengths == sorted(lengths)
    assert lengths[0] < lengths[-1] <= 4097


def test_a_gap_is_refused() -> None:
    with pytest.raises(
        SemirayError, match=r"factor 'x': .* too steep .* at a probability of 0.5.*factors of their own"
    ):
        tabulate(_continuous(TwoNormals(4), {}), "factor 'x'")


def test_functions_that_are_no_numbers_are_refused() -> None:
    with pytest.raises(SemirayError, match=r"factor 'x': its distribution function returns NaN"):
        tabulate(_continuous(stats.norm(np.nan), {}), "factor 'x'")


def test_tails_beyond_all_numbers_are_refused() -> None:
    with pytest.raises(SemirayError, match=r"factor 'x': its tails exceed"):
        tabulate(_continuous(stats.gamma(0.01), {"low": 0}), "factor 'x'")

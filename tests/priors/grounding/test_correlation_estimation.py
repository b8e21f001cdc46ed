"""The correlation of leads: rectangles against scipy, known closed forms, and the truth from censored draws."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy import stats

from semiray.priors import JointPrior, Observations
from semiray.priors.grounding.correlation_estimation import (
    estimate_correlation,
    estimate_tetrachoric,
    normal_rectangle,
)
from semiray.priors.grounding.parameter_estimation import Estimate, NotEstimableError

FACTORS = {
    "survival": {"family": "bernoulli", "probability": 0.7, "dimensions": 1},
    "duration": {"family": "exponential", "mean": 10, "dimensions": 1},
    "texture": {"family": "uniform", "low": -1, "high": 1, "dimensions": 1},
    "severity": {"family": "categorical", "probabilities": [0.5, 0.3, 0.2], "dimensions": 1},
}


def prior(one: str, other: str, correlation: float) -> JointPrior:
    return JointPrior.from_dict(
        {"factors": {name: FACTORS[name] for name in (one, other)}, "between": [[one, other, correlation]]}
    )


def draw(true: JointPrior, name: str, codes: torch.Tensor, watched: torch.Tensor | None = None) -> Observations:
    value = codes[:, true.index(name)].double()
    cut = torch.full_like(value, math.inf) if watched is None else watched
    return Observations(torch.minimum(value, cut), value > cut, torch.arange(len(value)))


def estimate(one: str, other: str, correlation: float, n: int, *, censor: bool = False, seed: int = 0) -> Estimate:
    true, generator = prior(one, other, correlation), torch.Generator().manual_seed(seed)
    codes = true.sample(n, generator)
    watched = -10 * torch.rand(n, generator=generator, dtype=torch.float64).log() if censor else None
    first, second = draw(true, one, codes, watched if one == "duration" else None), draw(true, other, codes)
    return estimate_correlation(first, true.marginal(one), second, true.marginal(other))


@pytest.mark.parametrize("r", [-0.95, -0.6, 0.0, 0.3, 0.9])
def test_rectangles_are_scipy_s(r: float) -> None:
    rng = np.random.default_rng(0)
    ends = np.sort(rng.normal(0, 1.5, (12, 2, 2)), axis=-1)
    ends[0, 0, 1], ends[1, 1, 0], ends[2, 0] = np.inf, -np.inf, (-np.inf, np.inf)
    normal = stats.multivariate_normal(cov=[[1, r], [r, 1]])
    expected = [normal.cdf(box[:, 1], lower_limit=box[:, 0]) for box in np.clip(ends, -20, 20)]
    found = normal_rectangle(ends[:, 0, 0], ends[:, 0, 1], ends[:, 1, 0], ends[:, 1, 1], r)
    assert found == pytest.approx(np.array(expected), abs=1e-7)


def test_rectangles_of_independent_scores_are_products_far_into_the_tail() -> None:
    tail = normal_rectangle(np.array([5.0]), np.array([np.inf]), np.array([-np.inf]), np.array([-6.0]), 0.0)
    assert float(tail[0]) == pytest.approx(stats.norm.sf(5) * stats.norm.sf(6), rel=1e-9)


PAIRS = [("survival", "duration"), ("survival", "severity"), ("duration", "texture"), ("duration", "severity")]


@pytest.mark.parametrize("censor", [False, True])
@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_the_truth_is_found_whatever_the_margins_and_censored_or_not(one: str, other: str, censor: bool) -> None:
    true = -0.6
    found = estimate(one, other, true, 800, censor=censor and "duration" in (one, other))
    assert found.error is not None
    assert abs(found.value - true) < 3 * found.error
    assert found.low < found.value < found.high
    assert found.error < 0.08


def test_censored_times_taken_as_ends_weaken_it() -> None:
    true, generator = prior("duration", "texture", 0.8), torch.Generator().manual_seed(1)
    codes = true.sample(2000, generator)
    watched = -10 * torch.rand(2000, generator=generator, dtype=torch.float64).log()
    duration, texture = draw(true, "duration", codes, watched), draw(true, "texture", codes)
    naive = Observations(duration.value, torch.zeros_like(duration.censored), duration.patient)
    margins = true.marginal("duration"), true.marginal("texture")
    right = estimate_correlation(duration, margins[0], texture, margins[1])
    wrong = estimate_correlation(naive, margins[0], texture, margins[1])
    assert right.low < 0.8 < right.high
    assert wrong.high < 0.75


def test_intervals_cover_as_they_promise() -> None:
    found = [estimate("survival", "duration", 0.5, 150, censor=True, seed=seed) for seed in range(60)]
    assert sum(each.low < 0.5 < each.high for each in found) >= 52


def test_a_patient_counts_once() -> None:
    true, generator = prior("duration", "texture", 0.5), torch.Generator().manual_seed(2)
    codes = true.sample(100, generator)
    rows = torch.arange(100).repeat_interleave(torch.randint(1, 6, (100,), generator=generator))

    def found(index: torch.Tensor) -> Estimate:
        first, second = (Observations(codes[index, i], torch.zeros(len(index)), index) for i in (0, 1))
        return estimate_correlation(first, true.marginal("duration"), second, true.marginal("texture"))

    assert found(rows).value == pytest.approx(found(torch.arange(100)).value, abs=1e-6)
    assert found(rows).error == pytest.approx(found(torch.arange(100)).error, rel=1e-3)


def test_what_is_not_determined_is_said() -> None:
    true = prior("survival", "duration", 0.0)
    nan, nobody, whose = math.nan, torch.zeros(3), torch.arange(3)
    margins = true.marginal("survival"), true.marginal("duration")

    def pair(survival: list[float], duration: list[float]) -> Estimate:
        one, other = (Observations(torch.tensor(v), nobody, whose) for v in (survival, duration))
        return estimate_correlation(one, margins[0], other, margins[1])

    with pytest.raises(NotEstimableError, match="no patient has both values"):
        pair([1.0, nan, nan], [nan, 2.0, 3.0])
    with pytest.raises(NotEstimableError, match="the 3 patients who have both values don't determine it"):
        pair([0.0, 1.0, 1.0], [1.0, 30.0, 40.0])


@pytest.mark.parametrize("r", [-0.7, 0.0, 0.4, 0.9])
def test_the_tetrachoric_correlation_of_expected_counts_is_the_true_one(r: float) -> None:
    first, second = 0.3, 0.1
    both = stats.multivariate_normal([0, 0], [[1, r], [r, 1]]).cdf(stats.norm.ppf([first, second]))
    table = 1000 * np.array([[1 - first - second + both, second - both], [first - both, both]])
    assert estimate_tetrachoric(table, first, second) == pytest.approx(r, abs=1e-4)


def test_the_tetrachoric_correlation_of_an_empty_cell_is_not_one() -> None:
    assert -0.97 < estimate_tetrachoric(np.array([[50.0, 20.0], [30.0, 0.0]]), 0.3, 0.2) < -0.5

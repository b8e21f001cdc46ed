"""Parameters from censored observations: known answers, scipy's own estimates, and intervals that cover."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy import stats

from semiray.priors import Factor, Observations
from semiray.priors.grounding.parameter_estimation import Estimate, NotEstimableError, estimate_parameters

Array = NDArray[np.float64]
# family -> (true parameters, where to start, the same distribution in scipy)
TRUE: dict[str, tuple[dict[str, float], dict[str, float], Any]] = {
    "exponential": ({"mean": 30.0}, {"mean": 2.0}, stats.expon(scale=30)),
    "weibull": ({"shape": 1.7, "scale": 12.0}, {"shape": 0.5, "scale": 300.0}, stats.weibull_min(1.7, scale=12)),
    "lognormal": ({"median": 8.0, "sigma": 0.6}, {"median": 1.0, "sigma": 2.0}, stats.lognorm(0.6, scale=8)),
    "normal": (
        {"mean": 400.0, "standard_deviation": 5.0},
        {"mean": 0.0, "standard_deviation": 1.0},
        stats.norm(400, 5),
    ),
}


def observed(value: Any, censored: Any = None, patient: Any = None) -> Observations:
    value = torch.as_tensor(np.asarray(value, dtype=np.float64))
    nobody = torch.zeros(len(value), dtype=torch.bool)
    return Observations(
        value,
        nobody if censored is None else torch.as_tensor(np.asarray(censored)),
        torch.arange(len(value)) if patient is None else torch.as_tensor(patient),
    )


def half_censored(reference: Any, n: int, seed: int) -> tuple[Array, NDArray[np.bool_]]:
    """Times and whether they are censored: each patient is watched for as long as another's duration lasts."""
    rng = np.random.default_rng(seed)
    times, watched = (reference.ppf(rng.uniform(size=n)) for _ in range(2))
    return np.minimum(times, watched), times > watched


def fit(family: str, seen: Observations) -> dict[str, Estimate]:
    start = TRUE[family][1]
    return {estimate.name: estimate for estimate in estimate_parameters(Factor("x", family, 2, start), seen)}


@pytest.mark.parametrize("family", TRUE)
def test_half_censored_the_truth_is_found_within_three_errors_and_censored_as_ended_is_not(family: str) -> None:
    parameters, _, reference = TRUE[family]
    value, censored = half_censored(reference, 1000, seed=5)
    assert 0.4 < censored.mean() < 0.6
    found, naive = fit(family, observed(value, censored)), fit(family, observed(value))
    for name, truth in parameters.items():
        error = found[name].error
        assert error is not None
        assert abs(found[name].value - truth) < 3 * error < 0.2 * truth
    first = next(name for name in ("mean", "median", "scale") if name in parameters)
    assert naive[first].high < parameters[first]
    assert abs(naive[first].value - parameters[first]) > 2 * abs(found[first].value - parameters[first])


@pytest.mark.parametrize("family", TRUE)
def test_scipy_finds_the_same(family: str) -> None:
    value, censored = half_censored(TRUE[family][2], 200, seed=2)
    data = stats.CensoredData.right_censored(value, censored)
    found = {name: estimate.value for name, estimate in fit(family, observed(value, censored)).items()}
    if family == "exponential":
        expected = {"mean": stats.expon.fit(data, floc=0)[1]}
        assert found["mean"] == pytest.approx(value.sum() / (~censored).sum(), rel=1e-6)
    elif family == "weibull":
        shape, _, scale = stats.weibull_min.fit(data, floc=0)
        expected = {"shape": shape, "scale": scale}
    elif family == "lognormal":
        sigma, _, median = stats.lognorm.fit(data, floc=0)
        expected = {"median": median, "sigma": sigma}
    else:
        mean, deviation = stats.norm.fit(data)
        expected = {"mean": mean, "standard_deviation": deviation}
    assert found == pytest.approx(expected, rel=1e-4)  # scipy's own simplex stops there


def test_errors_are_those_of_the_closed_form() -> None:
    value, censored = half_censored(TRUE["exponential"][2], 100, seed=1)
    mean = fit("exponential", observed(value, censored))["mean"]
    events = int((~censored).sum())
    assert mean.error == pytest.approx(mean.value / math.sqrt(events), rel=1e-4)
    assert (mean.low, mean.high) == pytest.approx(
        tuple(mean.value * math.exp(sign * 1.95996 / math.sqrt(events)) for sign in (-1, 1)), rel=1e-4
    )


def test_intervals_cover_as_they_promise() -> None:
    covered = 0
    for seed in range(40):
        mean = fit("exponential", observed(*half_censored(TRUE["exponential"][2], 60, seed)))["mean"]
        covered += mean.low < 30 < mean.high
    assert 35 <= covered <= 40


def test_a_patient_counts_once_however_many_images() -> None:
    value, censored = half_censored(TRUE["weibull"][2], 60, seed=3)
    times = np.random.default_rng(0).integers(1, 9, 60)
    once = fit("weibull", observed(value, censored))
    often = fit("weibull", observed(value.repeat(times), censored.repeat(times), np.arange(60).repeat(times)))
    for name in once:
        assert often[name].value == pytest.approx(once[name].value, rel=1e-6)
        assert often[name].error == pytest.approx(once[name].error, rel=1e-4)


def test_rates_are_shares_of_patients() -> None:
    seen = observed([1, 1, 1, 0, 1], patient=[0, 0, 0, 1, 2])
    (rate,) = estimate_parameters(Factor("x", "bernoulli", parameters={"probability": 0.2}), seen)
    assert rate.value == pytest.approx(2 / 3, abs=1e-6)
    assert rate.error == pytest.approx(math.sqrt(2 / 9 / 3), rel=1e-4)
    three = Factor("x", "categorical", parameters={"probabilities": [0.2, 0.3, 0.5], "values": [0, 2, 7]})
    shares = estimate_parameters(three, observed([0, 2, 7, 7, 7, 2, 7, 7]))
    assert [share.value for share in shares] == pytest.approx([1 / 8, 2 / 8, 5 / 8])
    assert all(0 < share.low < share.value < share.high < 1 for share in shares)


def test_the_uniform_is_the_range_seen_and_its_interval_reaches_beyond() -> None:
    rng = np.random.default_rng(0)
    uniform = Factor("x", "uniform", parameters={"low": -1, "high": 1})
    covered = 0
    for _ in range(200):
        value = rng.uniform(3, 8, 20)
        low, high = estimate_parameters(uniform, observed(value))
        assert (low.value, high.value) == (value.min(), value.max())
        covered += high.low <= 8 <= high.high
    assert 185 <= covered <= 200  # 97.5 %


REFUSED = [
    ("exponential", [math.nan, math.nan], None, "no row has a value"),
    ("exponential", [3.0, 4.0], [True, True], "no event: all 2 patients are censored"),
    ("exponential", [3.0, 3.0], None, "every row has the same value, 3"),
    ("weibull", [3.0, 3.0, 5.0], [False, False, True], "every event has the same value, 3"),
    ("bernoulli", [1.0, 1.0], None, "every row has the same value, 1"),
    ("categorical", [0.0, 1.0], None, "the value 2 never occurs"),
    ("uniform", [0.0, 0.5, 1.0], [False, False, True], "can't be fitted to censored times"),
    ("tabulated", [0.0, 1.0], None, "no parameters to fit"),
]


@pytest.mark.parametrize(("family", "value", "censored", "message"), REFUSED)
def test_what_a_table_does_not_determine_is_said(
    family: str, value: list[float], censored: list[bool] | None, message: str
) -> None:
    start: dict[str, Any] = {
        "bernoulli": {"probability": 0.5},
        "categorical": {"probabilities": [0.5, 0.25, 0.25]},
        "uniform": {"low": 0, "high": 1},
        "tabulated": {"table": list(range(-8, 9))},
    }.get(family, TRUE.get(family, ({}, {}))[1])
    with pytest.raises(NotEstimableError, match=message):
        estimate_parameters(Factor("x", family, parameters=start), observed(value, censored))

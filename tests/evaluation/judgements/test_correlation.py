import numpy as np
import pytest
import torch

from semiray.evaluation import Skipped
from semiray.evaluation.judgements.correlation import _correlations, measure_correlation
from semiray.priors import Factor, JointPrior

PRIOR = JointPrior.default()


def scores(n: int = 400, seed: int = 0, prior: JointPrior = PRIOR) -> np.ndarray:
    return prior.sample_scores(n, torch.Generator().manual_seed(seed)).numpy()


def people(n: int = 400, each: int = 1) -> np.ndarray:
    return np.array([f"p{i // each}" for i in range(n)])


def test_correlations_are_numpys_for_whole_and_resampled_sets() -> None:
    rng = np.random.default_rng(0)
    points = rng.normal(3, 2, (50, 4)) @ rng.normal(size=(4, 4))
    times = rng.integers(0, 3, 50)
    found = _correlations(points, np.stack([np.ones(50), times]))
    assert found[0] == pytest.approx(np.corrcoef(points.T))
    assert found[1] == pytest.approx(np.corrcoef(np.repeat(points, times, axis=0).T))


def test_draws_of_the_prior_lie_at_the_floor() -> None:
    results = [measure_correlation(scores(seed=k), PRIOR, people(), resamples=50) for k in range(1, 4)]
    found = np.array([r.mean_absolute_difference for r in results])
    assert found.mean() == pytest.approx(results[0].floor, rel=0.15)
    # Fisher: a correlation of 0 has a standard error of 1 / sqrt(n), a mean absolute one of sqrt(2 / pi n).
    assert results[0].floor == pytest.approx(np.sqrt(2 / np.pi / 400), rel=0.1)
    assert all(r.low <= r.mean_absolute_difference <= r.high for r in results)


def test_lost_dependence_is_measured_as_it_is() -> None:
    loose = np.random.default_rng(1).normal(size=(2000, 20)).astype(np.float32)
    result = measure_correlation(loose, PRIOR, people(2000), resamples=20)
    above = PRIOR.correlation.numpy()[np.triu_indices(20, 1)]
    assert result.mean_absolute_difference == pytest.approx(np.abs(above).mean(), abs=0.02)
    assert result.mean_absolute_difference > 4 * result.floor
    first, second = (name.split("[")[0] for name in result.greatest)
    assert first == second


def test_the_interval_knows_patients() -> None:
    repeated = np.repeat(scores(40), 10, axis=0)
    alone, together = (measure_correlation(repeated, PRIOR, ids) for ids in (people(), people(each=10)))
    assert together.mean_absolute_difference == alone.mean_absolute_difference
    assert together.high - together.mean_absolute_difference > 2 * (alone.high - alone.mean_absolute_difference)
    assert together.n_patients == 40


def test_a_dimension_that_never_varies_is_correlated_with_nothing() -> None:
    flat = scores()
    flat[:, 3] = 1.5
    measured = measure_correlation(flat, PRIOR, people(), resamples=5).measured
    assert np.isfinite(measured).all()
    assert not measured[3, :3].any()
    assert measured[3, 3] == 1


def test_too_little_to_correlate_is_said() -> None:
    single = JointPrior([Factor("texture", "uniform", 1, {"low": -1.0, "high": 1.0})])
    assert measure_correlation(scores(prior=single), single, people()) == Skipped("the prior has one dimension.")
    assert measure_correlation(scores(2), PRIOR, people(2)) == Skipped("there are only 2 held-out images.")

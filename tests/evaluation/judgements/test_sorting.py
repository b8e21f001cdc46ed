import numpy as np
import pytest
import torch
from scipy.stats import kstest

from semiray.errors import SemirayError
from semiray.evaluation.judgements.sorting import _total_variation, ks_to_uniform, measure_sorting
from semiray.priors import Factor, JointPrior


def scores(prior: JointPrior, n: int = 300, seed: int = 0) -> np.ndarray:
    return prior.sample_scores(n, torch.Generator().manual_seed(seed)).numpy()


def patients(n: int = 300, each: int = 1) -> np.ndarray:
    return np.array([f"p{i // each}" for i in range(n)])


def test_ks_is_scipys() -> None:
    u = np.sort(np.random.default_rng(0).random((20, 57)) ** 1.3, axis=1)
    assert ks_to_uniform(u) == pytest.approx([kstest(row, "uniform").statistic for row in u])


def test_draws_of_the_prior_lie_at_the_floor() -> None:
    prior = JointPrior.default()
    result = measure_sorting(scores(prior, 600), prior, patients(600))
    values = np.array([row.value for row in result.dimensions])
    floors = np.array([row.floor for row in result.dimensions])
    assert values.mean() == pytest.approx(floors.mean(), rel=0.4)
    assert np.mean(values <= [row.floor_high for row in result.dimensions]) > 0.8
    assert all(row.low <= row.value <= row.high for row in result.dimensions)
    assert [row.measure for row in result.dimensions[:6]] == ["total_variation"] * 5 + ["ks"]
    # Kolmogorov: E[sqrt(n) D] = sqrt(pi / 2) ln 2
    assert floors[5] == pytest.approx(np.sqrt(np.pi / 2) * np.log(2) / np.sqrt(600), rel=0.1)


def test_ks_is_that_of_the_codes_in_their_own_units() -> None:
    prior = JointPrior([Factor("duration", "exponential", 2, {"mean": 10.0})])
    s = scores(prior) * 0.6 + 0.3
    codes = prior.codes(torch.from_numpy(s)).numpy().astype(np.float64)
    for j, row in enumerate(measure_sorting(s, prior, patients()).dimensions):
        assert row.value == pytest.approx(kstest(codes[:, j], "expon", (0, 10)).statistic, abs=1e-6)


def test_total_variation_of_discrete_codes_is_known() -> None:
    prior = JointPrior([Factor("survival", "bernoulli", 1, {"probability": 0.3})])
    s = np.concatenate([np.full((200, 1), 3.0), np.full((100, 1), -3.0)]).astype(np.float32)
    (row,) = measure_sorting(s, prior, patients()).dimensions
    assert row.value == pytest.approx(2 / 3 - 0.3, abs=1e-4)
    assert _total_variation(np.array([1.0, 0.0]), np.array([0.0, 1.0])) == 1


def test_a_veil_is_found_and_patients_widen_the_interval() -> None:
    prior = JointPrior.default()
    s = scores(prior)
    s[:, 10] = 0.0
    collapsed = measure_sorting(s, prior, patients()).dimensions[10]
    assert collapsed.value == pytest.approx(0.5, abs=1e-6)
    assert collapsed.value > collapsed.floor_high
    repeated = np.repeat(scores(prior, 30), 10, axis=0)
    alone, together = (measure_sorting(repeated, prior, ids).dimensions[7] for ids in (patients(), patients(each=10)))
    assert together.value == alone.value
    assert together.high - together.low > 1.5 * (alone.high - alone.low)


def test_errors() -> None:
    prior = JointPrior.default()
    with pytest.raises(SemirayError, match="at least one image"):
        measure_sorting(np.zeros((0, 20), np.float32), prior, patients(0))
    broken = scores(prior)
    broken[0, 6] = np.inf
    with pytest.raises(SemirayError, match=r"duration\[1\]"):
        measure_sorting(broken, prior, patients())

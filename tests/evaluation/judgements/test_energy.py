import numpy as np
import pytest
import torch
from scipy.spatial.distance import cdist

from semiray.evaluation import Skipped
from semiray.evaluation.judgements.energy import (
    _random_splits,
    _split_statistics,
    measure_energy,
)
from semiray.priors import Factor, JointPrior

PRIOR = JointPrior.default()


def scores(n: int, seed: int) -> np.ndarray:
    return PRIOR.sample_scores(n, torch.Generator().manual_seed(seed)).numpy()


def people(n: int, each: int = 1) -> np.ndarray:
    return np.array([f"p{i // each}" for i in range(n)])


def energy_distance(x: np.ndarray, y: np.ndarray) -> float:
    """The V-statistic as it is defined."""
    return float(2 * cdist(x, y).mean() - cdist(x, x).mean() - cdist(y, y).mean())


def test_known_answers() -> None:
    def statistic(x: np.ndarray, y: np.ndarray) -> float:
        pooled = np.concatenate([x, y])
        return float(_split_statistics(cdist(pooled, pooled), np.repeat([1, -1], len(x))[:, None])[0])

    assert statistic(np.array([[0.0], [2.0]]), np.array([[1.0], [1.0]])) == pytest.approx(2 * 1 - 1 - 0)
    same = np.random.default_rng(0).normal(size=(20, 3))
    assert statistic(same, same[::-1]) == pytest.approx(0)
    # Two points a distance d apart in law: 2 d.
    assert statistic(np.zeros((5, 2)), np.full((5, 2), 3.0)) == pytest.approx(2 * 3 * np.sqrt(2))


def test_the_statistic_of_a_split_is_the_energy_distance_of_its_parts() -> None:
    points = np.random.default_rng(1).normal(size=(30, 4))
    splits = _random_splits(30, 10, 5, np.random.default_rng(2))
    assert (np.sort(splits, axis=0) == np.repeat([-1, 0, 1], 10)[:, None]).all()
    expected = [energy_distance(points[s == 1], points[s == -1]) for s in splits.T]
    assert _split_statistics(cdist(points, points), splits) == pytest.approx(expected)


def test_the_prior_itself_lies_at_the_floor_and_is_seldom_rejected() -> None:
    results = [measure_energy(scores(60, 100 + k), PRIOR, people(60), permutations=99, seed=k) for k in range(60)]
    assert np.mean([r.ratio for r in results]) == pytest.approx(1, abs=0.08)  # standard error 0.025
    assert np.mean([r.p_value <= 0.1 for r in results]) == pytest.approx(0.1, abs=0.1)
    assert np.mean([r.low <= r.floor <= r.high for r in results]) > 0.8
    assert all(r.floor < r.floor_high for r in results)


def test_a_shift_a_veil_and_lost_dependence_are_found() -> None:
    shifted = scores(300, 1)
    shifted[:, 7] += 1.0
    veiled = scores(300, 2)
    veiled[:, 5:10] = 0.0
    loose = np.random.default_rng(3).normal(size=(300, 20)).astype(np.float32)
    for changed in (shifted, veiled, loose):
        result = measure_energy(changed, PRIOR, people(300), permutations=99)
        assert result.p_value == pytest.approx(0.01)
        assert result.statistic > result.floor_high
        assert result.low <= result.statistic <= result.high


def test_the_ratio_of_the_same_deviation_grows_with_patients() -> None:
    ratios = []
    for n in (200, 400):
        veiled = scores(n, 2)
        veiled[:, 5:10] = 0.0
        ratios.append(measure_energy(veiled, PRIOR, people(n), permutations=9).ratio)
    assert ratios[1] > ratios[0] + 0.4 > 1.4


def test_copies_of_a_patients_images_prove_nothing() -> None:
    repeated = np.repeat(scores(40, 4), 10, axis=0)
    careful = measure_energy(repeated, PRIOR, people(400, each=10), permutations=99)
    careless = measure_energy(repeated, PRIOR, people(400), permutations=99)
    assert careful.n_patients == 40
    assert careful.p_value > 0.05 > careless.p_value


def test_how_sure_the_sorter_is_of_a_value_does_not_matter() -> None:
    prior = JointPrior([Factor("survival", "bernoulli", 2, {"probability": 0.5})])
    s = prior.sample_scores(200, torch.Generator().manual_seed(0)).numpy()
    a, b = (measure_energy(x, prior, people(200), permutations=9) for x in (s, 4 * s))
    assert a == b


def test_two_patients_are_enough_and_one_is_not() -> None:
    result = measure_energy(scores(2, 0), PRIOR, people(2), permutations=9)
    assert np.isfinite([result.low, result.high, result.ratio]).all()
    assert measure_energy(scores(4, 0), PRIOR, people(4, each=4)) == Skipped("there is only one held-out patient.")

import numpy as np
import pytest
from sklearn.metrics import r2_score

from semiray.errors import SemirayError
from semiray.evaluation.judgements.commitment import _r2, measure_commitment

NAMES = ("survival[0]", "duration[0]", "texture[0]")
DISCRETE = np.array([True, False, False])


def codes(n: int = 400, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.stack([rng.random(n) < 0.7, rng.exponential(10, n), rng.uniform(-1, 1, n)], axis=1).astype(np.float32)


def test_obedience_is_one_and_guessing_is_the_floor() -> None:
    asked = codes()
    for row in measure_commitment(asked, asked, NAMES, DISCRETE).dimensions:
        assert (row.value, row.low, row.high) == (1, 1, 1)
    majority, *means = measure_commitment(
        asked, np.tile(np.array([1, *asked[:, 1:].mean(0)], np.float32), (400, 1)), NAMES, DISCRETE
    ).dimensions
    assert majority.measure == "accuracy"
    assert majority.value == pytest.approx(majority.floor)
    for row in means:
        assert row.measure == "r2"
        assert row.value == pytest.approx(row.floor, abs=1e-5)


def test_r2_is_sklearns_for_whole_and_resampled_sets() -> None:
    rng = np.random.default_rng(1)
    asked = rng.exponential(10, 200)
    read = asked + rng.normal(0, 4, 200)
    times = rng.integers(0, 3, 200)
    weights = np.stack([np.ones(200), times]).astype(float)
    expected = [r2_score(asked, read), r2_score(np.repeat(asked, times), np.repeat(read, times))]
    assert _r2(asked, read, weights) == pytest.approx(expected)


def test_the_interval_holds_the_value_of_a_larger_set() -> None:
    rng = np.random.default_rng(2)

    def measured(n: int, seed: int, resamples: int = 200) -> list[tuple[float, float, float]]:
        asked = codes(n, seed)
        read = asked + rng.normal(0, 0.3, asked.shape).astype(np.float32)
        read[:, 0] = np.where(rng.random(n) < 0.1, 1 - asked[:, 0], asked[:, 0])
        result = measure_commitment(asked, read, NAMES, DISCRETE, resamples=resamples)
        return [(row.low, row.value, row.high) for row in result.dimensions]

    truth = [value for _, value, _ in measured(20000, 99, 1)]
    inside = [[low <= t <= high for (low, _, high), t in zip(measured(300, s), truth, strict=True)] for s in range(30)]
    assert (np.mean(inside, axis=0) > 0.8).all()


def test_errors_name_the_dimension() -> None:
    asked = codes(10)
    broken = asked.copy()
    broken[3, 1] = np.nan
    with pytest.raises(SemirayError, match=r"duration\[0\]"):
        measure_commitment(asked, broken, NAMES, DISCRETE)
    with pytest.raises(SemirayError, match="3 dimensions"):
        measure_commitment(asked, asked[:, :2], NAMES, DISCRETE)
    with pytest.raises(SemirayError, match="two images"):
        measure_commitment(asked[:1], asked[:1], NAMES, DISCRETE)

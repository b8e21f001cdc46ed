"""Figures of images: known answers, and influence by finite differences."""

import numpy as np
import pytest
from scipy.stats import wasserstein_distance

from semiray.evaluation.statistics import images
from semiray.evaluation.statistics.images import (
    _area,
    pair_similarity,
    sliced_distance,
)


def noise(count: int, deviation: float = 20.0, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(128, deviation, (count, 32, 32)).round().clip(0, 255).astype(np.uint8)


def test_the_area_is_the_wasserstein_distance() -> None:
    rng = np.random.default_rng(0)
    for n, m in ((50, 50), (40, 70)):
        x, y = rng.normal(size=n).round(1), rng.normal(0.3, 1.5, m).round(1)  # with ties
        assert _area(x, y)[0] == pytest.approx(wasserstein_distance(x, y))


@pytest.mark.parametrize("side", [0, 1])
def test_beyond_is_the_area_s_slope(side: int) -> None:
    """Weight moved onto one point changes the distance, to first order, by what lies beyond it."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=30), rng.normal(0.8, 1.2, 40)
    _, beyond = _area(x, y)
    beyond = beyond[:30] if side == 0 else -beyond[30:]
    small = 1e-6
    points, weights = (x, y)[side], [np.full(30, 1 / 30), np.full(40, 1 / 40)]
    base = wasserstein_distance(x, y)
    for i in range(5):
        moved = [weight.copy() for weight in weights]
        moved[side] *= 1 - small
        moved[side][i] += small
        change = (wasserstein_distance(x, y, *moved) - base) / small
        assert change == pytest.approx(beyond[i] - beyond.mean(), abs=1e-3), points[i]


def test_sliced_distances() -> None:
    x = noise(60)
    alike, louder = sliced_distance(x, noise(60, seed=1)), sliced_distance(x, noise(60, 30, seed=1))
    assert alike.value < 0.1
    assert louder.value > 4 * alike.value
    assert abs(louder.of_real.mean()) < 1e-9
    assert abs(louder.of_synthetic.mean()) < 1e-9


@pytest.mark.parametrize("side", [0, 1])
def test_sliced_influence_is_what_an_image_adds(side: int) -> None:
    """Images of several contrasts: those that add to the distance are those without which it is smaller."""
    rng = np.random.default_rng(2)
    pair = []
    for low, high in ((10, 20), (15, 40)):
        deviations = rng.uniform(low, high, (40, 1, 1))
        pair.append((128 + deviations * rng.normal(size=(40, 16, 16))).round().clip(0, 255).astype(np.uint8))
    found = sliced_distance(*pair)
    influence = (found.of_real, found.of_synthetic)[side]
    points, changes = pair[side], []
    for i in range(15):
        pair[side] = np.concatenate([points, np.repeat(points[i : i + 1], 4, axis=0)])
        changes.append((sliced_distance(*pair).value - found.value) * 44 / 4)
    slope = np.polyfit(influence[:15], changes, 1)[0]
    assert np.corrcoef(influence[:15], changes)[0, 1] > 0.6
    assert 0.4 < slope < 2


def test_it_is_the_same_again_and_levels_end_at_16_pixels() -> None:
    x, y = noise(20), noise(25, seed=1)
    assert sliced_distance(x, y).value == sliced_distance(x, y).value
    assert sliced_distance(x, y).value != sliced_distance(x, y, seed=1).value
    assert [level.shape[1] for level in images._pyramid(x)] == [32, 16]
    levels = images._pyramid(np.zeros((2, 48, 48), np.uint8))
    assert [level.shape[1] for level in levels] == [48, 24]


LABELS = np.arange(40) % 2


def static(count: int = 40, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, 32, 32)).astype(np.uint8)


def test_a_generator_of_one_image_a_class_is_at_1_and_noise_near_0() -> None:
    assert pair_similarity(static(2)[LABELS], LABELS, 9).value == pytest.approx(1, abs=1e-5)
    found = pair_similarity(static(), LABELS, 9)
    assert found.value < 0.1
    assert found.of_real.tolist() == [0] * 9
    assert found.of_synthetic.mean() == pytest.approx(0, abs=1e-9)


def test_an_image_unlike_all_others_adds_less() -> None:
    images = static(2)[LABELS]
    images[5] = static(1, seed=1)[0]
    found = pair_similarity(images, LABELS, 9)
    assert found.of_synthetic.argmin() == 5


def test_pairs_stay_within_a_class_and_a_class_of_two_is_enough() -> None:
    images = static(3)[[0, 0, 1, 1, 1, 2, 2]]
    assert pair_similarity(images, np.array([0, 0, 1, 1, 1, 2, 2]), 1).value == pytest.approx(1, abs=1e-5)


def test_its_error_is_about_what_repetition_shows() -> None:
    labels = np.zeros(60, np.int64)
    values, claimed = [], []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        level = rng.normal(120, 30, (60, 1, 1))  # images differ in brightness, which makes pairs more or less alike
        images = (level + rng.normal(0, 20, (60, 16, 16))).round().clip(0, 255).astype(np.uint8)
        found = pair_similarity(images, labels, 1)
        values.append(found.value)
        claimed.append(np.sqrt(found.of_synthetic.var() / 60))
    assert 0.7 < np.mean(claimed) / np.std(values) < 2.5

import numpy as np
import pytest
from scipy.stats import wasserstein_distance

from semiray.evaluation.statistics import sliced
from semiray.evaluation.statistics.sliced import _area, sliced_distance


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


def test_distances() -> None:
    x = noise(60)
    alike, louder = sliced_distance(x, noise(60, seed=1)), sliced_distance(x, noise(60, 30, seed=1))
    assert alike.value < 0.1
    assert louder.value > 4 * alike.value
    assert abs(louder.of_real.mean()) < 1e-9
    assert abs(louder.of_synthetic.mean()) < 1e-9


@pytest.mark.parametrize("side", [0, 1])
def test_influence_is_what_an_image_adds(side: int) -> None:
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
    assert [level.shape[1] for level in sliced._pyramid(x)] == [32, 16]
    levels = sliced._pyramid(np.zeros((2, 48, 48), np.uint8))
    assert [level.shape[1] for level in levels] == [48, 24]

import numpy as np
import pytest
from scipy.stats import wasserstein_distance

from semiray.evaluation import sliced
from semiray.evaluation.sliced import _area, sliced_distance

RNG = np.random.default_rng(0)


def noise(count: int, deviation: float = 20.0) -> np.ndarray:
    return RNG.normal(128, deviation, (count, 32, 32)).round().clip(0, 255).astype(np.uint8)


def test_the_area_is_the_wasserstein_distance() -> None:
    for n, m in ((50, 50), (40, 70)):
        x, y = RNG.normal(size=n).round(1), RNG.normal(0.3, 1.5, m).round(1)  # with ties
        assert _area(x, y)[0] == pytest.approx(wasserstein_distance(x, y))


@pytest.mark.parametrize("side", [0, 1])
def test_beyond_is_the_area_s_slope(side: int) -> None:
    """Weight moved onto one point changes the distance, to first order, by what lies beyond it."""
    x, y = RNG.normal(size=30), RNG.normal(0.8, 1.2, 40)
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
    alike, louder = sliced_distance(x, noise(60)), sliced_distance(x, noise(60, 30))
    assert alike.value < 0.1
    assert louder.value > 4 * alike.value
    assert abs(louder.of_real.mean()) < 1e-9
    assert louder.of_synthetic.std() > 0


def test_it_is_the_same_again_and_levels_end_at_16_pixels() -> None:
    x, y = noise(20), noise(25)
    assert sliced_distance(x, y).value == sliced_distance(x, y).value
    assert sliced_distance(x, y).value != sliced_distance(x, y, seed=1).value
    assert [level.shape[1] for level in sliced._pyramid(x)] == [32, 16]
    levels = sliced._pyramid(np.zeros((2, 48, 48), np.uint8))
    assert [level.shape[1] for level in levels] == [48, 24]

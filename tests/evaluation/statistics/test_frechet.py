"""The Fréchet distance: closed forms, the usual implementation, and influence by finite differences."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import linalg

from semiray.evaluation.statistics.frechet import frechet_distance

Floats = NDArray[np.float64]


def clouds(n: int = 400, m: int = 300, d: int = 6) -> tuple[Floats, Floats]:
    rng = np.random.default_rng(0)
    mix = rng.normal(size=(d, d))
    return rng.normal(size=(n, d)) @ mix, rng.normal(size=(m, d)) @ mix.T * 1.3 + 0.4


def usual(x: Floats, y: Floats) -> float:
    """As Heusel et al. wrote it, by scipy's square root of the product of covariances."""
    a, b = np.cov(x, rowvar=False), np.cov(y, rowvar=False)
    root = np.asarray(linalg.sqrtm(a @ b)).real
    return float(((x.mean(0) - y.mean(0)) ** 2).sum() + np.trace(a + b - 2 * root))


def test_it_is_what_others_compute() -> None:
    x, y = clouds()
    assert frechet_distance(x, y).value == pytest.approx(usual(x, y), rel=1e-9)


def test_a_shift_costs_its_square_and_a_scale_the_square_of_the_difference() -> None:
    x, _ = clouds()
    assert frechet_distance(x, x).value == pytest.approx(0, abs=1e-9)
    assert frechet_distance(x, x + 3.0).value == pytest.approx(9 * x.shape[1])
    spread = np.trace(np.cov(x, rowvar=False))
    assert frechet_distance(x, x.mean(0) + 2 * (x - x.mean(0))).value == pytest.approx(spread)


def test_a_feature_that_never_varies_is_no_obstacle() -> None:
    x, y = clouds()
    flat = [np.concatenate([part, np.full((len(part), 2), 7.0)], axis=1) for part in (x, y)]
    assert frechet_distance(*flat).value == pytest.approx(usual(x, y), rel=1e-6)
    assert np.isfinite(frechet_distance(*flat).of_real).all()


@pytest.mark.parametrize("side", [0, 1])
def test_influence_is_what_one_more_image_does(side: int) -> None:
    pair = list(clouds())
    found = frechet_distance(*pair)
    influence = (found.of_real, found.of_synthetic)[side]
    assert influence.mean() == pytest.approx(0, abs=1e-9)
    points = pair[side]
    changes = []
    for i in range(40):
        pair[side] = np.concatenate([points, points[i : i + 1]])
        changes.append((frechet_distance(*pair).value - found.value) * (len(points) + 1))
    assert np.corrcoef(changes, influence[:40])[0, 1] > 0.999
    assert np.abs(np.array(changes) - influence[:40]).max() < 0.1 * np.abs(influence).max()

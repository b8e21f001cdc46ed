"""The kernel distance: the double sum written out, unbiasedness, influence by finite differences."""

import numpy as np
import pytest
from numpy.typing import NDArray

from semiray.evaluation.statistics.kernel import kernel_distance

Floats = NDArray[np.float64]


def written_out(x: Floats, y: Floats) -> float:
    def k(a: Floats, b: Floats) -> float:
        return float((a @ b / len(a) + 1) ** 3)

    def within(z: Floats) -> float:
        return float(np.mean([k(z[i], z[j]) for i in range(len(z)) for j in range(len(z)) if i != j]))

    return within(x) + within(y) - 2 * float(np.mean([k(a, b) for a in x for b in y]))


def test_it_is_the_double_sum() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(20, 5)), rng.normal(0.3, 1.2, size=(15, 5))
    assert kernel_distance(x, y, rows=7).value == pytest.approx(written_out(x, y))  # of blocks put together


def test_between_samples_of_one_distribution_it_is_0_on_average() -> None:
    rng = np.random.default_rng(1)
    values = [kernel_distance(rng.normal(size=(30, 4)), rng.normal(size=(30, 4))).value for _ in range(300)]
    assert abs(np.mean(values)) < 3 * np.std(values) / 300**0.5
    assert min(values) < 0


@pytest.mark.parametrize("side", [0, 1])
def test_influence_is_what_an_image_adds(side: int) -> None:
    """To first order: the influence of images, times a small weight that they gain, is the change."""
    rng = np.random.default_rng(2)
    pair = [rng.normal(size=(200, 4)), rng.normal(0.2, 1.1, size=(150, 4))]
    found = kernel_distance(pair[0], pair[1])
    influence = (found.of_real, found.of_synthetic)[side]
    assert influence.mean() == pytest.approx(0, abs=1e-12)
    points = pair[side]
    changes = []
    for i in range(30):
        pair[side] = np.delete(points, i, axis=0)
        changes.append((found.value - kernel_distance(pair[0], pair[1]).value) * (len(points) - 1))
    assert np.corrcoef(changes, influence[:30])[0, 1] > 0.999
    assert np.polyfit(influence[:30], changes, 1)[0] == pytest.approx(1, abs=0.05)

import numpy as np
import pytest

from semiray.evaluation.diversity import pair_similarity

RNG = np.random.default_rng(0)
LABELS = np.arange(40) % 2


def noise(count: int = 40) -> np.ndarray:
    return RNG.integers(0, 256, (count, 32, 32)).astype(np.uint8)


def test_a_generator_of_one_image_a_class_is_at_1_and_noise_near_0() -> None:
    assert pair_similarity(noise(2)[LABELS], LABELS, 9).value == pytest.approx(1, abs=1e-5)
    found = pair_similarity(noise(), LABELS, 9)
    assert found.value < 0.1
    assert found.of_real.tolist() == [0] * 9
    assert found.of_synthetic.mean() == pytest.approx(0, abs=1e-9)


def test_an_image_unlike_all_others_adds_less() -> None:
    images = noise(2)[LABELS]
    images[5] = noise(1)[0]
    found = pair_similarity(images, LABELS, 9)
    assert found.of_synthetic.argmin() == 5


def test_pairs_stay_within_a_class_and_a_class_of_two_is_enough() -> None:
    images = noise(3)[[0, 0, 1, 1, 1, 2, 2]]
    assert pair_similarity(images, np.array([0, 0, 1, 1, 1, 2, 2]), 1).value == pytest.approx(1, abs=1e-5)

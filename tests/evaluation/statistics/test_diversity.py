import numpy as np
import pytest

from semiray.evaluation.statistics.diversity import pair_similarity

LABELS = np.arange(40) % 2


def noise(count: int = 40, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, 32, 32)).astype(np.uint8)


def test_a_generator_of_one_image_a_class_is_at_1_and_noise_near_0() -> None:
    assert pair_similarity(noise(2)[LABELS], LABELS, 9).value == pytest.approx(1, abs=1e-5)
    found = pair_similarity(noise(), LABELS, 9)
    assert found.value < 0.1
    assert found.of_real.tolist() == [0] * 9
    assert found.of_synthetic.mean() == pytest.approx(0, abs=1e-9)


def test_an_image_unlike_all_others_adds_less() -> None:
    images = noise(2)[LABELS]
    images[5] = noise(1, seed=1)[0]
    found = pair_similarity(images, LABELS, 9)
    assert found.of_synthetic.argmin() == 5


def test_pairs_stay_within_a_class_and_a_class_of_two_is_enough() -> None:
    images = noise(3)[[0, 0, 1, 1, 1, 2, 2]]
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

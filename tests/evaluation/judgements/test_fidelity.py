from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from semiray.evaluation.judgements.fidelity import MEASURES, FidelityResult, measure_fidelity
from semiray.evaluation.judges.feature_spaces import FeatureSpace
from semiray.evaluation.results import Skipped
from semiray.radiographs import RadiographSet

PIXELS = FeatureSpace("pixels", lambda images: images.reshape(len(images), -1)[:, ::32] / np.float64(64))


def grey(count: int, seed: int, classes: tuple[int, ...] = (0, 1)) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Noise around a level that tells the class."""
    rng = np.random.default_rng(seed)
    labels = rng.choice(classes, count)
    noise = rng.normal(0, 30, (count, 16, 16)) + 80 + 90 * labels[:, None, None]
    return noise.round().clip(0, 255).astype(np.uint8), labels.astype(np.int64)


def real(count: int = 800, each: int = 1) -> RadiographSet:
    images, labels = grey(count, 0)
    keys = tuple(str(i) for i in range(count))
    patients = np.array([f"p{i // each}" for i in range(count)])
    return RadiographSet(images, labels, ("a", "b"), patients, keys, ({},) * count, "f")


def measure(images: NDArray[np.uint8], labels: NDArray[np.int64]) -> FidelityResult:
    found = measure_fidelity(images, labels, real(), PIXELS, resamples=200)
    assert isinstance(found, FidelityResult)
    return found


def test_images_of_the_same_distribution_are_at_floor_and_ceiling() -> None:
    found = measure(*grey(2000, 1))
    assert set(found.measures) == set(MEASURES)
    assert found.n_reference + found.n_compared <= 800
    for name, one in found.measures.items():
        assert one.low <= one.real_high, name
        assert one.real_low <= one.high, name
        assert one.low <= one.value <= one.high, name
    assert found.measures["frechet"].value == pytest.approx(found.measures["frechet"].real, rel=0.6)


def test_shares_of_classes_do_not_count() -> None:
    """A generator that is asked for nine of one class and one of the other is compared class by class."""
    images, labels = grey(2000, 2)
    keep = (labels == 0) | (np.arange(2000) % 9 == 0)
    found = measure(images[keep], labels[keep])
    frechet = found.measures["frechet"]
    assert frechet.low < frechet.real_high
    assert found.n_compared < 300  # as many as the rarer class allows


def test_several_images_of_a_patient_count_as_one() -> None:
    """A patient's images are each other's neighbours: with all of them, perfect synthetic images would look worse."""
    held_out = real(1600, each=4)
    rng = np.random.default_rng(8)
    alike = np.repeat(held_out.images[::4], 4, axis=0) + rng.normal(0, 2, held_out.images.shape)
    held_out = replace(
        held_out, images=alike.round().clip(0, 255).astype(np.uint8), labels=held_out.labels[::4].repeat(4)
    )
    images, labels = grey(1600, 1)
    found = measure_fidelity(images, labels, held_out, PIXELS, resamples=200)
    assert isinstance(found, FidelityResult)
    assert found.n_reference + found.n_compared <= 400
    for name in ("recall", "coverage"):
        assert found.measures[name].value == pytest.approx(found.measures[name].real, abs=0.1)


def test_a_class_of_few_patients_is_left_out_and_every_figure_is_a_number() -> None:
    held_out = real(300)
    labels = held_out.labels.copy()
    labels[:2] = 2
    held_out = replace(held_out, labels=labels, classes=("a", "b", "rare"))
    images, asked = grey(900, 1)
    asked[:100] = 2
    found = measure_fidelity(images, asked, held_out, PIXELS, resamples=50)
    assert isinstance(found, FidelityResult)
    for one in found.measures.values():
        assert np.isfinite(list(vars(one).values())).all()


def test_noise_is_far_away_and_covers_nothing() -> None:
    images = np.random.default_rng(3).integers(0, 256, (1000, 16, 16)).astype(np.uint8)
    found = measure(images, np.arange(1000) % 2)
    assert found.measures["coverage"].value < 0.1
    assert found.measures["coverage"].real > 0.9
    assert found.measures["frechet"].low > 3 * found.measures["frechet"].real_high
    assert found.measures["kernel"].low > found.measures["kernel"].real_high


def test_a_class_that_looks_like_the_other_is_missed_in_recall_and_coverage() -> None:
    images, _ = grey(1000, 4, classes=(0,))
    found = measure(images, np.arange(1000) % 2)
    assert found.measures["coverage"].high < 0.6 < found.measures["coverage"].real_low
    assert found.measures["recall"].value < 0.6
    assert found.measures["precision"].value > 0.8


def test_few_images_are_too_few() -> None:
    images, labels = grey(30, 5)
    found = measure_fidelity(images, labels, real(30), PIXELS)
    assert isinstance(found, Skipped)
    assert "40 held-out patients" in found.reason

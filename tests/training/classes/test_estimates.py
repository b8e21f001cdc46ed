"""Estimates are as sure as they are right, and follow the shares that are given."""

import numpy as np
import pytest

from semiray.training.classes import estimates as class_estimates
from semiray.training.classes.estimates import estimate_classes


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(class_estimates, "STEPS", 15)


def make(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Images (N, 32, 32) whose brightness overlaps between two classes, and the classes."""
    draws = np.random.default_rng(seed)
    labels = np.arange(count) % 2
    level = 100 + 40 * labels + draws.normal(0, 25, count)
    noise = draws.normal(0, 10, (count, 32, 32))
    return (level[:, None, None] + noise).clip(0, 255).astype(np.uint8), labels


EVEN = np.array([0.5, 0.5])


def test_estimates_are_right_and_as_sure_as_they_are_right(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(class_estimates, "STEPS", 40)
    images, truth = make(600)
    labels = np.where(np.arange(600) < 80, truth, -1)
    found = estimate_classes(images, np.arange(600), labels, np.arange(600), EVEN)[80:]
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-5)
    right = found.argmax(axis=1) == truth[80:]
    assert right.mean() > 0.68
    assert abs(found.max(axis=1).mean() - right.mean()) < 0.15


def test_rows_are_those_that_are_meant_and_the_same_seed_gives_the_same() -> None:
    images, truth = make(60)
    labels = np.where(np.arange(60) < 30, truth, -1)
    found = estimate_classes(images, np.arange(60), labels, np.arange(60), EVEN)
    backwards = np.arange(60)[::-1]
    again = estimate_classes(images[backwards], backwards, labels, np.arange(60), EVEN)
    np.testing.assert_array_equal(again, found)


def test_a_class_that_is_said_to_be_rare_is_estimated_more_rarely() -> None:
    images, truth = make(200)
    labels = np.where(np.arange(200) < 60, truth, -1)
    rows = np.arange(200)
    mean = [estimate_classes(images, rows, labels, rows, np.array(s))[60:, 1].mean() for s in ([0.5, 0.5], [0.9, 0.1])]
    assert mean[1] < mean[0] - 0.1


def test_one_patient_of_each_class_and_a_single_class_are_enough() -> None:
    images, truth = make(20)
    labels = np.where(np.arange(20) < 2, truth, -1)
    found = estimate_classes(images, np.arange(20), labels, np.arange(20), EVEN)
    assert np.isfinite(found).all()
    only = estimate_classes(images, np.arange(20), np.where(labels >= 0, 0, -1), np.arange(20), np.ones(1))
    np.testing.assert_array_equal(only, np.ones((20, 1)))


def test_large_images_are_reduced_first() -> None:
    images, _ = make(12)
    large = images.repeat(4, axis=1).repeat(4, axis=2)
    assert class_estimates._reduced(large).shape == (12, 64, 64)
    np.testing.assert_array_equal(class_estimates._reduced(large)[:, ::2, ::2], images)


def test_no_fold_holds_all_patients_of_a_class() -> None:
    labels, patients = np.array([0, 0, 1, 1, 1, 2, 2]), np.array([0, 1, 0, 0, 2, 3, 3])
    fold = class_estimates._folds(labels, patients, seed=0)
    assert fold[5] == fold[6] == -1
    for number in range(fold.max() + 1):
        assert set(labels[fold != number]) == {0, 1, 2}
    assert (fold >= 0).any()

"""Few labels are a share of the patients of every class, the same for any names."""

import numpy as np
import pytest

from semiray.radiographs.few_labels import keep_few_labels


@pytest.fixture
def many() -> tuple[np.ndarray, np.ndarray]:
    """200 patients of two images; classes 0, 1 and 2 have 150, 47 and 3 of them; one more has no class."""
    patients = np.repeat(np.arange(200), 2)
    labels = np.repeat([0, 1, 2], [300, 94, 6])
    return np.append(labels, -1), np.append(patients, 200)


@pytest.mark.parametrize("fraction", [0.01, 0.05, 0.3, 1.0])
def test_every_class_keeps_its_share_of_patients_and_at_least_one(
    many: tuple[np.ndarray, np.ndarray], fraction: float
) -> None:
    labels, patients = many
    few = keep_few_labels(labels, patients, fraction, seed=3)
    assert ((few == labels) | (few == -1)).all()
    for label, count in enumerate((150, 47, 3)):
        assert len(np.unique(patients[few == label])) == max(1, round(fraction * count))
    kept = np.isin(patients, patients[few >= 0])
    np.testing.assert_array_equal(few[kept], labels[kept])


def test_a_patient_of_several_classes_counts_for_all_of_them() -> None:
    labels, patients = np.array([0, 1, 0, 0, 0]), np.array(["a", "a", "b", "c", "d"])
    few = keep_few_labels(labels, patients, 0.25, seed=0)
    assert few.tolist() == [0, 1, -1, -1, -1]


def test_names_and_images_added_elsewhere_change_nothing_and_more_labels_include_the_fewer(
    many: tuple[np.ndarray, np.ndarray],
) -> None:
    labels, patients = many
    few = keep_few_labels(labels, patients, 0.1, seed=1)
    others = np.array([f"{7919 * p % 1009:04}" for p in patients])
    np.testing.assert_array_equal(keep_few_labels(labels, others, 0.1, seed=1), few)
    more = keep_few_labels(labels, patients, 0.4, seed=1)
    assert (more[few >= 0] >= 0).all()
    assert (keep_few_labels(labels, patients, 0.1, seed=2) != few).any()

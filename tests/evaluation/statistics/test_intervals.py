import numpy as np
from pydantic import TypeAdapter

from semiray.evaluation.statistics.intervals import (
    Interval,
    PatientBootstrap,
    one_per_patient,
    patient_classes,
)


def test_a_patients_images_are_drawn_together_and_classes_keep_their_patients() -> None:
    patients = np.array(["p0", "p0", "p1", "p2", "p2", "p3"])
    labels = np.array([0, 0, 0, 1, 1, 1])
    bootstrap = PatientBootstrap(patients, labels, n_seeds=2, resamples=200)
    images = bootstrap.images
    assert (images[:, 0] == images[:, 1]).all()
    assert (images[:, 3] == images[:, 4]).all()
    assert (images[:, 0] + images[:, 2] == 2).all()
    assert (images[:, 3] + images[:, 5] == 2).all()
    assert (bootstrap.seeds.sum(1) == 2).all()
    assert bootstrap.n_patients == 4


def test_what_does_not_exist_is_written_as_null() -> None:
    content = TypeAdapter(Interval).dump_python(Interval(0.5, np.nan, np.inf, (0.5, np.nan)), mode="json")
    assert content == {"mean": 0.5, "low": None, "high": None, "seeds": [0.5, None]}


def test_one_image_per_patient_any_of_them() -> None:
    patients = np.array(["b", "a", "b", "c", "b"])
    drawn = [one_per_patient(patients, np.random.default_rng(k)) for k in range(50)]
    assert all(patients[rows].tolist() == ["a", "b", "c"] for rows in drawn)
    assert {int(i) for rows in drawn for i in rows} == {0, 1, 2, 3, 4}


def test_a_patient_counts_for_the_class_of_most_images() -> None:
    patients, labels = np.array(["b", "a", "b", "b", "a"]), np.array([1, 0, 1, 0, 2])
    patient, counts, classes = patient_classes(patients, labels)
    assert patient.tolist() == [1, 0, 1, 1, 0]
    assert counts.tolist() == [[1, 0, 1], [1, 2, 0]]
    assert classes.tolist() == [0, 1]

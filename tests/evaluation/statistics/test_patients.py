import numpy as np

from semiray.evaluation.statistics.patients import one_per_patient, patient_classes


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

import numpy as np
from pydantic import TypeAdapter

from semiray.evaluation.statistics.features import frechet_distance
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


def draws(patients: np.ndarray, seed: int) -> PatientBootstrap:
    labels = np.zeros(len(patients), np.int64)
    return PatientBootstrap(patients.astype(np.str_), labels, resamples=400, seed=seed)


def test_intervals_of_the_frechet_distance_hold_its_expectation() -> None:
    """Over repeated samples, whose mean is what this size gives in expectation."""
    rng = np.random.default_rng(0)
    ends, values = [], []
    for i in range(150):
        x, y = rng.normal(size=(120, 3)), rng.normal(0.5, 1.4, size=(100, 3))
        found = frechet_distance(x, y)
        values.append(found.value)
        ends.append(found.interval(draws(np.arange(120), i), draws(np.arange(100), i + 1000)))
    low, high = np.array(ends).T
    held = ((low <= np.mean(values)) & (np.mean(values) <= high)).mean()
    assert 0.88 < held <= 0.99


def test_images_of_one_patient_count_as_one() -> None:
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(40, 3)), rng.normal(size=(300, 3))
    repeated = np.repeat(x, 8, axis=0)
    found, single = frechet_distance(repeated, y), draws(np.arange(300), 0)
    by_image = found.interval(draws(np.arange(320), 0), single)
    by_patient = found.interval(draws(np.repeat(np.arange(40), 8), 0), single)
    assert by_patient[1] - by_patient[0] > 1.5 * (by_image[1] - by_image[0])

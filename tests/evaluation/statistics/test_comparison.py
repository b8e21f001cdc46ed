"""Intervals from influence: they hold the truth as often as they say."""

import numpy as np

from semiray.evaluation.statistics.classification import PatientBootstrap
from semiray.evaluation.statistics.features import frechet_distance


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

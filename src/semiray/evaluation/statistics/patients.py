"""Images of one patient depend on each other: which class a patient counts for, and one image of each."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["one_per_patient", "patient_classes"]

Rows = NDArray[np.int64]


def patient_classes(patients: NDArray[np.str_], labels: Rows) -> tuple[Rows, Rows, Rows]:
    """The class of most of a patient's images: the stratum in which the patient is drawn.

    Args:
        patients: (N,) ids.
        labels: (N,) integers from 0.

    Returns:
        The position of each image's patient (N,) among the P distinct ids in order, the number of images of every
        patient and class (P, C), and the class of most of each patient's images (P,).
    """
    _, patient = np.unique(patients, return_inverse=True)
    counts = np.zeros((int(patient.max(initial=-1)) + 1, int(labels.max(initial=0)) + 1), np.int64)
    np.add.at(counts, (patient, labels), 1)
    return patient, counts, counts.argmax(axis=1)


def one_per_patient(patients: NDArray[np.str_], rng: np.random.Generator) -> Rows:
    """The position of one image of every patient, chosen at random; (P,), in the order of the ids."""
    order = rng.permutation(len(patients))
    _, first = np.unique(patients[order], return_index=True)
    return np.asarray(order[first], np.int64)

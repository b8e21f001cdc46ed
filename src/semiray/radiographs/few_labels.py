"""Hide labels for experiments: what is a method worth where few patients are labelled?"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["keep_few_labels"]


def keep_few_labels(
    labels: npt.NDArray[np.int64], patients: npt.NDArray[Any], fraction: float, seed: int
) -> npt.NDArray[np.int64]:
    """Hide the labels of all patients but a fraction; of every class as many patients stay labelled, at least one.

    Patients are taken in a random order, which depends on how many there are and on nothing else: under other names
    they are the same, and those of a smaller fraction are among those of a larger one.

    Args:
        labels: (N,) class numbers, -1 where unknown.
        patients: (N,) their ids; a patient's images keep or lose their labels together.
        fraction: of the labelled patients of each class, above 0, at most 1; rounded.
        seed: of the order.

    Returns:
        (N,) labels, more of them -1.

    Examples:
        >>> keep_few_labels(np.array([0, 0, 1, 1]), np.array(["a", "b", "c", "c"]), 0.5, seed=0)
        array([ 0, -1,  1,  1])
    """
    _, first, patient = np.unique(patients, return_index=True, return_inverse=True)
    order = np.argsort(first)[np.random.default_rng(seed).permutation(len(first))]  # patients, by their first images
    kept = np.zeros(len(first), bool)
    classes = [np.isin(order, patient[labels == label]) for label in np.unique(labels[labels >= 0])]
    for has in sorted(classes, key=np.sum):  # rare classes first: their patients count for the others, too
        wanted = max(1, round(fraction * has.sum())) - (kept[order] & has).sum()
        kept[order[has & ~kept[order]][: max(0, wanted)]] = True
    return np.where(kept[patient], labels, -1)

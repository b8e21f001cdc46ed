"""Copies: which synthetic images are training images again, shifted, mirrored, brighter or blurred perhaps?

An image is a copy of a training image if it lies much nearer to it than that image's neighbourhood is wide:

    d(image, t) < 0.6 d(t, t'),

t being the training image nearest to it and t' the nearest to t of another patient (patients who share a picture count
as one). Chest X-rays all look alike, so
that a fixed threshold calls ordinary patients copies; the ratio has the scale of the place. (Authenticity, Alaa et al.
2022, arXiv 2102.08921, section 3.3, asks the same without the factor, and of features.) Held-out images are asked the
same: what is found among them is the false alarms.

Distances are those of :mod:`semiray.radiographs.pixels.alignment`: mirroring or shifting a copy doesn't hide it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from semiray.errors import SemirayError
from semiray.radiographs.pixels.alignment import nearest_aligned
from semiray.radiographs.pixels.duplicates import near_duplicates, unite_patients

__all__ = ["COPY", "CopyResult", "find_copies"]

Images = NDArray[np.uint8]
COPY = 0.6


@dataclass(frozen=True)
class CopyResult:
    """For every image the training image that it may be a copy of.

    Attributes:
        original: (N,) position of the nearest training image.
        ratio: (N,) distance to it, in parts of that image's distance to the nearest other patient.
        copied: (N,) which are copies: ratio below 0.6.
        distance: (N,) distance to it.
        width: (N,) distance of that image to the nearest other patient.
    """

    original: NDArray[np.int64]
    ratio: NDArray[np.float64]
    copied: NDArray[np.bool_]
    distance: NDArray[np.float64]
    width: NDArray[np.float64]


def find_copies(
    images: Images,
    train: Images,
    patients: NDArray[np.str_],
    *,
    progress: Callable[[int, int], None] | None = None,
) -> CopyResult:
    """Which images are copies of training images.

    Args:
        images: (N, H, W) uint8, sides of 16 pixels or more.
        train: (M, H, W) uint8, of at least two patients.
        patients: (M,) their patients' ids.
        progress: Called with (views compared, all).

    Raises:
        SemirayError: Sides that differ or are below 16, or fewer than two patients.
    """
    # A picture filed under two patients would have no neighbourhood: its twin lies next to it.
    patients = unite_patients(patients, near_duplicates(train))
    if len(np.unique(patients)) < 2:
        raise SemirayError("All training images are of one patient: how near two patients come can't be known.")

    def told(before: int) -> Callable[[int, int], None]:
        return lambda done, views: None if progress is None else progress(before * views + done, 2 * views)

    original, distance = nearest_aligned(images, train, progress=told(0))
    seen, place = np.unique(original, return_inverse=True)
    others = patients[seen, None] == patients
    _, width = nearest_aligned(train[seen], train, others, progress=told(1))
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(distance > 0, distance / width[place], 0.0)
    return CopyResult(original, ratio, ratio < COPY, distance, width[place])

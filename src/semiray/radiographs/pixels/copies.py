"""Copies: which synthetic images are training images, possibly shifted, mirrored, brighter or blurred?

An image is a copy of a training image if it is much nearer to it than other patients' images are:

    d(image, t) < 0.6 d(t, t'),

where t is the training image nearest to it, and t' the image of another patient that is nearest to t (patients who
share a picture count as one). All chest X-rays look alike, so that a fixed threshold would call ordinary patients
copies; the ratio adapts to the density of the neighbourhood. Authenticity (Alaa et al. 2022, arXiv 2102.08921, section
3.3) is the same test without the factor, on features. The copies found among held-out images are false alarms.

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
    """For every image, the training image that it may be a copy of.

    Attributes:
        original: (N,) position of the nearest training image.
        ratio: (N,) distance to it, divided by that image's distance to the nearest other patient.
        copied: (N,) whether it is a copy: ratio below 0.6.
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
    """Find the images that are copies of training images.

    Args:
        images: (N, H, W) uint8, with sides of at least 16 pixels.
        train: (M, H, W) uint8, from at least two patients.
        patients: (M,) their patients' ids.
        progress: called with (views compared, all).

    Raises:
        SemirayError: if sides differ or are below 16, or there are fewer than two patients.
    """
    # The nearest other patient of a picture filed under two patients would be that picture itself.
    patients = unite_patients(patients, near_duplicates(train))
    if len(np.unique(patients)) < 2:
        raise SemirayError(
            "All training images are of one patient, so that distances between patients can't be measured."
        )

    def report(before: int) -> Callable[[int, int], None]:
        return lambda done, views: None if progress is None else progress(before * views + done, 2 * views)

    original, distance = nearest_aligned(images, train, progress=report(0))
    seen, place = np.unique(original, return_inverse=True)
    others = patients[seen, None] == patients
    _, width = nearest_aligned(train[seen], train, others, progress=report(1))
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(distance > 0, distance / width[place], 0.0)
    return CopyResult(original, ratio, ratio < COPY, distance, width[place])

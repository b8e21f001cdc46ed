"""Privacy: are synthetic images nearer to the images that were trained on than other patients' images are?

Three questions, each answered beside what held-out patients' images, which the generator has not seen, would give.

**Copies.** A synthetic image is a copy of a training image if it lies much nearer to it than that image's own
neighbourhood is wide: with d(s) its distance to the nearest training image t, and d(t) that image's distance to the
nearest training image of another patient, d(s) < d(t) / 2. Chest X-rays all look alike: a fixed threshold would call
ordinary patients copies, and this ratio has the scale of the place. Held-out images are asked the same: none should be one.

**Authenticity** (Alaa et al. 2022, arXiv 2102.08921, section 3.3): the share of synthetic images with d(s) >= d(t). 0.5 and
more says that they are no nearer to a patient than patients are to each other; a generator that returns what it
was trained on comes near 0.

**Membership inference.** An attacker who holds the synthetic images says of a patient's image "trained on" if a synthetic image
lies near (Chen et al. 2020, arXiv 1909.03935, full black box), or, holding the discriminator, if the critic finds it
real (Hayes et al. 2019, arXiv 1705.07663, white box). The area under the ROC curve over training and held-out images is 0.5 for an
attacker who guesses; the true-positive rate at a false-positive rate of 1 % says how many patients can be exposed
with confidence (Carlini et al. 2022, arXiv 2112.03570, section III).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from semiray.evaluation.neighbours import squared_distances

__all__ = ["CopyResult", "Nearest", "find_copies", "nearest"]

Floats = NDArray[np.float64]
ROWS = 1024  # of a matrix of distances in memory at once
COPY = 0.5  # of the distance to the nearest other patient


@dataclass(frozen=True)
class Nearest:
    """The nearest neighbour of every point.

    Attributes:
        index: (N,) its position.
        distance: (N,) how far it is.
    """

    index: NDArray[np.int64]
    distance: Floats


@dataclass(frozen=True)
class CopyResult:
    """Which images are copies of training images.

    Attributes:
        ratio: (N,) distance to the nearest training image, in parts of that image's distance to the nearest other patient's.
        original: (N,) position of the nearest training image.
        copied: (N,) which are copies: ratio below 1/2.
    """

    ratio: Floats
    original: NDArray[np.int64]
    copied: NDArray[np.bool_]


def nearest(
    points: Floats, others: Floats, patients: tuple[NDArray[np.str_], NDArray[np.str_]] | None = None
) -> Nearest:
    """The nearest of ``others`` (M, D) to each of ``points`` (N, D), by Euclidean distance.

    Args:
        points: features (N, D).
        others: features (M, D).
        patients: ids (N,) and (M,); others of the same patient are passed over. A point without any other left is
            infinitely far, at position 0.
    """
    index, distance = np.zeros(len(points), np.int64), np.zeros(len(points))
    for first in range(0, len(points), ROWS):
        part = slice(first, first + ROWS)
        squared = squared_distances(points[part], others)
        if patients is not None:
            squared[patients[0][part, None] == patients[1][None]] = np.inf
        index[part] = squared.argmin(axis=1)
        distance[part] = np.sqrt(squared.min(axis=1))
    return Nearest(index, distance)


def find_copies(images: Floats, train: Floats, patients: NDArray[np.str_]) -> CopyResult:
    """Which images (N, D) are copies of training images (M, D), of these patients (M,)."""
    found = nearest(images, train)
    width = nearest(train, train, (patients, patients)).distance[found.index]
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(found.distance == 0, 0.0, found.distance / width)
    return CopyResult(ratio, found.index, ratio < COPY)

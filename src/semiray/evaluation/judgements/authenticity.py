"""Authenticity: are synthetic images closer to training images than images of other patients are?

For every image, the distance to its nearest training image t is taken, and the distance from t to the nearest image of
another patient. There are three figures for synthetic and for held-out images: the median distance, the distance of the
closest 1 %, and authenticity, the share of images that are farther from t than t's neighbour is (Alaa et al. 2022,
arXiv 2102.08921, section 3.3; there t's neighbour is any other image, but several images of a patient would make that
distance small, and every synthetic image authentic).

No figure has a correct value by itself: an image that nobody copied may be closer to t than t's neighbour, or farther,
so that perfect synthetic images don't reach 1. The figures of held-out images are the reference.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from pydantic.dataclasses import dataclass

from semiray.evaluation.results import Result
from semiray.evaluation.statistics.features import squared_distances
from semiray.evaluation.statistics.intervals import ENDS, Interval

__all__ = ["AuthenticityResult", "Nearness", "in_shares", "measure_nearness", "nearest_features"]

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]
CLOSEST = 0.01
ROWS = 1024  # of a matrix of distances in memory at once
DRAWS = 50  # of the bootstrap in memory at once


@dataclass(frozen=True)
class Nearness(Result):
    """The three figures, each with its 95 % interval, of how close images come to training images."""

    median: Interval
    closest: Interval
    authenticity: Interval
    n_images: int


@dataclass(frozen=True)
class AuthenticityResult(Result):
    """Synthetic and held-out images in one space.

    Attributes:
            space: ``pixels``, the thumbnails of `semiray.radiographs.pixels.copies`, or a feature space's name.
            held_out: Of held-out real images, one per patient: the reference.
    """

    space: str
    synthetic: Nearness
    held_out: Nearness


def nearest_features(
    features: NDArray[np.floating], train: NDArray[np.floating], patients: NDArray[np.str_]
) -> tuple[Floats, Floats]:
    """Euclidean distances to the nearest training image, and from that one to the nearest of another patient.

    Args:
        features: (N, D) of the images.
        train: (M, D) of training images.
        patients: (M,) their patients, at least two; one patient under two ids would make every image look authentic.
    """
    asked, known = features.astype(np.float64), train.astype(np.float64)
    _, who = np.unique(patients, return_inverse=True)

    def nearest_of(points: Floats, own: Rows) -> Rows:
        """Row (K,) of the training image nearest to each point, of a patient other than its own."""
        found = []
        for first in range(0, len(points), ROWS):
            distances = squared_distances(points[first : first + ROWS], known)
            distances[own[first : first + ROWS, None] == who] = np.inf
            found.append(distances.argmin(axis=1))
        return np.concatenate(found)

    nearest = nearest_of(asked, np.full(len(asked), -1))
    seen, place = np.unique(nearest, return_inverse=True)
    other = nearest_of(known[seen], who[seen])
    # Once more from differences: the matrix product leaves rounding errors where images are equal.
    distance = np.linalg.norm(asked - known[nearest], axis=1)
    return distance, np.linalg.norm(known[seen] - known[other], axis=1)[place]


def measure_nearness(distance: Floats, width: Floats, *, resamples: int = 1000, seed: int = 0) -> Nearness:
    """The three figures of images, which must be independent: synthetic ones, or one per patient.

    Args:
        distance: (N,) to the nearest training image.
        width: (N,) from that one to the nearest of another patient.
        resamples: Draws of the bootstrap over images.
        seed: Of the draws.

    Examples:
        >>> found = measure_nearness(np.array([1.0, 3.0, 2.0]), np.array([2.0, 2.0, 2.0]), resamples=10)
        >>> found.median.mean, round(found.authenticity.mean, 3)
        (2.0, 0.333)
    """
    authentic = (distance > width).astype(np.float64)
    rng = np.random.default_rng(seed)
    count, draws = len(distance), np.empty((3, resamples))
    for first in range(0, resamples, DRAWS):
        rows = rng.integers(0, count, (min(DRAWS, resamples - first), count))
        draws[:, first : first + DRAWS] = _figures(distance[rows], authentic[rows])
    values = _figures(distance[None], authentic[None])[:, 0].tolist()
    lows, highs = np.quantile(draws, ENDS, axis=1).tolist()
    median, closest, share = (Interval(v, low, high, (v,)) for v, low, high in zip(values, lows, highs, strict=True))
    return Nearness(median, closest, share, count)


def in_shares(labels: Rows, wanted: Rows, most: int, seed: int) -> tuple[Rows, Rows]:
    """Rows of two sets with the same shares of classes: as many of ``labels`` as there are, and of ``wanted``.

    Classes differ in how similar their images are: sets with other shares would differ for that reason alone.

    Args:
        labels: (N,) classes to choose rows of.
        wanted: (M,) classes whose shares are kept.
        most: Rows of ``labels`` to choose at most.
        seed: Of the choice.
    """
    kept = np.flatnonzero(np.isin(wanted, labels))
    if not len(kept):
        return kept, kept
    rng = np.random.default_rng(seed)
    classes, counts = np.unique(wanted[kept], return_counts=True)
    places = [rng.permutation(np.flatnonzero(labels == k)) for k in classes]
    share = min(most / len(kept), *(len(rows) / count for rows, count in zip(places, counts, strict=True)))
    chosen = [rows[: int(share * count + 1e-9)] for rows, count in zip(places, counts, strict=True)]
    return np.sort(np.concatenate(chosen)), kept


def _figures(distance: Floats, authentic: Floats) -> Floats:
    """(3, R) of R draws (R, N)."""
    return np.stack([*np.quantile(distance, [0.5, CLOSEST], axis=1), authentic.mean(axis=1)])

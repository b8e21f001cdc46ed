"""Copies: which synthetic images are training images again, shifted, mirrored, brighter or blurred perhaps?

An image is a copy of a training image if it lies much nearer to it than that image's neighbourhood is wide:

    d(image, t) < 0.6 d(t, t'),

t being the training image nearest to it and t' the nearest to t of another patient. Chest X-rays all look alike, so
that a fixed threshold calls ordinary patients copies; the ratio has the scale of the place. (Authenticity, Alaa et al.
2022, arXiv 2102.08921, section 3.3, asks the same without the factor, and of features.) Held-out images are asked the
same: what is found among them is the false alarms.

Distances are Euclidean, between 16 x 16 thumbnails of mean 0 and variance 1, so that exposure, noise and blur don't
count; the least over mirroring and shifts of up to 3/64 of the side, so that they don't hide a copy, either.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from semiray.errors import SemirayError

__all__ = ["COPY", "CopyResult", "find_copies"]

Images = NDArray[np.uint8]
Floats = NDArray[np.float32]
COPY = 0.6
SIDE = 16  # of the thumbnails
STEPS = range(-3, 4)  # shifts, in units of 1/64 of the side
ROWS = 2048  # of a matrix of distances in memory at once


@dataclass(frozen=True)
class CopyResult:
    """For every image the training image that it may be a copy of.

    Attributes:
        original: (N,) position of the nearest training image.
        ratio: (N,) distance to it, in parts of that image's distance to the nearest other patient.
        copied: (N,) which are copies: ratio below 0.6.
    """

    original: NDArray[np.int64]
    ratio: NDArray[np.float64]
    copied: NDArray[np.bool_]


def find_copies(
    images: Images,
    train: Images,
    patients: NDArray[np.str_],
    *,
    progress: Callable[[int, int], None] | None = None,
) -> CopyResult:
    """Which images are copies of training images.

    Args:
        images: (N, H, W) uint8, sides multiples of 16.
        train: (M, H, W) uint8, of at least two patients.
        patients: (M,) their patients' ids.
        progress: Called with (views compared, all).

    Raises:
        SemirayError: Sides that don't fit, or fewer than two patients.
    """
    side = train.shape[1]
    if images.shape[1:] != train.shape[1:] or side % SIDE or train.shape[2] % SIDE:
        raise SemirayError(
            f"Images of {images.shape[1:]} px against training images of {train.shape[1:]}: copies are sought among "
            f"images of one size, whose sides are multiples of {SIDE}."
        )
    if len(np.unique(patients)) < 2:
        raise SemirayError("All training images are of one patient: how near two patients come can't be known.")
    total = 2 * 2 * len(STEPS) ** 2
    kept = _thumbnails(train)
    done = iter(range(1, total + 1))

    def told() -> None:
        if progress is not None:
            progress(next(done), total)

    original, distance = _nearest(images, kept, None, told)
    seen, place = np.unique(original, return_inverse=True)
    _, width = _nearest(train[seen], kept, patients[seen, None] == patients, told)
    with np.errstate(divide="ignore", invalid="ignore"):  # two patients with one picture: only an exact copy is one
        ratio = np.where(distance > 0, distance / width[place], 0.0)
    return CopyResult(original, ratio, ratio < COPY)


def _nearest(
    images: Images, train: Floats, passed_over: NDArray[np.bool_] | None, told: Callable[[], None]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Position and distance (N,) of the nearest thumbnail (M, D) to any view of each image; some pairs passed over."""
    nearest, least = np.zeros(len(images), np.int64), np.full(len(images), np.inf, np.float32)
    squares = np.einsum("md,md->m", train, train)
    for view in _views(images):
        for first in range(0, len(images), ROWS):
            part = slice(first, first + ROWS)
            distances = squares - 2 * (view[part] @ train.T)
            if passed_over is not None:
                distances[passed_over[part]] = np.inf
            best = distances.argmin(axis=1)
            found = distances[np.arange(len(best)), best] + np.einsum("nd,nd->n", view[part], view[part])
            better = found < least[part]
            least[part][better] = found[better]
            nearest[part][better] = best[better]
        told()
    # Rounding leaves about 1e-6 of the squares where images are equal.
    least[least < 1e-5 * train.shape[1]] = 0
    return nearest, np.sqrt(least.astype(np.float64))


def _views(images: Images) -> Iterator[Floats]:
    """Thumbnails (N, D) of every image, mirrored or not, under every shift; edges are repeated."""
    height, width = images.shape[1:]
    y, x = np.arange(height), np.arange(width)
    for mirrored in (images, images[:, :, ::-1]):
        for down in STEPS:
            rows = (y + down * height // 64).clip(0, height - 1)
            for right in STEPS:
                columns = (x + right * width // 64).clip(0, width - 1)
                yield _thumbnails(mirrored[:, rows[:, None], columns])


def _thumbnails(images: Images) -> Floats:
    """(N, D) float32 of mean 0 and variance 1; zeros where an image is all of one grey."""
    n, height, width = images.shape
    fields = images.reshape(n, SIDE, height // SIDE, SIDE, width // SIDE)
    small = fields.mean(axis=(2, 4), dtype=np.float32).reshape(n, -1)
    small -= small.mean(axis=1, keepdims=True)
    deviation = small.std(axis=1, keepdims=True)
    thumbnails: Floats = small / np.where(deviation > 0, deviation, 1)
    return thumbnails

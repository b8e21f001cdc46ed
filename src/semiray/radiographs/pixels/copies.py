"""Copies: which synthetic images are training images, possibly shifted, mirrored, brighter or blurred?

An image is a copy of a training image if it is much nearer to it than other patients' images are:

    d(image, t) < 0.6 d(t, t'),

where t is the training image nearest to it, and t' the image of another patient that is nearest to t (patients who
share a picture count as one). All chest X-rays look alike, so that a fixed threshold would call ordinary patients
copies; the ratio adapts to the density of the neighbourhood. Authenticity (Alaa et al. 2022, arXiv 2102.08921, section
3.3) is the same test without the factor, on features. The copies found among held-out images are false alarms.

Distances are Euclidean, between 16 x 16 thumbnails of mean 0 and variance 1, so that exposure, noise and blur have
little effect; the smallest over mirroring and shifts of up to 3/64 of the side counts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from semiray.errors import SemirayError
from semiray.radiographs.pixels.duplicates import near_duplicates, unite_patients
from semiray.radiographs.pixels.images import field_means, shrink

__all__ = ["COPY", "CopyResult", "find_copies", "nearest_aligned"]

Images = NDArray[np.uint8]
Floats = NDArray[np.float32]
Progress = Callable[[int, int], None]
COPY = 0.6
SIDE = 16  # of the thumbnails
STEPS = range(-3, 4)  # shifts, in units of 1/64 of the side
ROWS = 2048  # of a matrix of distances in memory at once


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
    images: Images, train: Images, patients: NDArray[np.str_], *, united: bool = False, progress: Progress | None = None
) -> CopyResult:
    """Find the images that are copies of training images.

    Args:
        images: (N, H, W) uint8, with sides of at least 16 pixels.
        train: (M, H, W) uint8, from at least two patients.
        patients: (M,) their patients' ids.
        united: whether patients who share a picture are one already (``unite_patients``); it takes a while.
        progress: called with (views compared, all).

    Raises:
        SemirayError: if sides differ or are below 16, or there are fewer than two patients.
    """
    if not united:  # the nearest other patient of a picture filed under two patients would be that picture itself
        patients = unite_patients(patients, near_duplicates(train))
    if len(np.unique(patients)) < 2:
        raise SemirayError(
            "All training images are of one patient, so that distances between patients can't be measured."
        )

    def report(before: int) -> Progress:
        return lambda done, views: None if progress is None else progress(before * views + done, 2 * views)

    original, distance = nearest_aligned(images, train, progress=report(0))
    seen, place = np.unique(original, return_inverse=True)
    others = patients[seen, None] == patients
    _, width = nearest_aligned(train[seen], train, others, progress=report(1))
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(distance > 0, distance / width[place], 0.0)
    return CopyResult(original, ratio, ratio < COPY, distance, width[place])


def nearest_aligned(
    images: Images, others: Images, passed_over: NDArray[np.bool_] | None = None, *, progress: Progress | None = None
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Find the nearest of the others to each image, over all views of the image (mirrored, shifted).

    Args:
        images: (N, H, W) uint8, with sides of at least 16 pixels.
        others: (M, H, W) uint8.
        passed_over: (N, M) True for pairs that don't count.
        progress: called with (views compared, views).

    Returns:
        Positions (N,) among the others and distances (N,), infinite where all pairs are passed over.

    Raises:
        SemirayError: if sides differ or are below 16.
    """
    if images.shape[1:] != others.shape[1:] or min(others.shape[1:]) < SIDE:
        raise SemirayError(
            f"Images of {images.shape[1:]} px and others of {others.shape[1:]}: all images must have one "
            f"size, {SIDE} px or more."
        )
    side = int(min(*images.shape[1:], 64))  # at which they are compared
    shifts = sorted({round(step * side / 64) for step in STEPS})  # in pixels, the same in both directions
    train = _standardised(shrink(others, SIDE))
    nearest, least = np.zeros(len(images), np.int64), np.full(len(images), np.inf, np.float32)
    squares = np.einsum("md,md->m", train, train)
    for done, view in enumerate(_views(shrink(images, side), shifts), 1):
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
        if progress is not None:
            progress(done, 2 * len(shifts) ** 2)
    # Equal images differ by rounding errors only.
    least[least < 1e-5 * train.shape[1]] = 0
    return nearest, np.sqrt(least.astype(np.float64))


def _views(pixels: Floats, shifts: list[int]) -> Iterator[Floats]:
    """Thumbnails (N, D) of every image under every shift, each also mirrored; edges are repeated."""
    rows = [field_means(pixels.shape[1], SIDE, shift) for shift in shifts]
    for down in rows:
        moved: Floats = down @ pixels
        for right in rows:
            yield _standardised(moved @ right.T)
            yield _standardised(moved @ right.T[::-1])  # mirrored


def _standardised(small: NDArray[np.floating]) -> Floats:
    """(N, h, w) -> (N, D) of mean 0 and variance 1; zeros where all pixels of an image are equal."""
    flat = small.reshape(len(small), -1)
    flat = flat - flat.mean(axis=1, keepdims=True)
    deviation = flat.std(axis=1, keepdims=True)
    standardised: Floats = flat / np.where(deviation > 1e-3, deviation, 1)
    return standardised

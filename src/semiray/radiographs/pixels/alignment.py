"""Distances between radiographs that ignore exposure, small shifts and mirroring.

They are Euclidean, between 16 x 16 thumbnails of mean 0 and variance 1, so that exposure, noise and blur have little
effect; the smallest over mirroring and shifts of up to 3/64 of the side counts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from semiray.errors import SemirayError
from semiray.radiographs.pixels.thumbnails import field_means, shrink

__all__ = ["nearest_aligned"]

Images = NDArray[np.uint8]
Floats = NDArray[np.float32]
SIDE = 16  # of the thumbnails
STEPS = range(-3, 4)  # shifts, in units of 1/64 of the side
ROWS = 2048  # of a matrix of distances in memory at once


def nearest_aligned(
    images: Images,
    others: Images,
    passed_over: NDArray[np.bool_] | None = None,
    *,
    progress: Callable[[int, int], None] | None = None,
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
    views = 2 * len(_shifts(_compared_side(images))) ** 2
    train = _standardised(shrink(others, SIDE))
    nearest, least = np.zeros(len(images), np.int64), np.full(len(images), np.inf, np.float32)
    squares = np.einsum("md,md->m", train, train)
    for done, view in enumerate(_views(images), 1):
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
            progress(done, views)
    # Equal images differ by rounding errors only.
    least[least < 1e-5 * train.shape[1]] = 0
    return nearest, np.sqrt(least.astype(np.float64))


def _views(images: Images) -> Iterator[Floats]:
    """Thumbnails (N, D) of every image under every shift, each also mirrored; edges are repeated."""
    side = _compared_side(images)
    pixels = shrink(images, side)
    rows = [field_means(side, SIDE, shift) for shift in _shifts(side)]
    columns = [matrix.T for matrix in rows]
    for down in rows:
        moved: Floats = down @ pixels
        for right in columns:
            yield _standardised(moved @ right)
            yield _standardised(moved @ right[::-1])  # mirrored


def _compared_side(images: Images) -> int:
    return int(min(*images.shape[1:], 64))


def _shifts(side: int) -> list[int]:
    """Shifts in pixels, the same in both directions."""
    return sorted({round(step * side / 64) for step in STEPS})


def _standardised(small: NDArray[np.floating]) -> Floats:
    """(N, h, w) -> (N, D) of mean 0 and variance 1; zeros where all pixels of an image are equal."""
    flat = small.reshape(len(small), -1)
    flat = flat - flat.mean(axis=1, keepdims=True)
    deviation = flat.std(axis=1, keepdims=True)
    standardised: Floats = flat / np.where(deviation > 1e-3, deviation, 1)
    return standardised

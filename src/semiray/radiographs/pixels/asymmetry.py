"""Left-right asymmetry of the lungs' opacity: what a factor that moves disease from side to side should move."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from semiray.errors import SemirayError

__all__ = ["LUNGS", "lung_asymmetry", "mirror_shift"]

Images = NDArray[np.uint8]
Floats = NDArray[np.float64]
LUNGS = ((1 / 4, 1 / 8, 3 / 4, 7 / 16), (1 / 4, 9 / 16, 3 / 4, 7 / 8))
"""A rectangle in either lung field of a framed chest: top, left, bottom, right as shares of the side."""
SMALLEST = 16  # pixels
ENOUGH = 64  # pixels: larger images are averaged down to this side, which changes little and saves minutes
REACH = 1 / 8  # of the side: the midline is sought within half of this from the image's middle
DARKEST = 0.05  # quantile of the lungs' grey levels from which opacity is counted


def lung_asymmetry(images: Images) -> Floats:
    """How much more opaque the lung on the image's right is than that on its left, about the chest's own midline.

        (right - left) / (right + left)

    of the mean opacities of the two rectangles of `LUNGS`, moved with the midline that `mirror_shift` finds. Opacity is
    counted from the darkest 5 % of both rectangles, so that neither brightness nor contrast of an image counts, unless
    grey levels are clipped. The heart makes the mean of normal chests positive: compare images with each other, not
    with 0. Images whose side is a multiple of 64 are averaged down to 64 pixels first.

    Args:
        images: (N, H, H) uint8, upright and framed to the chest, H at least 16.

    Returns:
        (N,) float64 in [-1, 1]; 0 where both sides are alike, 1 where all opacity is on the image's right.

    Raises:
        SemirayError: Images have another shape, or are too small.
    """
    _check(images)
    pixels = _reduced(images)
    shifts, side = mirror_shift(pixels), pixels.shape[1]
    top, left, bottom, right = np.round(side * np.array(LUNGS[0])).astype(np.int64)
    columns = np.arange(left, right) + (shifts[:, None] // 2)
    each, rows = np.arange(len(images))[:, None, None], np.arange(top, bottom)[None, :, None]
    sides = [
        pixels[each, rows, place[:, None, :]].reshape(len(images), -1)
        for place in (columns, side - 1 + shifts[:, None] - columns)
    ]
    base = np.quantile(np.concatenate(sides, axis=1), DARKEST, axis=1, keepdims=True)
    on_left, on_right = ((grey - base).clip(min=0).mean(axis=1) for grey in sides)
    return np.asarray((on_right - on_left) / np.maximum(on_right + on_left, 1e-9))


def mirror_shift(images: Images | Floats) -> NDArray[np.int64]:
    """Twice the distance, in pixels to the right, of each chest's midline from the image's middle.

    It is the shift at which image and mirror image correlate most (Pearson, over their overlap), of those up to an
    eighth of the side.

    Args:
        images: (N, H, H).

    Returns:
        (N,) int64.

    Raises:
        SemirayError: Images have another shape, or are too small.
    """
    _check(images)
    side, pixels = images.shape[1], images.astype(np.float64)
    reach = int(side * REACH)
    shifts = np.array(sorted(range(-reach, reach + 1), key=abs))  # of equal correlations, the smallest shift counts
    found = []
    for shift in shifts:
        part = pixels[:, :, max(shift, 0) : side + min(shift, 0)]
        part = part - part.mean(axis=(1, 2), keepdims=True)
        power = (part * part).sum(axis=(1, 2))
        found.append((part * part[:, :, ::-1]).sum(axis=(1, 2)) / np.maximum(power, 1e-9))
    return np.asarray(shifts[np.argmax(np.round(found, 12), axis=0)])


def _check(images: Images | Floats) -> None:
    if images.ndim != 3 or images.shape[1] != images.shape[2] or images.shape[1] < SMALLEST:
        raise SemirayError(
            f"Left-right asymmetry is measured in square images (N, H, H) of at least {SMALLEST} pixels; these are "
            f"{images.shape}. Read them at a higher resolution."
        )


def _reduced(images: Images) -> Floats:
    """Images (N, H, H) of at most `ENOUGH` pixels, by averaging, if their side is a multiple of that."""
    pixels, (count, side, _) = images.astype(np.float64), images.shape
    if side % ENOUGH or side == ENOUGH:
        return pixels
    few = side // ENOUGH
    return np.asarray(pixels.reshape(count, ENOUGH, few, ENOUGH, few).mean(axis=(2, 4)))

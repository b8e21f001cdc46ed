"""Images made small by averaging fields of pixels, shifted or not: one matrix from each side."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from semiray.radiographs.pixels.images import ImageArray

__all__ = ["field_means", "shrink"]

Floats = NDArray[np.float32]
AT_ONCE = 256  # images: large ones in float32 would not all fit into memory


def shrink(images: ImageArray, side: int) -> Floats:
    """Images (N, H, W) uint8 -> (N, side, side), each value the mean of a field of pixels."""
    n, height, width = images.shape
    rows, columns = field_means(height, side), field_means(width, side).T
    small = np.empty((n, side, side), np.float32)
    for first in range(0, n, AT_ONCE):
        part = slice(first, first + AT_ONCE)
        small[part] = rows @ images[part].astype(np.float32) @ columns
    return small


def field_means(length: int, fields: int, shift: int = 0) -> Floats:
    """The matrix (fields, length) that averages each of so many fields of a line of pixels.

    Args:
        length: Pixels, at least as many as fields.
        fields: Number of fields.
        shift: By how many pixels the line moves towards its start first; its ends are repeated.
    """
    place = np.arange(length)
    field = place * fields // length
    matrix = np.zeros((fields, length), np.float32)
    np.add.at(matrix, (field, (place + shift).clip(0, length - 1)), 1 / np.bincount(field)[field])
    return matrix

"""Thumbnails: images shrunk by averaging fields of pixels, by one matrix product per axis."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from semiray.radiographs.pixels.images import ImageArray

__all__ = ["field_means", "shrink"]

Floats = NDArray[np.float32]
AT_ONCE = 256  # images: all of them in float32 may not fit into memory


def shrink(images: ImageArray, side: int) -> Floats:
    """Shrink images (N, H, W) uint8 to (N, side, side) float32, each value the mean of a field of pixels."""
    n, height, width = images.shape
    rows, columns = field_means(height, side), field_means(width, side).T
    small = np.empty((n, side, side), np.float32)
    for first in range(0, n, AT_ONCE):
        part = slice(first, first + AT_ONCE)
        small[part] = rows @ images[part].astype(np.float32) @ columns
    return small


def field_means(length: int, fields: int, shift: int = 0) -> Floats:
    """Return the matrix (fields, length) that averages each field of a line of pixels.

    Args:
        length: number of pixels, at least as many as fields.
        fields: number of fields.
        shift: by how many pixels the line is first moved towards its start; the pixel at its end is repeated.
    """
    place = np.arange(length)
    field = place * fields // length
    matrix = np.zeros((fields, length), np.float32)
    np.add.at(matrix, (field, (place + shift).clip(0, length - 1)), 1 / np.bincount(field)[field])
    return matrix

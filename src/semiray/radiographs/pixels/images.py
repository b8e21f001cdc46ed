"""Images as functions see them, wherever they are kept, and their thumbnails: means of fields of pixels."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

__all__ = ["ImageArray", "field_means", "shrink"]

AT_ONCE = 256  # images: all of them in float32 may not fit into memory


@runtime_checkable
class ImageArray(Protocol):
    """Images (N, H, W) uint8 that are read when they are indexed; any array is one.

    An index gives an array of the images that a number, slice, array or mask names. ``np.asarray`` reads all of them.
    """

    @property
    def shape(self) -> tuple[int, ...]:
        """(N, H, W)."""

    @property
    def ndim(self) -> int:
        """3."""

    @property
    def dtype(self) -> np.dtype[np.uint8]:
        """uint8."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: Any, /) -> Any: ...

    def __array__(self) -> npt.NDArray[np.uint8]: ...


def shrink(images: ImageArray, side: int) -> npt.NDArray[np.float32]:
    """Shrink images (N, H, W) uint8 to (N, side, side) float32, each value the mean of a field of pixels."""
    n, height, width = images.shape
    rows, columns = field_means(height, side), field_means(width, side).T
    small = np.empty((n, side, side), np.float32)
    for first in range(0, n, AT_ONCE):
        part = slice(first, first + AT_ONCE)
        small[part] = rows @ images[part].astype(np.float32) @ columns
    return small


def field_means(length: int, fields: int, shift: int = 0) -> npt.NDArray[np.float32]:
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

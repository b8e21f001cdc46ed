"""Grey values from 0 to 255: how stored values become them, in what sizes, and the error of a file that has none."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from semiray.errors import SemirayError

__all__ = ["MOST_PIXELS", "Decoded", "UnreadableImageError", "check_size", "scale_range"]

MOST_PIXELS = 100_000_000  # in one image: some 20 times as many as the largest detectors have
_LONGEST = 30_000  # pixels of a side
_THINNEST = 20  # times as long as wide
_ROWS = 256  # scaled at once: in float64 a whole image may not fit into memory


class UnreadableImageError(SemirayError):
    """A file that isn't a readable image; the message is the reason, without the file's name."""


class Decoded(NamedTuple):
    """An image file's pixels.

    Attributes:
        pixels: (H, W) float32 from 0 (black) to 255 (white).
        kind: how the file stores them, such as ``8-bit grey``.
        transparent: share of the pixels that are mostly transparent, 0 to 1.
    """

    pixels: npt.NDArray[np.float32]
    kind: str
    transparent: float = 0.0


def check_size(width: int, height: int) -> None:
    """Raise UnreadableImageError if an image has too many pixels, or is too long or too thin for a radiograph."""
    size = f"{width:,} x {height:,} px"
    if max(width, height) > _LONGEST:
        raise UnreadableImageError(f"{size}: a side of more than {_LONGEST:,} pixels")
    if width * height > MOST_PIXELS:
        raise UnreadableImageError(f"{size}: more than {MOST_PIXELS // 10**6:,} million pixels")
    if max(width, height) > _THINNEST * min(width, height):
        raise UnreadableImageError(f"{size}: more than {_THINNEST} times as long as wide, so no radiograph")


def scale_range(values: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    """Scale values (H, W) of more than 8 bits to [0, 255] by the range in use; 8-bit values in such a file are kept."""
    integral = not np.issubdtype(values.dtype, np.floating)
    if not integral:
        finite = np.isfinite(values)
        values = np.where(finite, values, values[finite].min(initial=0))
    low, high = float(values.min()), float(values.max())
    if integral and low >= 0 and high <= 255:
        return np.asarray(values, dtype=np.float32)
    if integral and low >= 0 and high <= 65535 and not np.any(values % 257):
        return np.asarray(values // 257, dtype=np.float32)
    low, high = (float(q) for q in np.quantile(values, (0.001, 0.999), method="nearest"))
    if high <= low:
        low, high = float(values.min()), float(values.max())
    if high <= low:
        return np.full(values.shape, 127.5, dtype=np.float32)
    scaled = np.empty(values.shape, np.float32)
    for first in range(0, len(values), _ROWS):
        part = values[first : first + _ROWS].astype(np.float64)
        scaled[first : first + _ROWS] = np.clip((part - low) / (high - low), 0, 1) * 255
    return scaled

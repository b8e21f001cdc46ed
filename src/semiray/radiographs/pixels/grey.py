"""Grey values from 0 to 255 of stored values, and the error of a file that has none."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from semiray.errors import SemirayError

__all__ = ["UnreadableImageError", "scale_range"]

_ROWS = 256  # scaled at once: in float64 a whole image may not fit into memory


class UnreadableImageError(SemirayError):
    """A file that isn't a readable image; the message is the reason, without the file's name."""


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

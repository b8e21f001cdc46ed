"""What images are to the functions that use them: in memory, memory-mapped, or still in their shards."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

__all__ = ["ImageArray"]


@runtime_checkable
class ImageArray(Protocol):
    """Images (N, H, W) uint8 that are read when they are indexed; any array is one.

    An index gives an array of the images that a number, a slice, an array of numbers or a mask names. ``np.asarray``
    reads all of them.
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

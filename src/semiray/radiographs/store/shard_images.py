"""Images that stay in their shards and look like an array."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from semiray.errors import SemirayError
from semiray.radiographs.pixels.decoding import processors, read_bytes
from semiray.radiographs.pixels.framing import UnreadableImageError, decode_grey, frame
from semiray.radiographs.reading.options import Framing
from semiray.radiographs.reading.records import Record

__all__ = ["ShardImages"]


class ShardImages:
    """Images (N, H, W) uint8 that stay in their shards, each decoded when it is indexed.

    Files are opened for each read and no thread is kept: forked and other processes may use it too.

    Args:
        shards: the .tar files.
        places: (N, 3) int64: per image its shard's index, its offset and its size in bytes.
        resolution: side of the images.
        framing: ``crop`` or ``pad``.
    """

    dtype = np.dtype(np.uint8)
    ndim = 3

    def __init__(
        self, shards: Sequence[Path], places: npt.NDArray[np.int64], resolution: int, framing: Framing
    ) -> None:
        self._shards, self._places = shards, places
        self._resolution, self._framing = resolution, framing

    @property
    def shape(self) -> tuple[int, int, int]:
        """(N, H, W)."""
        return len(self._places), self._resolution, self._resolution

    def __len__(self) -> int:
        return len(self._places)

    def __getitem__(self, index: Any) -> npt.NDArray[np.uint8]:
        """Decode the images named by an index, as an array gives them.

        Raises:
            IndexError: as an array would.
            SemirayError: if the shard has changed since the set was opened.
        """
        first, *rest = index if isinstance(index, tuple) else (index,)
        places = self._places[first]
        images = np.empty((*places.shape[:-1], *self.shape[1:]), np.uint8)
        flat = images.reshape(-1, *self.shape[1:])
        with ThreadPoolExecutor(max(1, min(len(flat), processors())), thread_name_prefix="semiray-decode") as pool:
            for at, image in enumerate(pool.map(self._read, places.reshape(-1, 3))):
                flat[at] = image
        picked: npt.NDArray[np.uint8] = images[(*[slice(None)] * (places.ndim - 1), *rest)]
        return picked

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> npt.NDArray[Any]:
        images = self[:]
        return images if dtype is None else images.astype(dtype)

    def _read(self, place: npt.NDArray[np.int64]) -> npt.NDArray[np.uint8]:
        shard, offset, size = (int(number) for number in place)
        path = self._shards[shard]
        try:
            content = read_bytes(Record(path, path.name, None, "", {}, offset, size))
            return frame(decode_grey(content)[0], self._resolution, self._framing)
        except UnreadableImageError as error:
            raise SemirayError(
                f"{path}: an image that could be read at first can't be read any more ({error}; byte {offset:,}). The "
                "shard has changed: start again."
            ) from error

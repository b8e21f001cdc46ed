"""The order in which real images are shown, and the thread that fetches the next ones while a step is computed."""

from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from semiray.radiographs import ImageArray

__all__ = ["ImageFeed", "ImageOrder"]


class ImageOrder:
    """Random permutations of the images, one per epoch: a function of seed and count, so that resuming is exact.

    Args:
        count: number of images N.
        seed: of the permutations.

    Examples:
        >>> order = ImageOrder(4, seed=0)
        >>> sorted(order.take(0, 4).tolist())
        [0, 1, 2, 3]
    """

    def __init__(self, count: int, seed: int) -> None:
        self.count, self.seed = count, seed
        self._epoch, self._permutation = -1, np.empty(0, dtype=np.int64)

    def take(self, start: int, size: int) -> Tensor:
        """Indices (size,) of the images shown as number `start`, `start` + 1, ...; epochs follow without a gap."""
        parts = []
        while size > 0:
            epoch, offset = divmod(start, self.count)
            parts.append(self._order(epoch)[offset : offset + size])
            start, size = start + len(parts[-1]), size - len(parts[-1])
        return torch.from_numpy(np.concatenate(parts))

    def _order(self, epoch: int) -> NDArray[np.int64]:
        if epoch != self._epoch:
            self._permutation = np.random.default_rng([self.seed, epoch]).permutation(self.count)
            self._epoch = epoch
        return self._permutation


class ImageFeed:
    """Batches of real images, read from memory or disk while the step before is computed.

    Args:
        images: (N, H, W) uint8, in memory or mapped from a file.
        chosen: (M,) which of them are shown.
        order: in which the M are shown.
        batch: images per step, over all processes.
        rows: which of each batch are this process's.
        pin: whether batches are in pinned memory, from which a GPU copies asynchronously.
    """

    def __init__(
        self,
        images: ImageArray,
        chosen: NDArray[np.int64],
        order: ImageOrder,
        batch: int,
        rows: slice,
        *,
        pin: bool = False,
    ) -> None:
        self.images, self.chosen = images, chosen
        self._order, self._batch, self._rows, self._pin = order, batch, rows, pin
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="semiray-feed")
        self._next: tuple[int, Future[tuple[Tensor, Tensor]]] | None = None

    def take(self, start: int) -> tuple[Tensor, Tensor]:
        """Positions among the chosen (b,) and images (b, H, W) of the batch that starts with image number `start`."""
        expected = self._next is not None and self._next[0] == start
        found = self._next[1].result() if self._next is not None and expected else self._read(start)
        after = start + self._batch
        self._next = after, self._reader.submit(self._read, after)
        return found

    def close(self) -> None:
        """Let the thread end."""
        self._reader.shutdown(cancel_futures=True)

    def _read(self, start: int) -> tuple[Tensor, Tensor]:
        index = self._order.take(start, self._batch)[self._rows]
        images = self.pick(index.numpy())
        return index, images.pin_memory() if self._pin else images

    def pick(self, positions: NDArray[np.int64]) -> Tensor:
        """Images (K, H, W) at some positions among the chosen."""
        return torch.from_numpy(np.asarray(self.images[self.chosen[positions]]))

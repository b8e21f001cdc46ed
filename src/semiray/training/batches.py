"""The order in which real images are shown: a function of the seed and the count alone, so that resuming is exact."""

import numpy as np
import torch
from torch import Tensor

__all__ = ["ImageOrder"]


class ImageOrder:
    """One random permutation of the images after another.

    Args:
        count: number of images N.
        seed: of the permutations.

    Example:
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
            part = self._order(epoch)[offset : offset + size]
            parts.append(part)
            start, size = start + len(part), size - len(part)
        return torch.from_numpy(np.concatenate(parts))

    def _order(self, epoch: int) -> "np.ndarray[tuple[int, ...], np.dtype[np.int64]]":
        if epoch != self._epoch:
            self._permutation = np.random.default_rng([self.seed, epoch]).permutation(self.count)
            self._epoch = epoch
        return self._permutation

"""Leave out generated images that are copies of the images that a run was trained on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from semiray.errors import SemirayError
from semiray.radiographs import find_copies, near_duplicates, unite_patients
from semiray.radiographs.pixels.copies import CopyResult

if TYPE_CHECKING:
    from semiray.radiographs import ImageArray, RadiographSet
    from semiray.training.run import Run

__all__ = ["CopyFilter"]


class CopyFilter:
    """Find copies of a run's training images among generated ones, and count them.

    Args:
        run: The run that generates.
        data: All radiographs that it was trained on: its split says which ones it saw.

    Attributes:
        train: The radiographs that the run was trained on.
        seen: Number of images that were looked at.
        dropped: Number of copies among them.

    Raises:
        SemirayError: The data aren't those that the run was trained on.
    """

    def __init__(self, run: Run, data: RadiographSet[ImageArray]) -> None:
        self.train = data.take(run.trained_on(data, run.split(data)))
        if data.fingerprint != run.data.get("fingerprint") and (traces := run.traces()) is not None:
            found = traces.find(self.train.images)
            if others := int((~(found.recognised | found.blank)).sum()):
                raise SemirayError(
                    f"{others:,} of {len(self.train):,} images have names of training images, but another content: "
                    "give what the run was trained on, read with the same options."
                )
        self._patients = unite_patients(self.train.patients, near_duplicates(self.train.images))
        self.fingerprint = data.fingerprint
        self.seen = self.dropped = 0

    @classmethod
    def of(cls, run: Run, data: RadiographSet[ImageArray] | CopyFilter | None) -> CopyFilter | None:
        """The filter of some radiographs; a filter, or None, is returned as it is."""
        return data if data is None or isinstance(data, CopyFilter) else cls(run, data)

    def keep(self, images: NDArray[np.uint8]) -> NDArray[np.bool_]:
        """Which images (N, H, W) uint8 are no copies, (N,); see `semiray.radiographs.find_copies`."""
        copied = self.nearest(images).copied
        self.seen, self.dropped = self.seen + len(copied), self.dropped + int(copied.sum())
        return ~copied

    def nearest(self, images: NDArray[np.uint8]) -> CopyResult:
        """The training image that is nearest to each of some images (N, H, W) uint8; nothing is counted."""
        return find_copies(images, self.train.images, self._patients, united=True)

    def summary(self) -> str:
        """How many images were dropped, in a sentence; SemirayError if all were copies."""
        if self.seen and self.dropped == self.seen:
            raise SemirayError("every generated image is a copy of a training image: this run can't be shared.")
        return f"{self.dropped:,} of {self.seen:,} images are copies of training images and were dropped"

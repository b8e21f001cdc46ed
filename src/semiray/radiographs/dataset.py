"""The decoded data set that training and evaluation work on, the same whatever the layout was."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic

import numpy as np
import numpy.typing as npt
from typing_extensions import TypeVar  # typing's own takes defaults from Python 3.13 on

from semiray.errors import SemirayError
from semiray.radiographs.pixels.images import ImageArray
from semiray.radiographs.reading.options import ReadingOptions
from semiray.radiographs.reading.summary import Summary

__all__ = ["RadiographSet"]

Images_co = TypeVar("Images_co", bound=ImageArray, default=npt.NDArray[np.uint8], covariant=True)


@dataclass(frozen=True)
class RadiographSet(Generic[Images_co]):
    """Radiographs of one resolution with what is known about each.

    The images and columns of prepared sets and shards stay on disk and are read when they are indexed: their type is
    ``RadiographSet[ImageArray]``. ``take`` copies into memory; a plain ``RadiographSet`` contains arrays.

    Attributes:
        images: (N, H, W) uint8, 0 to 255. From ``load_radiographs`` a read-only memory map, or for shards a
            ``ShardImages``, which decodes images when they are indexed.
        labels: (N,) int64, an index into ``classes``; -1 = unknown.
        classes: the class names; empty when nothing is labelled.
        patients: (N,) str, the patients' ids.
        keys: N names, unique, the same on every machine.
        metadata: N mappings from column to cell.
        fingerprint: sha256 in hex of the files' contents, the pixel settings, labels and patients.
        skipped: key and reason of every file that couldn't be decoded; they aren't among the N.
        options: how it was read; None where it wasn't read from files. A run records it.
        stored_codes: (N,) the ``patient_codes`` where they are on disk.
        finding_names: the K findings' names; empty where images have none.
        findings: (N, K) float32: 1 present, 0 absent, NaN unknown; the convention of torchxrayvision.
        summary: what was recognised, left out and guessed when it was read; None where it wasn't read from files.
    """

    images: Images_co
    labels: npt.NDArray[np.int64]
    classes: tuple[str, ...]
    patients: npt.NDArray[np.str_]
    keys: Sequence[str]
    metadata: Sequence[Mapping[str, str]]
    fingerprint: str
    skipped: tuple[tuple[str, str], ...] = ()
    options: ReadingOptions | None = None
    stored_codes: npt.NDArray[np.int32] | None = None
    finding_names: tuple[str, ...] = ()
    findings: npt.NDArray[np.float32] = field(default_factory=lambda: np.zeros((0, 0), np.float32))
    summary: Summary | None = None

    def __len__(self) -> int:
        return len(self.keys)

    @property
    def notes(self) -> tuple[str, ...]:
        """What was guessed or joined when the data set was read, in sentences."""
        return self.summary.notes if self.summary is not None else ()

    @property
    def patient_codes(self) -> npt.NDArray[np.integer[Any]]:
        """(N,) numbers of the patients: positions of their ids among all ids, sorted, unless other numbers are kept."""
        if self.stored_codes is not None:
            return self.stored_codes
        return np.unique(self.patients, return_inverse=True)[1]

    def take(self, indices: Sequence[int] | npt.NDArray[np.int64]) -> RadiographSet:
        """Return the images at some indices, in that order, with the same classes; pixels are copied into memory.

        Args:
            indices: (K,) integers from 0 to N - 1, repeats allowed, or a mask (N,) of booleans.

        Raises:
            IndexError: if an index is out of range.
        """
        chosen = np.asarray(indices)
        chosen = np.flatnonzero(chosen) if chosen.dtype == np.bool_ else chosen.astype(np.int64).reshape(-1)
        return RadiographSet(
            images=np.asarray(self.images[chosen]),
            labels=self.labels[chosen],
            classes=self.classes,
            patients=self.patients[chosen],
            keys=tuple(self.keys[i] for i in chosen.tolist()),
            metadata=tuple(self.metadata[i] for i in chosen.tolist()),
            fingerprint=hashlib.sha256(self.fingerprint.encode() + chosen.astype("<i8").tobytes()).hexdigest(),
            options=self.options,
            finding_names=self.finding_names,
            findings=np.asarray(self.findings[chosen]) if self.finding_names else self.findings,
        )

    def labelled(self, indices: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Return those of some indices whose label is known; all of them where nothing is labelled."""
        return indices[self.labels[indices] >= 0] if self.classes else indices

    def groups(self, column: str) -> tuple[npt.NDArray[np.int64], tuple[str, ...]]:
        """Group the images by a column of their metadata.

        Returns:
            (N,) positions in the names, -1 where the cell is empty or missing; and the names, sorted.

        Raises:
            SemirayError: if no image has such a column.
        """
        cells = ["", *(row.get(column, "").strip() for row in self.metadata)]
        names, place = np.unique(np.array(cells, np.str_), return_inverse=True)  # "", no group, is the first
        if len(names) == 1 and column not in (known := set[str]().union(*self.metadata)):
            raise SemirayError(f"no image has a column {column!r}; there are: {', '.join(sorted(known)) or 'none'}.")
        return place[1:] - 1, tuple(names[1:].tolist())

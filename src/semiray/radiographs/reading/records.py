"""What readers return, whatever the layout: one record per image, so that later steps need not know about folders."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

__all__ = ["IMAGE_SUFFIXES", "TABLE_SUFFIXES", "Listing", "Record"]

IMAGE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".jfif", ".tif", ".tiff", ".bmp", ".webp"})
TABLE_SUFFIXES = frozenset({".csv", ".tsv", ".parquet"})


@dataclass(frozen=True, slots=True)
class Record:
    """One image and what is known about it before its pixels are read.

    Attributes:
        path: the image's file, or its shard.
        key: its POSIX path relative to the data's root: its name in splits and reports.
        label: the disease class, or None where unknown.
        patient: the patient's id; the key itself where the patient is unknown.
        metadata: the table's row, and ``split`` for images below train, validation or test folders.
        offset: where the image begins in its file, in bytes; 0 outside shards.
        size: its length in bytes in a shard; None for the whole file.
        inverted: whether a column says that white and black are exchanged (MONOCHROME1); never for DICOM files.
    """

    path: Path
    key: str
    label: str | None
    patient: str
    metadata: Mapping[str, str]
    offset: int = 0
    size: int | None = None
    inverted: bool = False


@dataclass(frozen=True)
class Listing:
    """All records of a data set, ordered by key.

    Attributes:
        root: the folder that keys are relative to.
        layout: the layout that was recognised, in words.
        records: one record per image.
        notes: what was left out or guessed, and why, in sentences.
        classes: the labels in use: in the user's order where classes were chosen, else sorted.
    """

    root: Path
    layout: str
    records: tuple[Record, ...]
    notes: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.records)

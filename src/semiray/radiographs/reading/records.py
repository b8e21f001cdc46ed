"""What readers return, whatever the layout: one record per image, so that later steps need not know about folders."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePath

import numpy as np
import numpy.typing as npt

from semiray.radiographs.reading.summary import Advice, Summary

__all__ = ["IMAGE_SUFFIXES", "TABLE_SUFFIXES", "Findings", "Listing", "Record", "is_table", "table_suffix"]

IMAGE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".tif", ".tiff", ".bmp", ".webp"})
TABLE_SUFFIXES = frozenset({".csv", ".tsv", ".txt", ".xlsx", ".xls", ".xlsb", ".ods", ".parquet", ".json", ".jsonl"})
COMPRESSED = frozenset({".gz", ".bz2", ".xz", ".zst"})


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
class Findings:
    """Several findings per image.

    Attributes:
        names: K names.
        states: (N, K) int8: 1 present, 0 absent, -1 uncertain, -2 blank.
        values: (N, K) float32: 1, 0, NaN for unknown; uncertain and blank as the options say.
    """

    names: tuple[str, ...] = ()
    states: npt.NDArray[np.int8] = field(default_factory=lambda: np.zeros((0, 0), np.int8))
    values: npt.NDArray[np.float32] = field(default_factory=lambda: np.zeros((0, 0), np.float32))

    def take(self, rows: npt.NDArray[np.int64]) -> Findings:
        """Return the findings of some images, by their positions."""
        return replace(self, states=self.states[rows], values=self.values[rows]) if self.names else self


@dataclass(frozen=True)
class Listing:
    """All records of a data set, ordered by key.

    Attributes:
        root: the folder that keys are relative to.
        records: one record per image.
        summary: what was recognised, left out and guessed.
        classes: the labels in use: in the user's order where classes were chosen, else sorted.
        findings: the findings of the records, in their order.
        hashed: whether patients' ids are hashes that differ from machine to machine.
    """

    root: Path
    records: tuple[Record, ...]
    summary: Summary
    classes: tuple[str, ...] = ()
    findings: Findings = field(default_factory=Findings)
    hashed: bool = False

    @property
    def layout(self) -> str:
        """The layout that was recognised, in words."""
        return self.summary.layout

    @property
    def notes(self) -> tuple[str, ...]:
        """What was guessed or joined, in sentences."""
        return self.summary.notes

    def __len__(self) -> int:
        return len(self.records)

    def without(self, kinds: Mapping[str, str], advice: Sequence[Advice] = ()) -> Listing:
        """Return it without images that are something else, counted by kind, and with further advice.

        Args:
            kinds: the kind, such as ``masks``, by key.
            advice: what looks wrong with the others.
        """
        rows = np.array([i for i, record in enumerate(self.records) if record.key not in kinds], np.int64)
        counts = Counter(self.summary.left_out) + Counter(kinds.values())
        summary = replace(self.summary, left_out=dict(counts), advice=(*self.summary.advice, *advice))
        records = tuple(self.records[i] for i in rows) if kinds else self.records
        return replace(self, records=records, findings=self.findings.take(rows), summary=summary)


def table_suffix(name: str | PurePath) -> str:
    """The ending of a table's name, in lower case, without that of its compression; empty if it is no table's."""
    path = PurePath(name)
    suffix = path.suffix.lower()
    if suffix in COMPRESSED:
        suffix = PurePath(path.stem).suffix.lower()
    return suffix if suffix in TABLE_SUFFIXES else ""


def is_table(name: str | PurePath) -> bool:
    """Whether a file's name ends like a table's, compressed or not: ``.csv``, ``.tsv.gz``, ``.xlsx``, ``.json``."""
    return bool(table_suffix(name))

"""Checks of a set on disk whose files are whole: that they are what a set consists of, and belong together.

A checksum says that a file is as it was written, not that it was written by semiray.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from semiray.errors import SemirayError
from semiray.radiographs.dataset import RadiographSet

__all__ = ["SET_TROUBLE", "check_columns", "check_facts", "check_places", "row_cells", "row_key"]

SET_TROUBLE = (KeyError, TypeError, ValueError, AttributeError, IndexError, OSError)
"""What reading the facts of a set can raise that nobody wrote."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="allow", strict=True)


class _Advice(_Strict):
    text: str
    option: str


class _Summary(_Strict):
    layout: str
    images: int
    patients: int
    patients_from: str
    labels_from: str
    classes: dict[str, int]
    findings: dict[str, dict[str, int]]
    parts: dict[str, int]
    left_out: dict[str, int]
    columns: dict[str, dict[str, int]]
    notes: list[str]
    advice: list[_Advice]


class _Facts(_Strict):
    layout: str
    resolution: int = Field(ge=1, le=65_536)
    framing: Literal["crop", "pad"]
    options: dict[str, Any]
    classes: list[str]
    fingerprint: str
    skipped: list[tuple[str, str] | list[str]]
    finding_names: list[str]
    summary: _Summary | None
    shards: list[str]


def check_facts(folder: Path, facts: Mapping[str, Any]) -> None:
    """Raise SemirayError unless what a set says of itself has the types that it was written with."""
    try:
        found = _Facts.model_validate(facts)
    except ValidationError as error:
        first = error.errors()[0]
        raise _damaged(folder, f"{'.'.join(map(str, first['loc']))}: {first['msg'].lower()}") from error
    if len(set(found.classes)) < len(found.classes):
        raise _damaged(folder, "a class is named twice")
    if not all(len(pair) == 2 for pair in found.skipped):
        raise _damaged(folder, "a file that was left out has no reason")


def check_columns(folder: Path, facts: Mapping[str, Any], data: RadiographSet[Any]) -> None:
    """Raise SemirayError unless the columns of a set belong together: one length, and values that they can have.

    Args:
        folder: the set's folder.
        facts: what it says of itself, checked.
        data: the set as it was mapped into memory.
    """
    n, side = len(data), facts["resolution"]
    if data.images.shape != (n, side, side) or data.images.dtype != np.uint8:
        raise _damaged(folder, f"{n:,} rows, but images {data.images.shape} {data.images.dtype}")
    for name, column, kinds, low, high in (
        ("labels", data.labels, "i", -1, len(data.classes) - 1),
        ("patient_codes", data.patient_codes, "iu", 0, max(0, n - 1)),
    ):
        if column.shape != (n,) or column.dtype.kind not in kinds:
            raise _damaged(folder, f"{name} is {column.shape} {column.dtype}")
        if n and not (low <= int(column.min()) and int(column.max()) <= high):
            raise _damaged(folder, f"{name} holds a number that isn't from {low} to {high:,}")
    if data.patients.shape != (n,) or data.patients.dtype.kind != "U":
        raise _damaged(folder, f"patients is {data.patients.shape} {data.patients.dtype}")
    findings, wanted = data.findings, (n, len(data.finding_names))
    if (findings.shape != wanted and (findings.size or data.finding_names)) or findings.dtype != np.float32:
        raise _damaged(folder, f"findings is {findings.shape} {findings.dtype}")
    if not bool(((findings == 0) | (findings == 1) | np.isnan(findings)).all()):
        raise _damaged(folder, "findings holds a number that is neither 0 nor 1 nor NaN")


def check_places(folder: Path, places: npt.NDArray[Any], shards: int) -> None:
    """Raise SemirayError unless places (N, 4) of images name one of so many shards, and a part of it that can be."""
    if places.ndim != 2 or places.shape[1] != 4 or places.dtype != np.int64:
        raise _damaged(folder, f"places is {places.shape} {places.dtype}")
    if len(places) and not (
        places.min() >= 0
        and int(places[:, 0].max()) < shards
        and int(places[:, 1:3].max()) < 2**62
        and int(places[:, 3].max()) <= 1
    ):
        raise _damaged(folder, "places names bytes that no shard has")


def row_key(row: Any) -> str:
    """The key of a row of rows.jsonl; TypeError unless it is one."""
    key, _ = row
    if not isinstance(key, str):
        raise TypeError(key)
    return key


def row_cells(row: Any) -> Mapping[str, str]:
    """The cells of a row of rows.jsonl; TypeError unless they are texts by column."""
    _, cells = row
    if not isinstance(cells, dict) or not all(isinstance(cell, str) for cell in cells.values()):
        raise TypeError(cells)
    return cells


def _damaged(folder: Path, why: str) -> SemirayError:
    return SemirayError(f"{folder} isn't a set that semiray prepared, or is damaged: {why}.")

"""Joins a table (CSV, TSV, Parquet) to the images that it names, whatever its columns are called."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import eq, itemgetter
from pathlib import Path, PurePosixPath

from semiray.errors import SemirayError
from semiray.radiographs.reading.records import IMAGE_SUFFIXES

__all__ = ["Found", "ImageIndex", "Table", "choose_column", "find_path_column", "read_table"]

LABEL_COLUMNS = ("label", "labels", "class", "class_name", "diagnosis", "finding", "findings", "category", "target")
PATIENT_COLUMNS = ("patient_id", "patientid", "patient", "subject_id", "subjectid", "subject")
_PATH_HINTS = ("path", "file", "image", "img", "name")


@dataclass(frozen=True)
class Table:
    """Rows of text, every row with every column.

    Attributes:
        path: the file.
        columns: the header.
        rows: one mapping per row; an empty cell is the empty string.
    """

    path: Path
    columns: tuple[str, ...]
    rows: tuple[Mapping[str, str], ...]


@dataclass
class Found:
    """What is on disk, before the user's options are applied: per image its file or shard, label, row, span."""

    root: Path
    layout: str
    paths: dict[str, Path]
    labels: dict[str, str] = field(default_factory=dict)
    metadata: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    table: Table | None = None
    rows: dict[str, Mapping[str, str]] = field(default_factory=dict)
    spans: dict[str, tuple[int, int]] = field(default_factory=dict)


def read_table(path: Path) -> Table:
    """Read a CSV, TSV or Parquet file; all cells become text, missing ones the empty string.

    The delimiter of a CSV is a comma, semicolon or tab, whichever is most frequent in the header.

    Raises:
        SemirayError: if the file isn't a table, naming the line, or if Parquet needs pyarrow.
    """
    if path.suffix.lower() == ".parquet":
        return _read_parquet(path)
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise SemirayError(f"{path}: the table can't be read ({error.strerror or error}).") from error
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        # Written by spreadsheets on Windows; any bytes can be decoded, so that at least a column of names is usable.
        text = raw.decode("cp1252", "replace")
    header_line = text.split("\n", 1)[0]
    delimiter = "\t" if path.suffix.lower() == ".tsv" else max(",;\t", key=header_line.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    filled = (cells for cells in reader if any(cell.strip() for cell in cells))
    rows: list[Mapping[str, str]] = []
    try:
        columns = tuple(cell.strip() for cell in next(filled, []))
        for cells in filled:
            if len(cells) > len(columns) and any(cell.strip() for cell in cells[len(columns) :]):
                raise SemirayError(
                    f"{path}, line {reader.line_num}: {len(cells)} cells, but the header has {len(columns)} columns. "
                    "Quote cells that contain the delimiter."
                )
            padded = [cell.strip() for cell in cells[: len(columns)]] + [""] * (len(columns) - len(cells))
            rows.append(dict(zip(columns, padded, strict=True)))
    except csv.Error as error:
        raise SemirayError(f"{path}, line {reader.line_num}: this isn't a table ({error}).") from error
    if not columns:
        raise SemirayError(f"{path}: the table is empty. Its first line should name the columns.")
    return Table(path, columns, tuple(rows))


def _read_parquet(path: Path) -> Table:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise SemirayError(f"{path}: reading Parquet needs pyarrow: pip install 'semiray[parquet]'.") from error
    try:
        content = pyarrow.parquet.read_table(path)
    except (OSError, pyarrow.ArrowException) as error:
        raise SemirayError(f"{path}: this isn't a Parquet table ({str(error).splitlines()[0]}).") from error
    columns = tuple(str(name) for name in content.column_names)
    values = [["" if value is None else str(value) for value in column.to_pylist()] for column in content.columns]
    rows = tuple(dict(zip(columns, row, strict=True)) for row in zip(*values, strict=True))
    return Table(path, columns, rows)


class ImageIndex:
    """Finds the image that a cell names: by a path, the end of one, or a file name, with or without its extension."""

    def __init__(self, keys: Iterable[str], prefix: str = "") -> None:
        """Index image keys; paths in the table may start from ``prefix``, its folder relative to the root."""
        self.keys = set(keys)
        self.prefix = prefix
        self._names: dict[str, list[str]] = {}
        self._stems: dict[str, list[str]] = {}
        for key in self.keys:
            path = PurePosixPath(key)
            self._names.setdefault(path.name, []).append(key)
            self._stems.setdefault(path.stem, []).append(key)

    def find(self, cell: str) -> str | None:
        """Return the key that a cell names, or None if there is none or more than one."""
        value = os.path.normpath(cell.replace("\\", "/")).replace(os.sep, "/") if cell else ""
        if not value:
            return None
        joined = os.path.normpath(f"{self.prefix}/{value}").replace(os.sep, "/") if self.prefix else value
        for exact in (joined, value):
            if exact in self.keys:
                return exact
        path = PurePosixPath(value)
        candidates = self._names.get(path.name) or self._stems.get(path.name) or []
        if len(path.parts) > 1:
            # Folders in the cell must agree with the image's folders, compared from the end.
            wanted = path.with_suffix("").parts if path.suffix.lower() in IMAGE_SUFFIXES else path.parts
            parts = {key: PurePosixPath(key).with_suffix("").parts for key in candidates}
            candidates = [key for key in candidates if all(map(eq, reversed(parts[key]), reversed(wanted)))]
        return candidates[0] if len(candidates) == 1 else None


def find_path_column(table: Table, index: ImageIndex, column: str | None = None) -> tuple[str, list[str | None]] | None:
    """Find the column whose cells name images: the user's, or one in which enough do.

    Returns:
        The column's name and, per row, the image's key or None. None if no column names images: at least half of a
        column's cells must, or its cells must name half of the images.

    Raises:
        SemirayError: if the chosen column doesn't exist or names no image.
    """
    if column is not None:
        choose_column(table, column, (), "path_column")
        found = [index.find(row[column]) for row in table.rows]
        if not any(found):
            sample = ", ".join(repr(row[column]) for row in table.rows[:3]) or "none: the table has no rows"
            some = ", ".join(sorted(index.keys)[:3]) or "none"
            raise SemirayError(
                f"{table.path}, column {column!r}: no cell names an image. Cells: {sample}. Images: {some}."
            )
        return column, found
    ranked = []
    for name in table.columns:
        cells = [row[name] for row in table.rows]
        found = [index.find(cell) for cell in cells]
        hits = len({key for key in found if key is not None})
        filled = len({cell for cell in cells if cell})
        if not hits or (hits < 0.5 * filled and hits < 0.5 * len(index.keys)):
            continue
        # Row numbers can be stems of images by chance: prefer cells with extensions, and columns with telling names.
        suffixed = sum(Path(cell).suffix.lower() in IMAGE_SUFFIXES for cell in cells)
        ranked.append(((hits, suffixed, any(hint in name.lower() for hint in _PATH_HINTS)), name, found))
    return max(ranked, key=itemgetter(0))[1:] if ranked else None


def choose_column(table: Table, chosen: str | None, known: Sequence[str], option: str) -> str | None:
    """Return the user's column, else the first with a known name, else None.

    Raises:
        SemirayError: if the user's column isn't in the table; the message lists its columns.
    """
    if chosen is not None:
        if chosen not in table.columns:
            raise SemirayError(
                f"{table.path}: no column {chosen!r} ({option}=). The columns are: {', '.join(table.columns)}."
            )
        return chosen
    names = {column.lower().replace(" ", "_").replace("-", "_"): column for column in reversed(table.columns)}
    return next((names[name] for name in known if name in names), None)

"""Joins tables to the images that they name: by paths or names, or by the studies and patients of other tables."""

from __future__ import annotations

import os
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from functools import cached_property
from operator import itemgetter
from pathlib import Path

from semiray.errors import SemirayError
from semiray.radiographs.reading.names import folders_of, name_of, part_in, part_of, stem_of
from semiray.radiographs.reading.records import IMAGE_SUFFIXES
from semiray.radiographs.reading.summary import Advice, some
from semiray.radiographs.reading.tables import Row, Table, plain, plain_words, read_tables, roles

__all__ = ["Found", "ImageIndex", "find_path_column", "join_table_file", "join_tables"]

_PATH_HINTS = ("path", "file", "image", "img", "name", "dicom")
_IDENTIFIERS = re.compile(
    r"(?:^|_)(?:patient|subject|participant|person|study|case|exam|series|uid|id|pid)|"
    r"(?:^|_|image|img|file|instance|record|scan|visit)(?:id|uid|no|number)$"  # not covid
)
_NO_NAME = re.compile(r"(?:^|_)(?:age|year|index|row|count|width|height|rows|columns|unnamed)(?:_|$)")
_ENDINGS = (*sorted(IMAGE_SUFFIXES), ".dcm", ".dicom")
_WHOLE = re.compile(r"(\d{1,18})(?:\.0)?")
_KIND = re.compile(r"_(?:image|study)$")  # 65761e66de9f_image, of SIIM-FISABIO-RSNA


@dataclass
class Found:
    """What is on disk, before the user's options are applied.

    Attributes:
        root: the folder that keys are relative to.
        layout: in words.
        paths: per image its file or shard.
        labels: per image the class that folders or shards tell.
        rows: per image what tables say of it: the first row of each table, joined.
        more: per image its further rows, where a table has several.
        joined: the tables that are used, with the column that names images or joins them.
        spans: per image of a shard, offset and size.
        dicom: keys of DICOM files.
        patients: per image the patient that a header tells.
        left_out: files that aren't used, by kind.
        notes: what was guessed or joined.
        advice: what looks wrong or unused.
    """

    root: Path
    layout: str
    paths: dict[str, Path]
    labels: dict[str, str] = field(default_factory=dict)
    rows: dict[str, dict[str, str]] = field(default_factory=dict)
    more: dict[str, list[Row]] = field(default_factory=dict)
    joined: list[tuple[Table, str]] = field(default_factory=list)
    spans: dict[str, tuple[int, int]] = field(default_factory=dict)
    dicom: set[str] = field(default_factory=set)
    patients: dict[str, str] = field(default_factory=dict)
    left_out: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)
    advice: list[Advice] = field(default_factory=list)

    def add_row(self, key: str, row: Row) -> dict[str, str]:
        """Give an image the cells of a row that it doesn't have yet; return all that it has."""
        mine = self.rows.setdefault(key, {})
        for name, cell in row.items():
            if not mine.get(name):
                mine[name] = cell
        return mine

    def columns(self) -> list[str]:
        """The columns of all tables that are used, each once."""
        return list(dict.fromkeys(name for table, _ in self.joined for name in table.columns))

    def all_columns(self) -> list[str]:
        """The columns of all tables, and those that folders and lists add, such as ``split``."""
        return list(dict.fromkeys([*self.columns(), *(name for row in self.rows.values() for name in row)]))

    def cells(self, column: str) -> dict[str, list[str]]:
        """Per image the different cells of a column that aren't empty, in the order of its rows."""
        cells = {key: [cell] for key, row in self.rows.items() if (cell := row.get(column, ""))}
        for key, rows in self.more.items():
            if key in self.paths:
                several = [cell for row in rows if (cell := row.get(column, ""))]
                if several:
                    cells[key] = list(dict.fromkeys([*cells.get(key, []), *several]))
        return cells


class ImageIndex:
    """Finds the image that a cell names: by a path, the end of one, or a file name, with or without its extension."""

    def __init__(self, keys: Iterable[str]) -> None:
        self.keys = set(keys)
        self.prefix, self.part = "", ""  # of the table: its folder relative to the root, its official part
        self._stems: dict[str, list[str]] = {}
        # Of names that several images have, found once: in some sets 100,000 are called view1_frontal.jpg.
        self._exact: dict[str, list[str]] = {}
        self._ends: dict[tuple[str, int], dict[tuple[str, ...], list[str]]] = {}
        for key in self.keys:
            self._stems.setdefault(_stem(name_of(key).lower()), []).append(key)

    def below(self, prefix: str, part: str) -> ImageIndex:
        """The same images for a table in another folder, or of an official part: its own images are preferred."""
        other = copy(self)
        other.prefix, other.part = prefix, part
        return other

    @cached_property
    def _numbers(self) -> dict[int, list[str]]:
        """Keys by the number that is their name."""
        numbers: dict[int, list[str]] = {}
        for stem, keys in self._stems.items():
            if stem.isascii() and stem.isdigit() and len(stem) < 19:
                numbers.setdefault(int(stem), []).extend(keys)
        return numbers

    def may_name(self, cell: str) -> bool:
        """Whether the last part of a cell is an image's name; quick."""
        return bool(self._candidates(name_of(cell.replace("\\", "/"))))

    def find(self, cell: str) -> str | None:
        """Return the key that a cell names, or None if there is none or more than one."""
        value = os.path.normpath(cell.replace("\\", "/")).replace(os.sep, "/") if cell else ""
        if not value:
            return None
        joined = os.path.normpath(f"{self.prefix}/{value}").replace(os.sep, "/") if self.prefix else value
        for exact in (joined, value):
            if exact in self.keys:
                return exact
        name = name_of(value)
        candidates = self._candidates(name)
        if "/" in value:
            candidates = self._agreeing(name.lower(), candidates, tuple(value.lower().split("/")[-2::-1]))
        if len(candidates) > 1 and self.prefix:
            candidates = [key for key in candidates if key.startswith(f"{self.prefix}/")] or candidates
        if len(candidates) > 1 and self.part:
            candidates = [key for key in candidates if self.part in map(part_of, folders_of(key))] or candidates
        if len(candidates) > 1:
            candidates = [key for key in candidates if name in (name_of(key), stem_of(key))]
        return candidates[0] if len(candidates) == 1 else None

    def _agreeing(self, name: str, candidates: Sequence[str], wanted: tuple[str, ...]) -> Sequence[str]:
        """Those of the images of a name whose folders are the wanted ones, compared from the end as far as both go."""
        ends = self._ends.get((name, len(wanted)))
        if ends is None:
            ends = {}
            for key in candidates:
                ends.setdefault(tuple(key.lower().split("/")[-2::-1][: len(wanted)]), []).append(key)
            if len(candidates) > 1:
                self._ends[name, len(wanted)] = ends
        return [key for depth in range(len(wanted) + 1) for key in ends.get(wanted[:depth], ())]

    def _candidates(self, name: str) -> Sequence[str]:
        """Keys of images of a name, whatever its case, with or without its ending, or with that of a DICOM file."""
        name = name.lower()
        found = self._stems.get(_stem(name))
        if found and len(found) > 1:
            if name not in self._exact:
                self._exact[name] = [key for key in found if name_of(key).lower() == name] or found
            found = self._exact[name]
        if not found and (number := _WHOLE.fullmatch(name)):
            found = self._numbers.get(int(number[1]))  # spreadsheets drop leading zeros, pandas adds .0
        return found or self._stems.get(_KIND.sub("", name)) or ()


def _stem(name: str) -> str:
    """A name without the endings of images, of which converted files may have two: ``1.dcm.png``."""
    while name.endswith(_ENDINGS):
        name = name[: name.rindex(".")]
    return name


def find_path_column(table: Table, index: ImageIndex, column: str | None = None) -> tuple[str, list[str | None]] | None:
    """Find the column whose cells name images: the user's, or one in which enough do.

    Returns:
        The column's name and, per row, the image's key or None. None if no column names images: at least half of a
        column's cells must, or its cells must name half of the images.

    Raises:
        SemirayError: if the chosen column doesn't exist or names no image.
    """
    if column is not None:
        if column not in table.columns:
            raise SemirayError(
                f"{table.path}: no column {column!r} (path_column=). The columns are: {', '.join(table.columns)}."
            )
        keys = {cell: index.find(cell) for cell in {row[column] for row in table.rows}}
        found = [keys[row[column]] for row in table.rows]
        if not any(found):
            sample = ", ".join(repr(row[column]) for row in table.rows[:3]) or "none: the table has no rows"
            some_keys = ", ".join(sorted(index.keys)[:3]) or "none"
            raise SemirayError(
                f"{table.path}, column {column!r}: no cell names an image. Cells: {sample}. Images: {some_keys}."
            )
        return column, found
    ranked = []
    columns = {name: [row[name] for row in table.rows] for name in table.columns}
    named = [n for n, cells in columns.items() if sum(c.lower().endswith(_ENDINGS) for c in cells) > len(cells) / 2]
    for name, cells in columns.items():
        # Row numbers, indices and ages can be names of images by chance.
        numbers = all(re.fullmatch(r"\d+(?:\.0)?|", cell) for cell in cells)
        if numbers and _NO_NAME.search(plain_words(name)):
            continue
        hinted = any(hint in name.lower() for hint in _PATH_HINTS) or _IDENTIFIERS.search(plain_words(name))
        if numbers and table.headed and (named or (not hinted and len(set(cells)) < len(cells))):
            continue
        if not any(map(index.may_name, cells)):
            continue
        keys = {cell: index.find(cell) for cell in set(cells) if cell}
        found = [keys.get(cell) for cell in cells]
        hits = len({key for key in found if key is not None})
        if not hits or (hits < len(keys) / 2 and hits < len(index.keys) / 2):
            continue
        # Row numbers can be stems of images by chance: prefer cells with extensions, and columns with telling names.
        suffixed = sum(Path(cell).suffix.lower() in IMAGE_SUFFIXES for cell in cells)
        ranked.append(((hits, suffixed, any(hint in name.lower() for hint in _PATH_HINTS)), name, found))
    return max(ranked, key=itemgetter(0))[1:] if ranked else None


def join_tables(found: Found, tables: Mapping[str, Path], path_column: str | None) -> dict[str, str]:
    """Join to the images of a folder every table below it that names them, or their studies or patients.

    Args:
        found: gets the rows; changed in place.
        tables: the tables' files by their keys.
        path_column: the user's column of image paths, or None.

    Returns:
        The official parts that lists of images such as ``test_list.txt`` tell, by key.

    Raises:
        SemirayError: if no table has the user's column, or it names no image.
    """
    index = ImageIndex(found.paths)
    parts: dict[str, str] = {}
    others: list[Table] = []
    matched: list[tuple[Table, str, list[str | None]]] = []
    mismatches: list[SemirayError] = []
    for key, path in tables.items():
        try:
            read = read_tables(path)
        except SemirayError as error:
            # A note about one image lies beside it, under its name.
            if path.suffix.lower() != ".txt" and not index.may_name(path.stem):
                found.advice.append(Advice(f"Table not read: {error}"))
            continue
        part = part_in(path.stem)
        below = index.below("/".join(folders_of(key)), part or "")
        for table in read:
            try:
                match = _match(table, below, path_column)
            except SemirayError as error:
                mismatches.append(error)
                continue
            if match is None:
                others += [table] * bool(table.rows)
                continue
            if part:
                parts |= {key: part for key in match[2] if key is not None}
            if len(match[0].columns) == 1:
                if not part:
                    listed = f"{path.name} lists {len(set(match[2]) - {None}):,} of the images"
                    found.advice.append(Advice(f"{listed}; nothing says what for, so it isn't used."))
            else:
                matched.append(match)
    if path_column is not None and not matched and tables:
        nowhere = SemirayError(f"no table has a column {path_column!r} (path_column=): {', '.join(tables)}.")
        raise next(iter(mismatches), nowhere)
    matched.sort(key=lambda match: (-len(set(match[2]) - {None}), str(match[0].path)))
    for table, column, keys in matched:
        _add(found, table, column, keys)
    without = len(found.paths.keys() - {key for match in matched for key in match[2]})
    if matched and without:
        named = some(sorted({table.path.name for table, _ in found.joined}))
        found.notes.append(f"{without:,} images have no row in {named}.")
    # Texts about single images, as many sets have them, are no tables.
    others = [t for t in others if (path_column is None or found.joined) and t.path.suffix.lower() != ".txt"]
    # A table of studies may lead to one of patients.
    while joined := [table for table in others if _add_by_identifier(found, table)]:
        others = [table for table in others if table not in joined]
    if others:
        listed = some([f"{table.path.name} ({len(table.rows):,} rows)" for table in others])
        text = f"Tables that name none of the images aren't used: {listed}."
        found.advice.append(Advice(text, "--path-column COLUMN"))
    # Parts of lists count only where there is more than one: train.csv alone says nothing.
    return parts if len(set(parts.values())) > 1 else {}


def join_table_file(found: Found, tables: Sequence[Table], path_column: str | None) -> set[str]:
    """Join a table that is the data set itself, or the sheets of a workbook; return the keys of the images it names.

    Raises:
        SemirayError: if the user's column names no image.
    """
    index, named = ImageIndex(found.paths), set[str]()
    for table in tables:
        if match := _match(table, index, path_column):
            _add(found, *match)
            named.update(key for key in match[2] if key is not None)
    return named


def _match(table: Table, index: ImageIndex, path_column: str | None) -> tuple[Table, str, list[str | None]] | None:
    """The table, without a header if its first line names an image, with the column that names images."""
    if path_column is not None and path_column not in table.columns:
        table = table.without_header()
        if path_column not in table.columns:
            return None
    elif path_column is None:
        names = [
            name for name in table.columns if not name.isalpha() and index.may_name(name)
        ]  # image may be image.png
        table = table.without_header() if any(map(index.find, names)) else table
    match = find_path_column(table, index, path_column)
    if match is None:
        return None
    column, keys = match
    if not table.headed and path_column is None and len(table.columns) > 1:
        names = roles(table, column)
        table, column = table.renamed(names), names[table.columns.index(column)]
    return table, column, keys


def _add(found: Found, table: Table, column: str, keys: Sequence[str | None]) -> None:
    """Give images their rows; further rows of an image are kept apart, and rows that name no image are counted."""
    lost = []
    seen: set[str] = set()
    conflicts: Counter[str] = Counter()
    for key, row in zip(keys, table.rows, strict=True):
        if key is None:
            lost.append(row[column] or "(empty)")
        elif key in seen:
            found.more.setdefault(key, []).append(row)
        else:
            seen.add(key)
            mine = found.add_row(key, row)
            conflicts.update(name for name, cell in row.items() if cell and cell != mine[name] and name != column)
    if lost:
        found.notes.append(
            f"{len(lost):,} of {len(table.rows):,} rows of {table.path.name} name no image of the data set "
            f"(column {column!r}): {some(lost)}."
        )
    for name, count in conflicts.items():
        other = next((one.path.name for one, _ in found.joined if name in one.columns), "the DICOM header")
        text = f"{table.path.name} says otherwise than {other} in column {name!r} of {count:,} images; {other} is used."
        found.advice.append(Advice(text))
    if not table.headed:
        found.notes.append(f"{table.path.name} has no header: its columns are called {', '.join(table.columns)}.")
    found.notes.extend(table.notes)
    found.joined.append((table, column))


def _add_by_identifier(found: Found, table: Table) -> bool:
    """Join a table that names no image by identifiers that rows share with it, or that folders and names contain."""
    shared = [name for name in table.columns if _IDENTIFIERS.search(plain_words(name))]
    have = {plain(name): name for name in found.columns()}
    pairs = [(name, have[plain(name)]) for name in shared if plain(name) in have]
    matches: dict[str, list[Row]] = {}
    if pairs:
        mine, theirs = [pair[1] for pair in pairs], [pair[0] for pair in pairs]
        by_value: dict[tuple[str, ...], list[Row]] = defaultdict(list)
        for row in table.rows:
            by_value[tuple(row[name].removesuffix(".0") for name in theirs)].append(row)
        for key, row in found.rows.items():
            values = tuple(row.get(name, "").removesuffix(".0") for name in mine)  # which pandas adds to numbers
            if all(values) and values in by_value:
                matches[key] = by_value[values]
        how = some([f"{name!r}" for name in theirs])
    for name in shared:
        if matches:
            break
        matches, how = _by_path(found.paths, table, name), f"{name!r} in paths"
    if not matches or len(matches) < min(len(found.paths), len(table.rows)) * 0.1:
        return False
    for key, rows in matches.items():
        found.add_row(key, rows[0])
        if len(rows) > 1:
            found.more.setdefault(key, []).extend(rows[1:])
    found.joined.append((table, ""))
    found.notes.append(
        f"{table.path.name} is joined by {how}: {len(matches):,} of {len(found.paths):,} images have a row."
    )
    return True


def _by_path(paths: Iterable[str], table: Table, column: str) -> dict[str, list[Row]]:
    """Rows whose cell is a folder or a word of an image's path, with or without the letters before a number."""
    by_value: dict[str, list[Row]] = defaultdict(list)
    for row in table.rows:
        if len(value := _KIND.sub("", row[column].removesuffix(".0"))) > 2:
            by_value[value].append(row)
    matches: dict[str, list[Row]] = {}
    for key in paths:
        names = (*folders_of(key), stem_of(key))
        for word in (*names, *(word for name in names for word in re.split(r"[_\-. ]", name))):
            bare = re.sub(r"^[A-Za-z]+[-_]?(?=\d)", "", word)
            rows = by_value.get(word) or by_value.get(bare)
            if rows:
                matches[key] = rows
                break
    return matches

"""Joins tables to the images that they name: by paths or names, or by the studies and patients of other tables."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

from semiray.errors import SemirayError
from semiray.radiographs.reading.matching import IDENTIFIERS, KIND, ImageIndex, find_path_column
from semiray.radiographs.reading.names import folders_of, part_in, stem_of
from semiray.radiographs.reading.summary import Advice, counted, some
from semiray.radiographs.reading.tables import Row, Table, plain, plain_words, read_tables, roles

__all__ = ["Found", "join_table_file", "join_tables"]


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

    def values(self, column: str) -> Iterator[str]:
        """The cells of a column that aren't empty, one after the other: to look at as many as are needed."""
        further = chain.from_iterable(rows for key, rows in self.more.items() if key in self.paths)
        return (cell for row in chain(self.rows.values(), further) if (cell := row.get(column, "")))

    def cells(self, column: str) -> dict[str, list[str]]:
        """Per image the different cells of a column that aren't empty, in the order of its rows."""
        cells = {key: [cell] for key, row in self.rows.items() if (cell := row.get(column, ""))}
        for key, rows in self.more.items():
            if key in self.paths:
                several = [cell for row in rows if (cell := row.get(column, ""))]
                if several:
                    cells[key] = list(dict.fromkeys([*cells.get(key, []), *several]))
        return cells


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
        found.notes.append(f"{counted(without, 'image has', 'images have')} no row in {named}.")
    # Texts about single images, as many sets have them, are no tables.
    others = [t for t in others if (path_column is None or found.joined) and t.path.suffix.lower() != ".txt"]
    # A table of studies may lead to one of patients.
    while joined := [table for table in others if _add_by_identifier(found, table)]:
        others = [table for table in others if table not in joined]
    if others:
        listed = some([f"{table.path.name} ({counted(len(table.rows), 'row', 'rows')})" for table in others])
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
        # A word is the name of a column, even where an image is called image.png.
        names = [name for name in table.columns if not name.isalpha() and index.may_name(name)]
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
            f"Of {counted(len(table.rows), 'row', 'rows')} of {table.path.name}, {len(lost):,} "
            f"{'names' if len(lost) == 1 else 'name'} no image of the data set (column {column!r}): {some(lost)}."
        )
    for name, count in conflicts.items():
        other = next((one.path.name for one, _ in found.joined if name in one.columns), "the DICOM header")
        images = counted(count, "image", "images")
        text = f"{table.path.name} says otherwise than {other} in column {name!r} of {images}; {other} is used."
        found.advice.append(Advice(text))
    if not table.headed:
        found.notes.append(f"{table.path.name} has no header: its columns are called {', '.join(table.columns)}.")
    found.notes.extend(table.notes)
    found.joined.append((table, column))


def _add_by_identifier(found: Found, table: Table) -> bool:
    """Join a table that names no image by identifiers that rows share with it, or that folders and names contain."""
    shared = [name for name in table.columns if IDENTIFIERS.search(plain_words(name))]
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
        if len(value := KIND.sub("", row[column].removesuffix(".0"))) > 2:
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

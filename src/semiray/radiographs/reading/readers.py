"""Lists the radiographs of a folder, a table or shards as they are on disk, whatever the layout."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from operator import itemgetter
from pathlib import Path, PurePosixPath

from semiray.errors import SemirayError
from semiray.radiographs.reading.folders import Tree, label_by_folder, walk
from semiray.radiographs.reading.options import ReadingOptions, choose_classes, compile_pattern, search
from semiray.radiographs.reading.records import IMAGE_SUFFIXES, TABLE_SUFFIXES, Listing, Record
from semiray.radiographs.reading.shards import read_shards
from semiray.radiographs.reading.tables import (
    LABEL_COLUMNS,
    PATIENT_COLUMNS,
    Found,
    ImageIndex,
    Table,
    choose_column,
    find_path_column,
    read_table,
)

__all__ = ["PATIENT_PRESETS", "find_shards", "read_records"]

PATIENT_PRESETS: Mapping[str, str] = {
    # Kermany et al. 2018: personN_virus_M.jpeg; IM-0439-0001-0002.jpeg and NORMAL2-IM-0439-0001.jpeg count apart.
    "kermany": r"(person\d+|(?:NORMAL2-)?IM-\d+)",
    # Winther et al. 2020: a column of data.csv.
    "hannover": "patient_id",
}
_KERMANY_NAME = re.compile(r"^(person\d+_(virus|bacteria)_\d+(_\d+)?|(NORMAL2-)?IM-\d+-\d+(-\d+)?)$")


def read_records(data: Path, options: ReadingOptions) -> Listing:
    """List the radiographs of a folder or of a table, with labels and patients as far as they can be known.

    A folder: every image below it counts; class folders, train/validation/test folders and the COVID-19 Radiography
    Database are recognised, and a table in the folder that names its images adds label, patient and metadata. A table
    (CSV, TSV, Parquet): the images that its rows name count. A folder of .tar shards: its samples count, and their
    .json files form the table. No pixel is read.

    Args:
        data: the folder or the table.
        options: `framing` has no effect here. Images that `label_from` doesn't match stay, unlabelled; images that
            `patient_from` doesn't match are each their own patient; with `classes`, all other images are left out,
            unlabelled ones too. Columns that aren't given are found by their names or cells.

    Returns:
        The listing, its records sorted by key.

    Raises:
        SemirayError: if there is no image, an option is invalid, or an option matches nothing.
    """
    patient_from, patient_column = options.patient_from, options.patient_column
    if options.label_from is not None and options.label_column is not None:
        raise SemirayError("label_from= and label_column= both say where the label is. Give one of them.")
    if patient_from is not None and patient_column is not None:
        raise SemirayError("patient_from= and patient_column= both say who the patient is. Give one of them.")
    if patient_from == "hannover":
        patient_from, patient_column = None, PATIENT_PRESETS["hannover"]
    elif patient_from is not None and patient_from in PATIENT_PRESETS:
        patient_from = PATIENT_PRESETS[patient_from]
    label_pattern = compile_pattern(options.label_from, "label_from")
    patient_pattern = compile_pattern(patient_from, "patient_from")

    if _is_table_file(data):
        found = _read_table_file(data, options.path_column)
    else:
        shards = find_shards(data)
        found = read_shards(data, shards) if shards else _read_folder(data, options.path_column)
    notes = list(found.notes)
    labels, patients = dict(found.labels), {}
    if found.table is not None:
        labels.update(_column_labels(found, options.label_column, notes))
        patients = _column_patients(found, patient_column, notes)
    else:
        columns = {"label": options.label_column, "patient": patient_column, "path": options.path_column}
        for name, column in columns.items():
            if column is not None:
                raise SemirayError(
                    f"{data}: {name}_column= is given, but no table (CSV, TSV, Parquet) names its images."
                )
    keys = sorted(found.paths)
    if label_pattern is not None:
        labels = search(label_pattern, keys, "label_from", "unlabelled", notes)
    if patient_pattern is not None:
        patients = search(patient_pattern, keys, "patient_from", "their own patients", notes)
    elif not patients and all(_KERMANY_NAME.match(PurePosixPath(key).stem) for key in keys):
        patients = search(re.compile(PATIENT_PRESETS["kermany"]), keys, "", "", notes)
        notes.append("Patients are taken from the file names (preset kermany).")

    metadata, spans = found.metadata, found.spans
    records = [
        Record(path, key, labels.get(key), patients.get(key, key), metadata.get(key, {}), *spans.get(key, ()))
        for key, path in sorted(found.paths.items())
    ]
    records, names = choose_classes(records, options.classes, notes)
    return Listing(found.root, found.layout, tuple(records), tuple(notes), names)


def find_shards(data: Path) -> tuple[Path, ...]:
    """Return the .tar shards in a folder; none if it contains images too, since the .tar is then their archive."""
    shards = sorted(path for path in data.glob("[!.]*.tar") if path.is_file()) if data.is_dir() else []
    return tuple(shards) if shards and not walk(data).images else ()


def _is_table_file(data: Path) -> bool:
    if data.is_dir():
        return False
    if not data.exists():
        raise SemirayError(f"{data}: no such file or folder.")
    if data.suffix.lower() not in TABLE_SUFFIXES:
        hint = f" Give its folder, {data.parent}." if data.suffix.lower() in IMAGE_SUFFIXES else ""
        raise SemirayError(
            f"{data}: neither a folder of images nor a table ({', '.join(sorted(TABLE_SUFFIXES))}).{hint}"
        )
    return True


def _read_folder(data: Path, path_column: str | None) -> Found:
    tree = walk(data)
    if not tree.images:
        detail = " ".join(tree.notes) or "There is no file with an image's suffix."
        raise SemirayError(
            f"{data}: no image found. {detail} Images end in {', '.join(sorted(IMAGE_SUFFIXES))}; "
            "folders called masks are ignored."
        )
    by_folder = label_by_folder(tree.images)
    found = Found(
        data,
        by_folder.layout,
        {key: tree.images[key] for key in by_folder.images},
        by_folder.labels,
        {key: {"split": part} for key, part in by_folder.splits.items()},
        [*tree.notes, *by_folder.notes],
    )
    best = _best_table(tree, list(by_folder.images), path_column, found.notes)
    if best is not None:
        _join(found, *best)
        if without := len(found.paths) - len(found.rows):
            found.notes.append(f"{without:,} images have no row in {best[0].path.name}.")
        found.layout = f"a table ({best[0].path.name})" + (f" with {by_folder.layout}" if by_folder.labels else "")
    return found


def _best_table(
    tree: Tree, images: list[str], path_column: str | None, notes: list[str]
) -> tuple[Table, str, list[str | None]] | None:
    """The table that names most images; a note lists other tables that name some."""
    candidates: list[tuple[int, Table, str, list[str | None]]] = []
    broken: list[SemirayError] = []
    mismatches: list[SemirayError] = []
    for key, path in tree.tables.items():
        parent = PurePosixPath(key).parent.as_posix()
        try:
            table = read_table(path)
        except SemirayError as error:
            broken.append(error)
            continue
        if path_column is not None and path_column not in table.columns:
            continue
        try:
            match = find_path_column(table, ImageIndex(images, "" if parent == "." else parent), path_column)
        except SemirayError as error:
            mismatches.append(error)
            continue
        if match is not None:
            candidates.append((len(set(match[1]) - {None}), table, *match))
    if path_column is not None and not candidates and tree.tables:
        there = ", ".join(tree.tables)
        raise next(iter(mismatches), SemirayError(f"no table has a column {path_column!r} (path_column=): {there}."))
    notes.extend(f"Table not read: {problem}" for problem in broken if not candidates)
    if not candidates:
        return None
    best = max(candidates, key=itemgetter(0))
    notes.extend(
        f"{table.path.name} also names {hits:,} images, but {best[1].path.name} names most and is used."
        for hits, table, _, _ in candidates
        if table is not best[1]
    )
    return best[1:]


def _read_table_file(data: Path, path_column: str | None) -> Found:
    table, root = read_table(data), data.parent
    # If paths lead straight to their files, a possibly very large folder need not be searched.
    direct = {
        column: _direct(table, column, root)
        for column in ([path_column] if path_column in table.columns else table.columns)
    }
    column = max(direct, key=lambda name: len(direct[name]))
    if table.rows and len(direct[column]) == len({row[column] for row in table.rows}):
        cells, notes = direct[column], []
        match: tuple[str, list[str | None]] | None = (column, [cells[row[column]][0] for row in table.rows])
        paths = dict(cells.values())
    else:
        tree = walk(root)
        match, notes, paths = find_path_column(table, ImageIndex(tree.images), path_column), tree.notes, tree.images
    if match is None:
        some = ", ".join(sorted(paths)[:3]) or "none"
        raise SemirayError(
            f"{data}: no column names images of {root} (columns: {', '.join(table.columns)}; images: {some}). "
            "Name one with path_column=."
        )
    found = Found(root, f"a table ({data.name})", paths, notes=notes)
    _join(found, table, *match)
    found.paths = {key: paths[key] for key in found.rows}
    return found


def _direct(table: Table, column: str, root: Path) -> dict[str, tuple[str, Path]]:
    found = {}
    for cell in {row[column] for row in table.rows}:
        path = root / cell.replace("\\", "/")
        if Path(cell).suffix.lower() in IMAGE_SUFFIXES and path.is_file():
            inside = Path(os.path.normpath(path))
            key = inside.relative_to(root).as_posix() if inside.is_relative_to(root) else inside.as_posix()
            found[cell] = (key, path)
    return found


def _join(found: Found, table: Table, column: str, keys: list[str | None]) -> None:
    """Give images their rows; the first row of an image is used."""
    rows: dict[str, Mapping[str, str]] = {}
    metadata = dict(found.metadata)
    repeated, lost = 0, []
    for key, row in zip(keys, table.rows, strict=True):
        if key is None:
            lost.append(row[column] or "(empty)")
        elif key in rows:
            repeated += 1
        else:
            rows[key] = row
            metadata[key] = {**metadata.get(key, {}), **row}
    if lost:
        found.notes.append(
            f"{len(lost):,} of {len(table.rows):,} rows of {table.path.name} name no image of the data set "
            f"(column {column!r}): {', '.join(lost[:3])}{', ...' if len(lost) > 3 else ''}."
        )
    if repeated:
        found.notes.append(f"{repeated:,} rows of {table.path.name} name an image again; its first row is used.")
    found.table, found.rows, found.metadata = table, rows, metadata


def _column_labels(found: Found, chosen: str | None, notes: list[str]) -> dict[str, str]:
    column, labels = _column(found, chosen, LABEL_COLUMNS, "label_column")
    different = len(set(labels.values()))
    if chosen is None and different > max(20, len(labels) // 20):
        notes.append(f"Column {column!r} has {different:,} different values: too many to be classes; it isn't used.")
        return {}
    return labels


def _column_patients(found: Found, chosen: str | None, notes: list[str]) -> dict[str, str]:
    column, patients = _column(found, chosen, PATIENT_COLUMNS, "patient_column")
    if column is not None and (without := len(found.rows) - len(patients)):
        notes.append(f"{without:,} rows have no patient in column {column!r}: each is its own patient.")
    return patients


def _column(found: Found, chosen: str | None, known: Sequence[str], option: str) -> tuple[str | None, dict[str, str]]:
    """The user's column, else one with a known name, and its cells that aren't empty, by key."""
    assert found.table is not None
    column = choose_column(found.table, chosen, known, option)
    values = {} if column is None else {key: row[column] for key, row in found.rows.items() if row[column]}
    if chosen is not None and not values:
        raise SemirayError(f"{found.table.path}, column {column!r} ({option}=): every cell is empty.")
    return column, values

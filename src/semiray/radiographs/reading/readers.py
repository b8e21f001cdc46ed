"""Lists the radiographs of a folder, a table or shards as they are on disk, whatever the layout."""

from __future__ import annotations

import os
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from secrets import token_bytes
from shlex import quote

import numpy as np

from semiray.errors import SemirayError
from semiray.escaping import printable
from semiray.radiographs.reading.advice import PART_COLUMNS, other_columns, same_names
from semiray.radiographs.reading.classes import (
    advise_on_classes,
    choose_classes,
    propose_classes,
    propose_labels,
)
from semiray.radiographs.reading.dicom_files import SYNTHETIC, DicomHeaders, read_headers
from semiray.radiographs.reading.dicom_format import HEAD_BYTES, looks_like_dicom
from semiray.radiographs.reading.findings import Labels, read_labels, select_findings
from semiray.radiographs.reading.folders import Tree, label_by_folder, leave_out, walk
from semiray.radiographs.reading.joining import Found, join_table_file, join_tables
from semiray.radiographs.reading.keep import read_condition
from semiray.radiographs.reading.names import part_in
from semiray.radiographs.reading.options import ReadingOptions, write_class
from semiray.radiographs.reading.patients import propose_pattern, read_patients
from semiray.radiographs.reading.patterns import compile_pattern, search
from semiray.radiographs.reading.records import (
    IMAGE_SUFFIXES,
    TABLE_SUFFIXES,
    Listing,
    Record,
    is_table,
)
from semiray.radiographs.reading.shards import read_shards
from semiray.radiographs.reading.summary import Advice, Summary, counted, shell_option, some
from semiray.radiographs.reading.tables import choose_column, plain, read_tables

__all__ = ["find_shards", "read_records", "unmarked"]

_IF_LEFT_OUT = {  # where nothing else was found
    "archives": "Unpack the archives first.",
    "synthetic images": "To read synthetic images, add --read-synthetic.",
    "masks": "Files and folders called masks are left out: rename them if they aren't.",
}
_PHOTOMETRIC = ("photometric_interpretation", "photometricinterpretation_dicom", "photometric")


def unmarked(_path: Path) -> str:
    """Say of every file that semiray didn't make it."""
    return ""


def random_salt() -> bytes:
    """Return a secret that is never used again."""
    return token_bytes(32)


def read_records(
    data: Path,
    options: ReadingOptions,
    marked: Callable[[Path], str] = unmarked,
    salt: Callable[[], bytes] = random_salt,
) -> Listing:
    """List the radiographs of a folder or of a table, with labels and patients as far as they can be known.

    A folder: every image below it counts that isn't a mask, a copy, or made by semiray. Tables in it that name its
    images, studies or patients add labels, findings, patients, parts and metadata; else names of folders do. A table:
    the images that its rows name count. A folder of .tar shards: its samples count, and their .json files form the
    table. No pixel is read.

    Args:
        data: the folder or the table.
        options: `framing` has no effect here. Images that `label_from` doesn't match stay, unlabelled; images that
            `patient_from` doesn't match are each their own patient; with `classes`, all other images are left out,
            unlabelled ones too. Columns that aren't given are found by their names or cells.
        marked: returns the kind of an image file that semiray made, else the empty text.
        salt: returns the secret with which patients' ids in DICOM headers are hashed; called if there are any.

    Returns:
        The listing, its records sorted by key.

    Raises:
        SemirayError: if there is no image, an option is invalid, or an option matches nothing.
    """
    if options.label_from is not None and options.label_column is not None:
        raise SemirayError("label_from= and label_column= both say where the label is. Give one of them.")
    if options.patient_from is not None and options.patient_column is not None:
        raise SemirayError("patient_from= and patient_column= both say who the patient is. Give one of them.")
    found, parts = _find(data, options, marked, salt)
    _check_columns(data, found, options)
    labels = _labels(found, options)
    labels.classes.update({key: printable(name) for key, name in labels.classes.items() if not name.isprintable()})
    patients, patients_from = read_patients(found, options)
    told = _parts(found)
    if differ := [key for key, part in parts.items() if told.get(key, part) != part]:
        images = counted(len(differ), "image is", "images are")
        text = f"{images} in another part by a column than by folders or lists; the column is used"
        found.advice.append(Advice(f"{text}: {some(differ)}."))
    parts = {key: part for key, part in (parts | told).items() if key in found.paths}
    if len(set(parts.values())) < 2:
        parts = {}
    for key, part in parts.items():
        found.rows.setdefault(key, {})["split"] = part
    keys = _kept(found, options)
    findings = select_findings(labels, keys, options, found.notes)
    classes, names = choose_classes(
        keys, {key: label for key in keys if (label := labels.classes.get(key))}, findings, options.classes,
        found.left_out, found.notes,
    )  # fmt: skip
    if classes is not None:
        findings = findings.take(np.array([i for i, key in enumerate(keys) if key in classes], np.int64))
        keys = [key for key in keys if key in classes]
    else:
        classes = labels.classes
        found.advice += advise_on_classes(names)
    inverted = _inverted(found)
    records = []
    for key in keys:
        offset, size = found.spans.get(key, (0, None))
        patient, row = patients.get(key, key), found.rows.get(key, {})
        records.append(Record(found.paths[key], key, classes.get(key), patient, row, offset, size, key in inverted))
    advice = [*found.advice, *labels.advice]
    if labels.classes is not found.labels and labels.where:  # folders needn't tell classes where columns do
        advice = [one for one in advice if "--label-from" not in one.option]
    advice += [*other_columns(found, labels, keys, options), *same_names(keys)]
    if not patients:
        advice.insert(0, propose_pattern(keys, found.rows))
    if not classes:
        advice += propose_classes(findings) if findings.names else propose_labels(keys)
    if parts:
        counts = Counter(parts[key] for key in keys if key in parts)
        listed = ", ".join(f"{name} {count:,}" for name, count in counts.items())
        text = f"Training and judging use the official parts ({listed}) only if you say so."
        advice.append(Advice(text, "--official-split"))
    summary = Summary(
        layout=found.layout,
        patients_from=patients_from or "not known: every image counts as its own",
        labels_from=labels.where if classes or labels.names else "",
        left_out=dict(found.left_out),
        notes=tuple(dict.fromkeys([*found.notes, *labels.notes])),
        advice=tuple(dict.fromkeys(advice)),
    )
    return Listing(
        found.root, tuple(records), summary, names, findings, hashed=bool(patients) and patients is found.patients
    )


def find_shards(data: Path) -> tuple[Path, ...]:
    """Return the .tar shards in a folder; none if it contains images too, since the .tar is then their archive."""
    shards = sorted(path for path in data.glob("[!.]*.tar") if path.is_file()) if data.is_dir() else []
    return tuple(shards) if shards and not walk(data).images else ()


def _find(
    data: Path, options: ReadingOptions, marked: Callable[[Path], str], salt: Callable[[], bytes]
) -> tuple[Found, dict[str, str]]:
    """What is on disk, and the official parts that folders and lists tell."""
    if _is_table_file(data):
        return _read_table_file(data, options, marked, salt), {}
    if shards := find_shards(data):
        return read_shards(data, shards), {}
    return _read_folder(data, options, marked, salt)


def _is_table_file(data: Path) -> bool:
    if data.is_dir():
        return False
    if not data.exists():
        raise SemirayError(f"{data}: no such file or folder.")
    suffix = data.suffix.lower()
    if suffix in (".zip", ".tar", ".tgz", ".7z", ".rar") or data.name.lower().endswith(".tar.gz"):
        command = {".zip": "unzip", ".7z": "7z x", ".rar": "unrar x"}.get(suffix, "tar xf")
        raise SemirayError(f"{data} is an archive: unpack it ({command} {quote(str(data))}) and give the folder.")
    if not is_table(data):
        hint = f" Give its folder, {data.parent}." if suffix in IMAGE_SUFFIXES else ""
        raise SemirayError(
            f"{data}: neither a folder of images nor a table ({', '.join(sorted(TABLE_SUFFIXES))}).{hint}"
        )
    return True


def _read_folder(
    data: Path, options: ReadingOptions, marked: Callable[[Path], str], salt: Callable[[], bytes]
) -> tuple[Found, dict[str, str]]:
    found, tables = _walk(data, options, marked, salt)
    if not found.paths:
        kinds = ", ".join(f"{count:,} {kind}" for kind, count in found.left_out.items())
        detail = f"Left out: {kinds}." if kinds else "There is no file with an image's suffix."
        advice = [text for kind, text in _IF_LEFT_OUT.items() if found.left_out[kind]]
        raise SemirayError(
            f"{data}: no image found. {' '.join([detail, *advice, *found.notes])} Images are DICOM files or end in "
            f"{', '.join(sorted(IMAGE_SUFFIXES))}."
        )
    by_folder = label_by_folder(found.paths)
    found.layout, found.labels = by_folder.layout, by_folder.labels
    found.notes += by_folder.notes
    found.advice += by_folder.advice
    parts = join_tables(found, tables, options.path_column)
    for key, view in by_folder.views.items():
        found.rows.setdefault(key, {}).setdefault("view", view)
    if found.joined:
        names = some(list(dict.fromkeys(table.path.name for table, _ in found.joined)))
        several = len({table.path for table, _ in found.joined}) > 1
        found.layout = f"{'tables' if several else 'a table'} ({names})" + (
            f" with {by_folder.layout}" if by_folder.labels else ""
        )
    return found, by_folder.parts | parts


def _walk(
    root: Path, options: ReadingOptions, marked: Callable[[Path], str], salt: Callable[[], bytes]
) -> tuple[Found, dict[str, Path]]:
    """The radiographs below a folder, with what the headers of DICOM files tell of them; and the tables there."""
    tree = walk(root)
    headers = _dicom(tree, salt, options.read_synthetic)
    own = [key for key, kind in headers.left_out.items() if kind == SYNTHETIC]
    leave_out(tree, root.resolve().name, unmarked if options.read_synthetic else marked, own)
    found = Found(
        root,
        "",
        tree.images,
        rows={key: dict(row) for key, row in headers.rows.items() if key in tree.images},
        dicom=set(headers.rows),
        patients=dict(headers.patients),
        left_out=tree.left_out,
        notes=tree.notes,
    )
    return found, tree.tables


def _dicom(tree: Tree, salt: Callable[[], bytes], synthetic: bool) -> DicomHeaders:
    """Read the headers of DICOM files, whatever their ending; chest radiographs among them become images."""
    files = dict(tree.unknown)
    folders: dict[str, list[str]] = defaultdict(list)
    for key in tree.images:
        folders[key.rpartition("/")[0]].append(key)
    for keys in folders.values():
        if any(_is_dicom(tree.images[key]) for key in {keys[0], keys[len(keys) // 2], keys[-1]}):
            files |= {key: tree.images[key] for key in keys}
    headers = DicomHeaders({}, {}, {}, ())
    if any(map(_is_dicom, files.values())):
        headers = read_headers(files, salt(), synthetic=synthetic)
    if others := len(tree.unknown.keys() - headers.rows.keys() - headers.left_out.keys()):
        tree.left_out["files of unknown kind"] += others
    tree.images = {key: path for key, path in tree.images.items() if key not in headers.left_out}
    tree.images = dict(sorted((tree.images | {key: files[key] for key in headers.rows}).items()))
    tree.left_out.update(headers.left_out.values())
    tree.notes += headers.notes
    return headers


def _is_dicom(path: Path) -> bool:
    try:
        if not path.is_file():
            return False
        with path.open("rb") as file:
            return looks_like_dicom(file.read(HEAD_BYTES))
    except OSError:
        return False


def _read_table_file(
    data: Path, options: ReadingOptions, marked: Callable[[Path], str], salt: Callable[[], bytes]
) -> Found:
    tables, root, path_column = read_tables(data), data.parent, options.path_column
    layout = f"a table ({data.name})"
    if path_column is None and _direct((name for table in tables for name in table.columns), root):
        tables = [table.without_header() for table in tables]
    # If paths lead straight to their files, a possibly very large folder need not be searched.
    cells: dict[str, set[str]] = defaultdict(set)
    for table in tables:
        for name in [path_column] if path_column in table.columns else table.columns:
            cells[name].update(row[name] for row in table.rows)
    direct = {name: _direct(values, root) for name, values in cells.items()}
    column = max(direct, key=lambda name: len(direct[name]))
    if direct[column] and len(direct[column]) == len(cells[column]):
        found = Found(root, layout, dict(direct[column].values()))
    else:
        found, _ = _walk(root, options, marked, salt)
        found.layout = layout
    named = join_table_file(found, tables, path_column)
    if not named:
        some_keys = ", ".join(sorted(found.paths)[:3]) or "none"
        raise SemirayError(
            f"{data}: no column {repr(path_column) + ' ' if path_column else ''}names images of {root} (columns: "
            f"{', '.join(cells)}; images: {some_keys}). Name one with path_column=."
        )
    found.paths = {key: path for key, path in found.paths.items() if key in named}
    return found


def _direct(cells: Iterable[str], root: Path) -> dict[str, tuple[str, Path]]:
    found = {}
    for cell in cells:
        path = root / cell.replace("\\", "/")
        if Path(cell).suffix.lower() in IMAGE_SUFFIXES and os.path.isfile(path):  # noqa: PTH113  # no name is too long
            inside, named = Path(os.path.normpath(path)), Path(os.path.normpath(cell.replace("\\", "/")))
            key = inside.relative_to(root) if inside.is_relative_to(root) else named
            found[cell] = (key.as_posix(), path)
    return found


def _check_columns(data: Path, found: Found, options: ReadingOptions) -> None:
    """Columns that are named must be in a table that is used."""
    named = {"label": options.label_column, "patient": options.patient_column, "path": options.path_column}
    for name, column in named.items():
        if column is not None and not found.joined:
            raise SemirayError(
                f"{data}: {name}_column= is given, but no table (CSV, TSV, Excel, Parquet, JSON) names its images."
            )


def _labels(found: Found, options: ReadingOptions) -> Labels:
    """Classes and findings: by the user's pattern, by columns, else by folders."""
    pattern = compile_pattern(options.label_from, "label_from")
    labels = read_labels(found, options) if found.columns() else Labels()
    if pattern is not None:
        classes = search(pattern, sorted(found.paths), "label_from", "unlabelled", found.notes)
        return replace(labels, classes=classes, where=f"the pattern {options.label_from}")
    if not labels.classes and found.labels:
        where = "names of folders" + (f"; findings: {labels.where}" if labels.names else "")
        return replace(labels, classes=found.labels, where=where)
    if filled := found.labels.keys() - labels.classes.keys():
        there, names = sorted(set(labels.classes.values())), sorted({found.labels[key] for key in filled})
        images = counted(len(filled), "image", "images")
        text = f"No column tells the class of {images}; that of the folder is used: {some(names)}."
        option = "" if set(names) <= set(there) else shell_option("--classes", ", ".join(map(write_class, there)))
        labels.advice.append(Advice(text, option))
        labels.classes = found.labels | labels.classes
    return labels


def _parts(found: Found) -> dict[str, str]:
    """Official parts by a column, or by the names of the tables that images are in."""
    by_column: dict[str, str] = {}
    for column in found.columns():
        if plain(column) in map(plain, PART_COLUMNS):
            cells = found.cells(column)
            parts = {key: part_in(values[0]) for key, values in cells.items()}
            by_column = {key: part for key, part in parts.items() if part}
            if len(set(by_column.values())) > 1 and len(by_column) > len(parts) / 2:
                if other := sorted({cells[key][0] for key in parts if key not in by_column}):
                    text = f"Column {column!r}: {some(other)} is no official part; those images are in none."
                    found.advice.append(Advice(text))
                break
            by_column = {}
    return by_column


def _kept(found: Found, options: ReadingOptions) -> list[str]:
    """The keys that the user's condition keeps, sorted; the others are counted."""
    keys = sorted(found.paths)
    if options.keep is None:
        return keys
    condition = read_condition(options.keep, found.all_columns())
    kept = [key for key, holds in zip(keys, condition([found.rows.get(key, {}) for key in keys]), strict=True) if holds]
    found.left_out["rows not kept"] += len(keys) - len(kept)
    return kept


def _inverted(found: Found) -> set[str]:
    """Images of which a column says that white is 0; DICOM files invert themselves."""
    column = choose_column(found.columns(), _PHOTOMETRIC)
    if column is None:
        return set()
    inverted = {
        key
        for key, values in found.cells(column).items()
        if re.sub(r"\W", "", values[0]).upper() == "MONOCHROME1" and key not in found.dicom
    }
    if inverted:
        are = counted(len(inverted), "image is", "images are")
        found.notes.append(f"{are} inverted: column {column!r} says MONOCHROME1.")
    return inverted

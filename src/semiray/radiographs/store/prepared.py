"""Prepared sets: a data set decoded once into a folder of its own, which stays on disk however large it is.

Beside the decoded images (``store``) the folder holds ``rows.jsonl`` (key and metadata of each image), ``labels.npy``,
``patients.npy`` with ``names.jsonl``, and last ``set.json``, without which it is no set.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Unpack, cast

import numpy as np
import numpy.typing as npt

from semiray.errors import SemirayError
from semiray.files import LOCK, PARTIAL, hold_folder
from semiray.radiographs.dataset import RadiographSet
from semiray.radiographs.pixels.decoding import Decoder, Progress
from semiray.radiographs.pixels.shard_images import ShardImages
from semiray.radiographs.reading.options import ReadingKeywords, ReadingOptions, reading_options
from semiray.radiographs.reading.readers import list_records
from semiray.radiographs.reading.records import Record
from semiray.radiographs.store.columns import Lines, Patients, map_numbers, write_lines, write_numbers
from semiray.radiographs.store.images import (
    STORED,
    DecodedFiles,
    FileFacts,
    digest,
    read_decoded,
    read_json,
    seal,
    unseal,
    write_decoded,
)

__all__ = ["StoredSet", "check_options", "fill", "is_prepared", "open_set", "prepare_radiographs", "set_fingerprint"]

VERSION = 1
FACTS = "set.json"
_COLUMNS = ("rows.jsonl", "rows.npy", "labels.npy", "patients.npy", "names.jsonl", "names.npy", "places.npy")


@dataclass(frozen=True)
class StoredSet:
    """A set on disk, and what is known of the files that it was made of.

    Attributes:
        radiographs: the set.
        files: facts about all files, those that can't be decoded too.
        facts: what ``set.json`` says.
    """

    radiographs: RadiographSet
    files: Sequence[FileFacts]
    facts: Mapping[str, Any]


def prepare_radiographs(
    data: str | Path,
    out: str | Path,
    *,
    resolution: int,
    workers: int | None = None,
    progress: Progress | None = None,
    **options: Unpack[ReadingKeywords],
) -> RadiographSet:
    """Decode a data set once into a folder that every command and `load_radiographs` accept in its place.

    After a kill or an interruption, the same call continues where it was. The set has the fingerprint, keys and
    patients of the original, so that a run trained on one can be evaluated on the other.

    Args:
        data: a folder, a table or a folder of shards.
        out: a folder that is new or empty, or contains what an earlier call left.
        resolution: side of the images in pixels.
        workers: number of decoding threads; None for one per processor.
        progress: called with (files done, files in all).
        **options: see `load_radiographs`.

    Returns:
        The set, its pixels and columns memory-mapped.

    Raises:
        SemirayError: if nothing can be decoded, an option is invalid, `out` contains something else or can't be
            written.

    Example:
        >>> prepare_radiographs("chest_xray", "prepared", resolution=128)  # doctest: +SKIP
    """
    data, out, reading = Path(data).expanduser(), Path(out).expanduser(), reading_options(options)
    _check_out(out)
    if is_prepared(data):
        raise SemirayError(f"{data} is a prepared set already: give the data set that it was made from.")
    decoder = Decoder(list_records(data, reading), resolution, reading.framing, workers, progress)
    try:
        with hold_folder(out):
            fill(out, decoder, reading)
    except OSError as error:
        raise SemirayError(
            f"{out}: the set can't be written ({error.strerror or error}). What was decoded is kept where the disk "
            "allowed: make room or name another folder, and give the same command again."
        ) from error
    return open_set(out, resolution=resolution, framing=reading.framing).radiographs


def is_prepared(folder: Path) -> bool:
    """Whether a folder is a prepared set.

    Raises:
        SemirayError: if it is one that wasn't finished.
    """
    if not ((folder / "source.json").is_file() and (folder / "files.jsonl").is_file()):
        return False
    if not (folder / FACTS).is_file():
        raise SemirayError(
            f"{folder} is a prepared set that isn't complete: give the command `semiray data prepare` that began it "
            "again, and it goes on."
        )
    return True


def fill(folder: Path, decoder: Decoder, options: ReadingOptions, shards: Sequence[Path] = ()) -> None:
    """Make a folder the set of a listing; nothing is done where it is that set already.

    Args:
        folder: one that nobody else writes to.
        decoder: the listing, and how its pixels are made.
        options: how the listing was read, for ``check_options``.
        shards: the listing's shards, if pixels shall stay in them.

    Raises:
        SemirayError: if it is another set already, or nothing can be decoded.
        OSError: if it can't be written.
    """
    listing = decoder.listing
    _, files = decoder.identify()
    records = ((record.key, record.label, record.patient, record.metadata) for record in listing.records)
    source = digest(f"{files} {options.selection()}", records)
    for partial in folder.glob(f".*{PARTIAL}"):  # what a kill left; nobody else writes here
        partial.unlink()
    said = read_json(folder / FACTS).get("source")
    if said is not None and said != source:
        raise SemirayError(
            f"{folder} holds another prepared set (of {read_json(folder / FACTS).get('root')}, or of files, a table or "
            "options that have changed since): choose another folder, or delete it."
        )
    if said == source and _whole(folder / FACTS) and _whole(folder / "decoded.json"):
        return
    (folder / FACTS).unlink(missing_ok=True)
    if read_json(folder / "source.json").get("source") != files or not _whole(folder / "decoded.json"):
        write_decoded(
            folder,
            listing.root,
            files,
            decoder.resolution,
            decoder.decode,
            decoder.fingerprint,
            keep=not shards,
        )
    decoded = read_decoded(folder)
    readable = [record for record, file in zip(listing.records, decoded.files, strict=True) if not file.problem]
    present = {record.label for record in readable}
    classes = [name for name in listing.classes if name in present]
    _write_columns(folder, readable, classes, shards)
    facts = {
        "what": "radiographs prepared by semiray",
        "version": VERSION,
        "source": source,
        "root": str(listing.root),
        "layout": listing.layout,
        "resolution": decoder.resolution,
        "framing": decoder.framing,
        "options": options.selection(),
        "classes": classes,
        "fingerprint": set_fingerprint(decoded, readable),
        "skipped": [(file.key, file.problem) for file in decoded.files if file.problem],
        "notes": listing.notes,
        "shards": [str(path.resolve()) for path in shards],
    }
    seal(folder / FACTS, facts, _COLUMNS if shards else _COLUMNS[:-1])


def open_set(
    folder: Path, *, resolution: int | None = None, framing: str | None = None, verify: bool = False
) -> StoredSet:
    """Map a set into memory.

    Args:
        folder: where ``fill`` made it.
        resolution: the side that is asked for; None for its own.
        framing: alike.
        verify: compare checksums of all files, pixels too; else of those up to 64 MB, and the sizes of all.

    Raises:
        SemirayError: if it was prepared otherwise, by a later version, or is damaged.
    """
    version = read_json(folder / FACTS).get("version")
    if isinstance(version, int) and version > VERSION:
        raise SemirayError(f"{folder} was prepared by a later version of semiray: update, or prepare it anew.")
    try:
        facts = unseal(folder / FACTS, verify=verify)
        decoded = read_decoded(folder, verify=verify)
    except SemirayError as error:
        raise SemirayError(f"{error} Delete this folder and prepare the set anew, or restore it.") from error
    for name, asked in (("resolution", resolution), ("framing", framing)):
        if asked is not None and asked != facts[name]:
            raise SemirayError(
                f"{folder} was prepared with {name} {facts[name]}, and {asked} is asked for: give "
                f"--{name} {facts[name]}, or prepare the original data set with --{name} {asked} into another folder."
            )
    images = decoded.images
    if facts["shards"]:
        decoding = (facts["resolution"], facts["framing"])
        shards = ShardImages([Path(path) for path in facts["shards"]], map_numbers(folder / "places.npy"), *decoding)
        images = cast("npt.NDArray[np.uint8]", shards)
    patients = Patients(map_numbers(folder / "patients.npy"), Lines(folder, "names", str))
    radiographs = RadiographSet(
        images=images,
        labels=map_numbers(folder / "labels.npy"),
        classes=tuple(facts["classes"]),
        patients=cast("npt.NDArray[np.str_]", patients),
        keys=Lines(folder, "rows", lambda row: str(row[0])),
        metadata=Lines(folder, "rows", lambda row: cast("Mapping[str, str]", row[1])),
        fingerprint=facts["fingerprint"],
        skipped=tuple((key, problem) for key, problem in facts["skipped"]),
        notes=tuple(facts["notes"]),
        options=reading_options(
            {name: dict(value) if name == "classes" and value else value for name, value in facts["options"].items()}
            | {"framing": facts["framing"]}
        ),
    )
    return StoredSet(radiographs, decoded.files, facts)


def check_options(folder: Path, facts: Mapping[str, Any], options: ReadingOptions) -> None:
    """Raise if options say otherwise than those that a set was prepared with; those left open say nothing."""
    own = facts["options"]
    changed = [name for name, value in options.selection().items() if value is not None and value != own[name]]
    if changed:
        said = ", ".join(f"{name} {'left open' if own[name] is None else own[name]}" for name in changed)
        raise SemirayError(
            f"{folder}: labels, patients and classes were fixed when it was prepared ({said}). Leave these options "
            "out, or prepare the original data set with them into another folder."
        )


def set_fingerprint(decoded: DecodedFiles, records: Iterable[Record]) -> str:
    """Sha256 in hex of contents, pixel settings, labels and patients."""
    return digest(decoded.fingerprint, ((record.label, record.patient) for record in records))


def _write_columns(folder: Path, readable: list[Record], classes: list[str], shards: Sequence[Path]) -> None:
    label = {name: i for i, name in enumerate(classes)}
    names = sorted({record.patient for record in readable})
    patient = {name: i for i, name in enumerate(names)}
    write_lines(folder, "rows", ([record.key, dict(record.metadata)] for record in readable))
    write_lines(folder, "names", names)
    numbers = (label[record.label] if record.label is not None else -1 for record in readable)
    write_numbers(folder / "labels.npy", np.fromiter(numbers, np.int64))
    write_numbers(folder / "patients.npy", np.fromiter((patient[record.patient] for record in readable), np.int32))
    if shards:
        shard = {path: i for i, path in enumerate(shards)}
        places = [(shard[record.path], record.offset, record.size or 0) for record in readable]
        write_numbers(folder / "places.npy", np.array(places, np.int64).reshape(-1, 3))


def _whole(facts: Path) -> bool:
    try:
        unseal(facts, verify=True)
    except SemirayError:
        return False
    return True


def _check_out(out: Path) -> None:
    if out.exists() and not out.is_dir():
        raise SemirayError(f"{out} is a file: choose a folder for the prepared set.")
    known = {*STORED, *_COLUMNS, FACTS, LOCK}
    strangers = [path.name for path in out.iterdir() if path.name not in known] if out.is_dir() else []
    strangers = [name for name in strangers if not name.endswith(PARTIAL)]
    if strangers:
        raise SemirayError(
            f"{out} holds other files ({', '.join(sorted(strangers)[:3])}): choose a new or an empty folder."
        )

"""A set on disk: decoded images and the columns that describe them, each read when it is used.

Beside the decoded images (``decoded``) the folder contains ``rows.jsonl`` (key and metadata of each image),
``labels.npy``, ``patients.npy`` (ids) and ``patient_codes.npy``, for shards ``places.npy``, and last ``set.json``,
without which it isn't a set. Prepared sets are such folders, and so is what the cache keeps of shards.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from semiray.errors import SemirayError
from semiray.files import PARTIAL
from semiray.radiographs.dataset import RadiographSet
from semiray.radiographs.pixels.decoding import Decoder, FileFacts, digest, processors, read_bytes
from semiray.radiographs.pixels.framing import UnreadableImageError, decode_grey, frame
from semiray.radiographs.pixels.images import ImageArray
from semiray.radiographs.pixels.suspects import suspects
from semiray.radiographs.reading.keep import read_condition
from semiray.radiographs.reading.options import Framing, ReadingOptions
from semiray.radiographs.reading.records import Findings, Listing, Record
from semiray.radiographs.reading.summary import Advice, Summary
from semiray.radiographs.reading.views import column_values, propose_keep, shell_quoted
from semiray.radiographs.store.decoded import DecodedFiles, read_decoded, write_decoded
from semiray.radiographs.store.files import Lines, map_numbers, read_json, seal, unseal, write_lines, write_numbers
from semiray.radiographs.store.validity import SET_TROUBLE, check_columns, check_facts, check_places, row_cells, row_key

__all__ = ["COLUMNS", "FACTS", "DataSet", "ShardImages", "assemble", "check_options", "fill", "open_set"]

VERSION = 3
FACTS = "set.json"
COLUMNS = ("rows.jsonl", "rows.npy", "labels.npy", "patients.npy", "patient_codes.npy", "findings.npy")
_PLACES = "places.npy"  # of images that stay in their shards


class ShardImages:
    """Images (N, H, W) uint8 that stay in their shards, each decoded when it is indexed.

    Files are opened for each read and no thread is kept: forked and other processes may use it too.

    Args:
        shards: the .tar files.
        places: (N, 4) int64: per image its shard's index, its offset, its size in bytes, and 1 if it is inverted.
        resolution: side of the images.
        framing: ``crop`` or ``pad``.
    """

    dtype = np.dtype(np.uint8)
    ndim = 3

    def __init__(
        self, shards: Sequence[Path], places: npt.NDArray[np.int64], resolution: int, framing: Framing
    ) -> None:
        self._shards, self._places = shards, places
        self._resolution, self._framing = resolution, framing

    @property
    def shape(self) -> tuple[int, int, int]:
        """(N, H, W)."""
        return len(self._places), self._resolution, self._resolution

    def __len__(self) -> int:
        return len(self._places)

    def __getitem__(self, index: Any) -> npt.NDArray[np.uint8]:
        """Decode the images named by an index, as an array gives them.

        Raises:
            IndexError: as an array would.
            SemirayError: if the shard has changed since the set was opened.
        """
        first, *rest = index if isinstance(index, tuple) else (index,)
        places = self._places[first]
        images = np.empty((*places.shape[:-1], *self.shape[1:]), np.uint8)
        flat = images.reshape(-1, *self.shape[1:])
        with ThreadPoolExecutor(max(1, min(len(flat), processors())), thread_name_prefix="semiray-decode") as pool:
            for at, image in enumerate(pool.map(self._read, places.reshape(-1, 4))):
                flat[at] = image
        picked: npt.NDArray[np.uint8] = images[(*[slice(None)] * (places.ndim - 1), *rest)]
        return picked

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> npt.NDArray[Any]:
        images = self[:]
        return images if dtype is None else images.astype(dtype)

    def _read(self, place: npt.NDArray[np.int64]) -> npt.NDArray[np.uint8]:
        shard, offset, size, inverted = (int(number) for number in place)
        path = self._shards[shard]
        try:
            content = read_bytes(Record(path, path.name, None, "", {}, offset, size))
            pixels = decode_grey(content).pixels
            return frame(255 - pixels if inverted else pixels, self._resolution, self._framing)
        except UnreadableImageError as error:
            raise SemirayError(
                f"{path}: an image that could be read at first can't be read any more ({error}; byte {offset:,}). The "
                "shard has changed: start again."
            ) from error


@dataclass(frozen=True)
class DataSet:
    """A data set together with facts about its files.

    Attributes:
        radiographs: the set.
        files: facts about all files, also those that can't be decoded.
        root: the data's folder.
        resolution: side of the images in pixels.
        framing: ``crop`` or ``pad``.
    """

    radiographs: RadiographSet[ImageArray]
    files: Sequence[FileFacts]
    root: Path
    resolution: int
    framing: Framing

    @property
    def layout(self) -> str:
        """The layout that was recognised, in words."""
        return self.radiographs.summary.layout if self.radiographs.summary is not None else ""


def assemble(listing: Listing, decoded: DecodedFiles, options: ReadingOptions) -> RadiographSet[ImageArray]:
    """Join a listing to its decoded files, leaving out those that can't be decoded or are something else."""
    lost: dict[str, str] = {}
    listing = listing.without(*suspects(_noting(decoded.files, lost)))
    skipped = tuple(lost.items())
    rows = np.array([i for i, record in enumerate(listing.records) if record.key not in lost], np.int64)
    records = [listing.records[i] for i in rows]
    present = {record.label for record in records}
    names = tuple(name for name in listing.classes if name in present)
    number = {name: i for i, name in enumerate(names)}
    findings = listing.findings.take(rows)
    labels = np.array([-1 if record.label is None else number[record.label] for record in records], dtype=np.int64)
    people = [record.patient for record in records]
    if listing.hashed:  # hashes differ from machine to machine, the order of the images doesn't
        place = {patient: i for i, patient in enumerate(dict.fromkeys(people))}
        codes = np.array([place[patient] for patient in people], np.int32)
        people = [str(place[patient]) for patient in people]
    told = ((record.label, patient) for record, patient in zip(records, people, strict=True))
    fingerprint = digest(decoded.fingerprint, told)
    if findings.names:
        states = hashlib.sha256(findings.states.tobytes()).hexdigest()
        fingerprint = digest(fingerprint, (findings.names, states))
    return RadiographSet(
        images=decoded.images,
        labels=labels,
        classes=names,
        patients=np.array([record.patient for record in records], dtype=np.str_),
        keys=tuple(record.key for record in records),
        metadata=tuple(record.metadata for record in records),
        fingerprint=fingerprint,
        skipped=skipped,
        options=options,
        stored_codes=codes if listing.hashed else None,
        finding_names=findings.names,
        findings=findings.values if findings.names else np.zeros((len(records), 0), np.float32),
        summary=_summary(listing.summary, records, names, findings),
    )


_STATES = {"1": 1, "0": 0, "uncertain": -1, "blank": -2}


def _noting(files: Iterable[FileFacts], lost: dict[str, str]) -> Iterator[FileFacts]:
    """Pass facts on, and note why files can't be decoded: they are read from the disk, once."""
    for file in files:
        if file.problem and not file.left_out:
            lost[file.key] = file.problem
        yield file


def _summary(read: Summary, records: Sequence[Record], classes: Sequence[str], findings: Findings) -> Summary:
    """What was read, with the counts of the images that could be decoded."""
    labels = Counter(record.label for record in records)
    parts = Counter(record.metadata.get("split", "") for record in records)
    rows = [record.metadata for record in records]
    columns = column_values(rows)
    advice = list(read.advice)
    if keep := propose_keep(columns):
        views = "; ".join(
            f"{name}: {', '.join(columns[name])}" for name in read_condition(keep, tuple(columns)).columns
        )
        advice.insert(0, Advice(f"Views or modalities are mixed ({views}).", f"--keep {shell_quoted(keep)}"))
    return replace(
        read,
        images=len(records),
        patients=len({record.patient for record in records}),
        classes={name: labels[name] for name in classes},
        findings={
            name: {state: int((findings.states[:, j] == value).sum()) for state, value in _STATES.items()}
            for j, name in enumerate(findings.names)
        },
        parts={part: parts[part] for part in ("train", "validation", "test") if parts[part]},
        columns=columns,
        advice=tuple(advice),
    )


def fill(folder: Path, decoder: Decoder, options: ReadingOptions, shards: Sequence[Path] = ()) -> None:
    """Make a folder, that no other process writes to, the set of a listing; nothing is done where it is that already.

    With the listing's ``shards``, pixels stay in them.

    Raises:
        SemirayError: if it is another set already, or nothing can be decoded.
        OSError: if it can't be written.
    """
    listing = decoder.listing
    _, files = decoder.identify()
    records = ((record.key, record.label, record.patient, record.metadata) for record in listing.records)
    states = hashlib.sha256(listing.findings.states.tobytes()).hexdigest()
    source = digest(f"{files} {options.selection()} {listing.findings.names} {states}", records)
    for partial in folder.glob(f".*{PARTIAL}"):  # left by a kill; no other process writes here
        partial.unlink()
    former = read_json(folder / FACTS)
    if former and former.get("source") != source:
        raise SemirayError(
            f"{folder} contains another prepared set (of {former.get('root')}, or of files, a table or options that "
            "have changed since): choose another folder, or delete it."
        )
    decoded_is_whole = _is_whole(folder / "decoded.json")
    if former.get("version") == VERSION and decoded_is_whole and _is_whole(folder / FACTS):
        return
    (folder / FACTS).unlink(missing_ok=True)
    if read_json(folder / "source.json").get("source") != files or not decoded_is_whole:
        write_decoded(folder, decoder, files, keep=not shards)
    data = assemble(listing, read_decoded(folder), options)
    write_lines(folder, "rows", ([key, dict(row)] for key, row in zip(data.keys, data.metadata, strict=True)))
    write_numbers(folder / "labels.npy", data.labels)
    write_numbers(folder / "patients.npy", data.patients)
    write_numbers(folder / "patient_codes.npy", data.patient_codes.astype(np.int32))
    write_numbers(folder / "findings.npy", data.findings)
    if shards:
        shard, kept = {path: i for i, path in enumerate(shards)}, set(data.keys)
        readable = (record for record in listing.records if record.key in kept)
        places = [(shard[record.path], record.offset, record.size or 0, record.inverted) for record in readable]
        write_numbers(folder / _PLACES, np.array(places, np.int64).reshape(-1, 4))
    facts = {
        "what": "radiographs prepared by semiray",
        "version": VERSION,
        "source": source,
        "root": str(listing.root),
        "layout": listing.layout,
        "resolution": decoder.resolution,
        "framing": decoder.framing,
        "options": options.selection(),
        "classes": data.classes,
        "fingerprint": data.fingerprint,
        "skipped": data.skipped,
        "finding_names": data.finding_names,
        "summary": data.summary.to_dict() if data.summary else None,
        "shards": [str(path.resolve()) for path in shards],
    }
    seal(folder / FACTS, facts, (*COLUMNS, _PLACES) if shards else COLUMNS)


def open_set(
    folder: Path, *, resolution: int | None = None, framing: str | None = None, verify: bool = False
) -> DataSet:
    """Map a set that ``fill`` made into memory.

    A ``resolution`` and a ``framing`` that are given must be its own. With ``verify``, checksums of all files are
    compared, pixels too; otherwise those of files up to 64 MB, and all sizes.

    Raises:
        SemirayError: if it was prepared with another resolution or framing, by another version, or is damaged.
    """
    version = read_json(folder / FACTS).get("version")
    if isinstance(version, int) and version != VERSION:
        raise SemirayError(
            f"{folder} was prepared by {'a later' if version > VERSION else 'an earlier'} version of semiray: "
            "prepare the original data set again in another folder, or update semiray."
        )
    try:
        facts = unseal(folder / FACTS, verify=verify)
        check_facts(folder, facts)
        decoded = read_decoded(folder, verify=verify)
    except SemirayError as error:
        raise SemirayError(f"{error} Delete this folder and prepare the set again, or restore it.") from error
    for name, requested in (("resolution", resolution), ("framing", framing)):
        if requested is not None and requested != facts[name]:
            raise SemirayError(
                f"{folder} was prepared with {name}={facts[name]}, not {requested}: give {name}={facts[name]}, or "
                f"prepare the original data set with {name}={requested} in another folder."
            )
    images: ImageArray = decoded.images
    if facts["shards"]:
        shards = [Path(path) for path in facts["shards"]]
        places = map_numbers(folder / _PLACES, "i", 2)
        check_places(folder, places, len(shards))
        images = ShardImages(shards, places, facts["resolution"], facts["framing"])
    try:
        radiographs = RadiographSet(
            images=images,
            labels=map_numbers(folder / "labels.npy"),
            classes=tuple(facts["classes"]),
            patients=map_numbers(folder / "patients.npy"),
            keys=Lines[str](folder, "rows", row_key),
            metadata=Lines[Mapping[str, str]](folder, "rows", row_cells),
            fingerprint=facts["fingerprint"],
            skipped=tuple((key, problem) for key, problem in facts["skipped"]),
            options=ReadingOptions.from_selection(facts["options"], facts["framing"]),
            stored_codes=map_numbers(folder / "patient_codes.npy"),
            finding_names=tuple(facts["finding_names"]),
            findings=map_numbers(folder / "findings.npy"),
            summary=Summary.from_dict(facts["summary"]),
        )
        check_columns(folder, facts, radiographs)
    except SET_TROUBLE as error:
        raise SemirayError(f"{folder} isn't a set that semiray prepared, or is damaged ({error}).") from error
    return DataSet(radiographs, decoded.files, folder, facts["resolution"], facts["framing"])


def check_options(folder: Path, own: ReadingOptions, given: ReadingOptions) -> None:
    """Raise SemirayError if options differ from those that a set was prepared with; those not given don't count."""
    fixed = own.selection()
    asked = {name: value for name, value in given.selection().items() if name in given.model_fields_set}
    changed = [name for name, value in asked.items() if value is not None and value != fixed[name]]
    if changed:
        said = ", ".join(f"{name} {'not given' if fixed[name] is None else fixed[name]}" for name in changed)
        raise SemirayError(
            f"{folder}: labels, patients and classes were fixed when it was prepared ({said}). Leave these options "
            "out, or prepare the original data set with them in another folder."
        )


def _is_whole(facts: Path) -> bool:
    try:
        unseal(facts, verify=True)
    except SemirayError:
        return False
    return True

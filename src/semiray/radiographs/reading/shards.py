"""Reads WebDataset shards: .tar files of samples, each an image and what is known about it under one name.

A sample consists of all files with the same name up to the first dot: ``0001.png``, ``0001.json``, ``0001.cls``. This
is the convention of WebDataset, https://github.com/webdataset/webdataset.
"""

from __future__ import annotations

import json
import os
import tarfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import BinaryIO, cast

from semiray.errors import SemirayError
from semiray.escaping import printable
from semiray.radiographs.reading.folders import label_by_folder
from semiray.radiographs.reading.joining import Found
from semiray.radiographs.reading.tables import Table
from semiray.structured import parse_json

__all__ = ["read_shards"]

_IMAGES = (".png", ".jpg", ".jpeg")
_LABELS = (".cls", ".txt")
_LONGEST_LABEL = 10_000  # characters; a report of findings is longer than the name of a class
_LONGEST = 1 << 20  # bytes of a description; longer files are ignored


def read_shards(root: Path, shards: Sequence[Path]) -> Found:
    """Read the headers and descriptions of shards; pixels are skipped.

    Labels are those of ``.cls`` or ``.txt`` files, else of folders in the names; ``.json`` files are the table's rows.

    Raises:
        SemirayError: if two samples have the same name, or a shard can't be opened.
    """
    samples = Found(root, f"{len(shards):,} WebDataset shard{'s' * (len(shards) > 1)}", {})
    troubles: Counter[str] = Counter()
    first: dict[str, str] = {}
    for shard in shards:
        for name, files in _grouped(shard, samples.notes).items():
            images = [suffix for suffix in files if suffix in _IMAGES]
            if not images:
                _count(troubles, first, "have no .png, .jpg or .jpeg and are left out", name)
                continue
            if len(images) > 1:
                _count(troubles, first, "contain several images, of which the first is used", name)
            key, offset, size, _ = files[images[0]]
            if key in samples.paths:
                raise SemirayError(
                    f"two samples are called {key}: in {samples.paths[key].name} and {shard.name}. Names must "
                    "be unique across all shards; was a shard copied, or numbered from 0 again?"
                )
            samples.paths[key], samples.spans[key] = shard, (offset, size)
            for suffix in _LABELS:
                if text := files.get(suffix, ("", 0, 0, b""))[3].decode("utf-8", "replace").strip():
                    if len(text) > _LONGEST_LABEL:
                        _count(troubles, first, f"have a {suffix} file too long to be a label; it isn't used", name)
                    else:
                        samples.labels.setdefault(key, printable(text))
            if ".json" in files:
                row = _row(files[".json"][3])
                if row is None:
                    _count(troubles, first, "have a .json file without a JSON object; it is left out", name)
                else:
                    samples.rows[key] = dict(row)
    if not samples.paths:
        raise SemirayError(
            f"{root}: the shards contain no sample with a .png, .jpg or .jpeg. {' '.join(samples.notes)} A sample "
            "consists of all files with the same name up to the first dot, as in WebDataset."
        )
    samples.notes += [f"{count:,} samples {what}: {first[what]}." for what, count in troubles.items()]
    different = len(set(samples.labels.values()))
    if different > max(20, len(samples.labels) // 20):
        samples.notes.append(
            f".cls and .txt files contain {different:,} different texts: too many to be classes; they aren't used."
        )
        samples.labels = {}
    elif not samples.labels and not samples.rows:
        by_folder = label_by_folder(sorted(samples.paths))
        samples.labels = by_folder.labels
        samples.notes += by_folder.notes
    if samples.rows:
        columns = dict.fromkeys(name for row in samples.rows.values() for name in row)
        samples.rows = {key: {name: row.get(name, "") for name in columns} for key, row in samples.rows.items()}
        samples.joined.append((Table(root, tuple(columns), tuple(samples.rows.values())), ""))
    return samples


def _count(troubles: Counter[str], first: dict[str, str], what: str, name: str) -> None:
    troubles[what] += 1
    first.setdefault(what, name)


def _row(content: bytes) -> Mapping[str, str] | None:
    """A sample's JSON object as a row of a table: text as it is, null as an empty cell, the rest as JSON."""
    try:
        values = parse_json(content, "a sample", largest=_LONGEST)
    except SemirayError:
        return None
    if not isinstance(values, dict):
        return None
    return {
        name: value.strip() if isinstance(value, str) else "" if value is None else json.dumps(value)
        for name, value in values.items()
    }


def _grouped(shard: Path, notes: list[str]) -> dict[str, dict[str, tuple[str, int, int, bytes]]]:
    """The samples of a shard: name -> suffix -> the file's name, offset, size, and content unless it is an image."""
    samples: dict[str, dict[str, tuple[str, int, int, bytes]]] = {}
    for key, offset, size, content in _members(shard, notes):
        path = PurePosixPath(key)
        stem, dot, suffix = path.name.partition(".")
        name, suffix = (path.parent / stem).as_posix(), (dot + suffix).lower()
        files = samples.setdefault(name, {})
        if suffix in files:
            raise SemirayError(
                f"two samples are called {name}: both in {shard}. Names must be unique across all shards."
            )
        files[suffix] = (key, offset, size, content)
    return samples


class _Bounded:
    """A file that refuses to read more at once than any header or description is long."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.seek, self.tell, self.name = file.seek, file.tell, file.name

    def read(self, size: int = -1) -> bytes:
        if not 0 <= size <= 2 * _LONGEST:
            raise tarfile.ReadError("a header has an impossible size")
        return self._file.read(size)


def _members(shard: Path, notes: list[str]) -> Iterator[tuple[str, int, int, bytes]]:
    """Name, offset, size, and content if it is a description, of the files in the undamaged part of a shard."""
    try:
        with shard.open("rb") as file, tarfile.open(fileobj=cast(BinaryIO, _Bounded(file)), mode="r:") as tar:
            whole = os.fstat(file.fileno()).st_size
            while (member := tar.next()) is not None:
                tar.members = []  # type: ignore[attr-defined]  # tarfile would keep them all
                name = printable(PurePosixPath(member.name).as_posix().lstrip("/"))
                if member.issparse() or not 0 <= member.size <= whole - member.offset_data:
                    raise tarfile.ReadError(f"{name[:80]} at byte {member.offset:,} has an impossible size")
                if not member.isfile() or PurePosixPath(name).name.startswith("."):
                    continue
                described = name.lower().endswith((".json", *_LABELS)) and member.size <= _LONGEST
                opened = tar.extractfile(member) if described else None
                yield name, member.offset_data, member.size, opened.read() if opened else b""
            file.seek(tar.offset)
            end = file.read(tarfile.BLOCKSIZE)  # tarfile treats a damaged header and a missing end mark as the end
            if len(end) < tarfile.BLOCKSIZE:
                notes.append(f"{shard.name} is cut off: it has no end mark. Its contents up to there are read.")
            elif end.strip(b"\0"):
                notes.append(f"{shard.name} is damaged at byte {tar.offset:,}; what follows is left out.")
    # The last five: of tarfile, about headers that nobody wrote.
    except (tarfile.TarError, EOFError, ValueError, ArithmeticError, LookupError, MemoryError, RecursionError) as error:
        notes.append(f"{shard.name} is damaged or cut off ({error}); what follows is left out.")
    except OSError as error:
        raise SemirayError(f"{shard}: the shard can't be read ({error.strerror or error}).") from error

"""Decoded images in a folder: an .npy file and a line a file beside it, gone on with after a kill, trusted when whole.

The folder holds ``source.json`` (what it is made from), ``images.npy``, ``files.jsonl`` with ``files.npy``, and last
``decoded.json``, which says that all is there: sizes and checksums. Both the cache and prepared sets are such folders.
"""

from __future__ import annotations

import hashlib
import json
import os
import struct
import sys
import tempfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from semiray.errors import SemirayError
from semiray.files import write_whole
from semiray.radiographs.store.columns import Lines, index_lines, map_numbers

__all__ = [
    "STORED",
    "DecodedFiles",
    "FileFacts",
    "cache_folder",
    "digest",
    "read_decoded",
    "read_json",
    "seal",
    "unseal",
    "write_decoded",
]

STORED = ("source.json", "images.npy", "files.jsonl", "files.npy", "decoded.json")
_HEADER_BYTES = 128
_BATCH = 256  # files between two points from which a killed start goes on
_CHEAP = 1 << 26  # bytes of a file whose checksum is compared at every start: well below 0.1 s

Results = Iterator[tuple["FileFacts", npt.NDArray[np.uint8] | None]]


class FileFacts(NamedTuple):
    """What decoding one file told.

    Attributes:
        key: the record's key.
        content: sha256 of the file in hex; empty if it can't be read at all.
        width: pixels; 0 if it can't be decoded.
        height: pixels; 0 if it can't be decoded.
        kind: how it is stored, such as ``8-bit grey``.
        problem: why it can't be decoded; empty if it can.
    """

    key: str
    content: str
    width: int
    height: int
    kind: str
    problem: str


@dataclass(frozen=True)
class DecodedFiles:
    """Pixels of all files that can be decoded, and facts about all files; both stay on disk until they are asked for.

    Attributes:
        images: (N, H, W) uint8, memory-mapped, one for each of ``files`` without a problem, in their order; N = 0 where
            pixels aren't kept.
        files: facts, one a record of the listing, in its order.
        fingerprint: sha256 in hex of names, contents and pixel settings.
    """

    images: npt.NDArray[np.uint8]
    files: Sequence[FileFacts]
    fingerprint: str


def cache_folder() -> Path:
    """Return the folder for caches: ``$SEMIRAY_CACHE``, else ``semiray`` where the platform keeps users' caches."""
    if chosen := os.environ.get("SEMIRAY_CACHE"):
        return Path(chosen).expanduser()
    if chosen := os.environ.get("XDG_CACHE_HOME"):
        return Path(chosen) / "semiray"
    try:
        if sys.platform == "win32":
            return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "semiray" / "cache"
        return Path.home() / ("Library/Caches" if sys.platform == "darwin" else ".cache") / "semiray"
    except RuntimeError:  # No home folder, as in some containers.
        return Path(tempfile.gettempdir()) / "semiray"


def digest(first: str, items: Iterable[object]) -> str:
    """Return the sha256 in hex of a text and of items' representations."""
    hashed = hashlib.sha256(first.encode())
    for item in items:
        hashed.update(repr(item).encode("utf-8", "surrogatepass") + b"\n")
    return hashed.hexdigest()


def write_decoded(
    folder: Path,
    root: Path,
    source: str,
    resolution: int,
    decode: Callable[[int], Results],
    fingerprint: Callable[[Iterable[FileFacts]], str],
    *,
    keep: bool = True,
) -> None:
    """Stream images and facts about their files into a folder, from where a killed start left it.

    Args:
        folder: where; other files in it are left alone.
        root: the data's folder, for messages.
        source: what is decoded. What the folder holds of another source is thrown away.
        resolution: side of the images.
        decode: gives facts and pixels (None if the file can't be decoded) of all files from a number on.
        fingerprint: made of the facts about all files.
        keep: whether pixels are kept; else facts alone are.

    Raises:
        SemirayError: if no image can be decoded; then nothing is left behind.
        OSError: if the disk is full or the folder can't be written to.
    """
    if read_json(folder / "source.json").get("source") != source or (folder / "decoded.json").exists():
        _clear(folder)
        write_whole(folder / "source.json", json.dumps({"source": source}))
    shape = (resolution, resolution)
    done, count = _restore(folder, shape, keep)
    results = decode(done)
    # Written, not mapped: a full disk under a map kills the process, under a write it is an error that can be told.
    with (folder / "images.npy").open("r+b") as pixels, (folder / "files.jsonl").open("ab") as lines:
        pixels.seek(0, os.SEEK_END)
        while batch := list(islice(results, _BATCH)):
            images = [image for _, image in batch if image is not None]
            count += len(images)
            if keep:
                pixels.write(b"".join(image.tobytes() for image in images))
                pixels.flush()
                os.fsync(pixels.fileno())  # A line vouches for its pixels.
            lines.write(b"".join(json.dumps(facts).encode() + b"\n" for facts, _ in batch))
            lines.flush()
        os.fsync(lines.fileno())
        pixels.seek(0)
        pixels.write(_header((count if keep else 0, *shape)))
        pixels.flush()
        os.fsync(pixels.fileno())
    index_lines(folder, "files")
    files = _map_files(folder)
    if not count:
        problems = "; ".join(f"{facts.key}: {facts.problem}" for facts in files[:5])
        read = f"{root}: none of {len(files):,} images can be read. {problems}{'; ...' if len(files) > 5 else '.'}"
        _clear(folder)
        raise SemirayError(read)
    facts = {"fingerprint": fingerprint(files), "readable": count}
    seal(folder / "decoded.json", facts, ("images.npy", "files.jsonl", "files.npy"))


def read_decoded(folder: Path, *, verify: bool = False) -> DecodedFiles:
    """Map what ``write_decoded`` wrote.

    Raises:
        SemirayError: if it isn't there or isn't whole; see ``unseal``.
    """
    facts = unseal(folder / "decoded.json", verify=verify)
    return DecodedFiles(map_numbers(folder / "images.npy"), _map_files(folder), str(facts["fingerprint"]))


def seal(path: Path, facts: Mapping[str, object], names: Sequence[str]) -> None:
    """Write facts in one step, with sizes and checksums of files beside: whoever finds them finds these whole."""
    sums = {name: ((path.parent / name).stat().st_size, _checksum(path.parent / name)) for name in names}
    content = {**facts, "files": sums}
    write_whole(path, json.dumps({**content, "sealed": digest(json.dumps(content), ())}))


def unseal(path: Path, *, verify: bool = False) -> dict[str, Any]:
    """Read facts, and check that the files beside are whole: all sizes, and checksums of files up to 64 MB.

    Args:
        path: the facts.
        verify: compare the checksums of larger files too.

    Raises:
        SemirayError: if a file is missing or isn't what it was.
    """
    facts = read_json(path)
    damaged = path.name
    try:
        if facts.pop("sealed") != digest(json.dumps(facts), ()):
            raise ValueError
        for name, (size, checksum) in facts["files"].items():
            damaged, file = name, path.parent / name
            if file.stat().st_size != size or ((verify or size <= _CHEAP) and _checksum(file) != checksum):
                raise ValueError
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise SemirayError(f"{path.parent}: {damaged} is missing or damaged.") from error
    return facts


def read_json(path: Path) -> dict[str, Any]:
    """Return the JSON object in a file, or an empty one if the file is missing or broken."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _map_files(folder: Path) -> Lines[FileFacts]:
    return Lines(folder, "files", lambda facts: FileFacts(*facts))


def _clear(folder: Path) -> None:
    for name in reversed(STORED):
        (folder / name).unlink(missing_ok=True)


def _restore(folder: Path, shape: tuple[int, int], keep: bool) -> tuple[int, int]:
    """Cut the files of a folder back to what they agree on; the number of files and of images that are there."""
    images, files = folder / "images.npy", folder / "files.jsonl"
    images.touch()
    files.touch()
    there = max(0, images.stat().st_size - _HEADER_BYTES) // (shape[0] * shape[1])
    done = count = end = 0
    with files.open("r+b") as lines:
        for line in lines:
            try:
                readable = not FileFacts(*json.loads(line)).problem
            except (ValueError, TypeError):  # Cut off in the middle.
                break
            if keep and count + readable > there:
                break
            done, count, end = done + 1, count + readable, end + len(line)
        lines.truncate(end)
    with images.open("r+b") as pixels:
        pixels.write(_header((0, *shape)))
        pixels.truncate(_HEADER_BYTES + (count * shape[0] * shape[1] if keep else 0))
    return done, count


def _header(shape: tuple[int, int, int]) -> bytes:
    """Header of an .npy file, version 1.0, of fixed length, so that it can be written again with the final count."""
    text = f"{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}"
    return (
        b"\x93NUMPY\x01\x00" + struct.pack("<H", _HEADER_BYTES - 10) + text.ljust(_HEADER_BYTES - 11).encode() + b"\n"
    )


def _checksum(path: Path) -> int:
    checksum = 0
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            checksum = zlib.crc32(chunk, checksum)
    return checksum

"""Decoded files on disk: an .npy file and its facts, written in one step, trusted only when whole."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import struct
import sys
import tempfile
import time
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from semiray.errors import SemirayError

__all__ = [
    "DecodedFiles",
    "FileFacts",
    "cache_folder",
    "digest",
    "read_array",
    "read_json",
    "write_array",
    "write_json",
]

_HEADER_BYTES = 128


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
    """Pixels of all files that can be decoded, and facts about all files.

    Attributes:
        images: (N, H, W) uint8, memory-mapped, one for each of ``files`` without a problem, in their order.
        files: facts, one a record of the listing, in its order.
        fingerprint: sha256 in hex of names, contents and pixel settings.
    """

    images: npt.NDArray[np.uint8]
    files: tuple[FileFacts, ...]
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


def write_array(
    folder: Path,
    resolution: int,
    results: Iterable[tuple[FileFacts, npt.NDArray[np.uint8] | None]],
    identify: Callable[[Sequence[str]], tuple[str, str]],
    source: Path,
) -> str:
    """Stream images into an .npy file, then their facts into a .json beside it.

    Args:
        folder: where.
        resolution: side of the images.
        results: facts and pixels (None if the file can't be decoded) in order.
        identify: gives the files' stem and the fingerprint for the contents of all files.
        source: the data's folder, for messages.

    Returns:
        The stem.

    Raises:
        SemirayError: if no image can be decoded; then nothing is left behind.
        OSError: if the disk is full or the folder can't be written to.
    """
    _sweep(folder)
    handle, temporary = tempfile.mkstemp(dir=folder, prefix="part-", suffix=".tmp")
    files: list[FileFacts] = []
    count = checksum = 0
    try:
        # Written, not mapped: a full disk under a map kills the process, under a write it is an error that can be told.
        with os.fdopen(handle, "wb") as file:
            file.write(_header((0, resolution, resolution)))
            for facts, image in results:
                files.append(facts)
                if image is not None:
                    raw = image.tobytes()
                    file.write(raw)
                    checksum = zlib.crc32(raw, checksum)
                    count += 1
            file.seek(0)
            file.write(_header((count, resolution, resolution)))
            file.flush()
            os.fsync(file.fileno())
        if not count:
            problems = "; ".join(f"{facts.key}: {facts.problem}" for facts in files[:5])
            more = "; ..." if len(files) > 5 else "."
            raise SemirayError(f"{source}: none of {len(files):,} images can be read. {problems}{more}")
        stem, fingerprint = identify([facts.content for facts in files])
        Path(temporary).replace(folder / f"{stem}.npy")
    finally:
        with contextlib.suppress(FileNotFoundError):
            Path(temporary).unlink()
    write_json(folder / f"{stem}.json", {"fingerprint": fingerprint, "checksum": checksum, "files": files})
    return stem


def read_array(folder: Path, stem: str, keys: Sequence[str]) -> DecodedFiles | None:
    """Map an array into memory if it is there, whole, and of the files with these keys; else None."""
    facts = read_json(folder / f"{stem}.json")
    try:
        files = tuple(
            FileFacts(str(key), str(content), int(width), int(height), str(kind), str(problem))
            for key, content, width, height, kind, problem in facts["files"]
        )
        images = np.load(folder / f"{stem}.npy", mmap_mode="r", allow_pickle=False)
        expected = sum(not file.problem for file in files)
        whole = images.dtype == np.uint8 and images.ndim == 3 and len(images) == expected > 0
        if not whole or [file.key for file in files] != list(keys) or _checksum(images) != facts["checksum"]:
            return None
        return DecodedFiles(images, files, str(facts["fingerprint"]))
    except (OSError, ValueError, TypeError, KeyError, EOFError):
        return None


def _header(shape: tuple[int, int, int]) -> bytes:
    """Header of an .npy file, version 1.0, of fixed length, so that it can be written again with the final count."""
    text = f"{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}"
    return (
        b"\x93NUMPY\x01\x00" + struct.pack("<H", _HEADER_BYTES - 10) + text.ljust(_HEADER_BYTES - 11).encode() + b"\n"
    )


def _checksum(images: npt.NDArray[np.uint8]) -> int:
    flat, checksum = images.reshape(-1), 0
    for first in range(0, flat.size, 1 << 24):
        checksum = zlib.crc32(flat[first : first + (1 << 24)].data, checksum)
    return checksum


def read_json(path: Path) -> dict[str, Any]:
    """Return the JSON object in a file, or an empty one if the file is missing or broken."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def write_json(path: Path, content: Mapping[str, object]) -> None:
    """Write a JSON object in one step."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix="part-", suffix=".tmp")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(content, file)
        Path(temporary).replace(path)
    finally:
        with contextlib.suppress(FileNotFoundError):
            Path(temporary).unlink()


def _sweep(folder: Path) -> None:
    """Remove what starts that were killed more than a day ago left half written."""
    for path in folder.glob("part-*.tmp"):
        with contextlib.suppress(OSError):
            if time.time() - path.stat().st_mtime > 86400:
                path.unlink()

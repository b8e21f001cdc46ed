"""Decodes a data set once, in parallel, into an array on disk, so that the second start reads nothing else."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import stat
import struct
import sys
import tempfile
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from semiray.errors import SemirayError
from semiray.radiographs.dataset import RadiographSet
from semiray.radiographs.pixels import Framing, UnreadableImageError, decode_grey, frame
from semiray.radiographs.readers import read_records
from semiray.radiographs.records import Listing, Record

__all__ = ["DecodedFiles", "FileFacts", "cache_folder", "decode_listing", "load_radiographs"]

# Raise when the same file and settings give other pixels than before, or the files of the cache another shape.
_VERSION = 1
_HEADER_BYTES = 128
_BATCH = 512

Progress = Callable[[int, int], None]
R = TypeVar("R")


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


def load_radiographs(
    data: Path,
    *,
    resolution: int,
    framing: Framing = "crop",
    cache: Path | None = None,
    workers: int | None = None,
    progress: Progress | None = None,
    label_from: str | None = None,
    patient_from: str | None = None,
    classes: Mapping[str, str] | Sequence[str] | None = None,
    label_column: str | None = None,
    patient_column: str | None = None,
    path_column: str | None = None,
) -> RadiographSet:
    r"""Read a data set as squares of grey, decoding it once and mapping the result into memory ever after.

    Args:
        data: a folder or a table; see ``read_records``, whose options these are from ``label_from`` on.
        resolution: side of the images in pixels.
        framing: ``crop`` cuts the longer side at the centre, ``pad`` fills the shorter side with black.
        cache: folder of the cache; None for ``cache_folder()``.
        workers: threads that decode; None for the processors there are.
        progress: called with (files done, files in all) while files are read.
        label_from: see ``read_records``.
        patient_from: see ``read_records``.
        classes: see ``read_records``.
        label_column: see ``read_records``.
        patient_column: see ``read_records``.
        path_column: see ``read_records``.

    Returns:
        The set; files that can't be decoded are in its ``skipped``.

    Raises:
        SemirayError: if nothing can be decoded, an option is invalid, or the cache can't be written.

    Example:
        >>> xrays = load_radiographs(Path("COVID-19_Radiography_Dataset"), resolution=64)  # doctest: +SKIP
    """
    listing = read_records(
        data,
        label_from=label_from,
        patient_from=patient_from,
        classes=classes,
        label_column=label_column,
        patient_column=patient_column,
        path_column=path_column,
    )
    decoded = decode_listing(
        listing, resolution=resolution, framing=framing, cache=cache, workers=workers, progress=progress
    )
    records = [record for record, file in zip(listing.records, decoded.files, strict=True) if not file.problem]
    present = {record.label for record in records}
    names = tuple(name for name in listing.classes if name in present)
    number = {name: i for i, name in enumerate(names)}
    digest = hashlib.sha256(decoded.fingerprint.encode())
    for record in records:
        digest.update(repr((record.label, record.patient)).encode("utf-8", "surrogatepass"))
    return RadiographSet(
        images=decoded.images,
        labels=np.array([-1 if record.label is None else number[record.label] for record in records], dtype=np.int64),
        classes=names,
        patients=np.array([record.patient for record in records], dtype=np.str_),
        keys=tuple(record.key for record in records),
        metadata=tuple(record.metadata for record in records),
        fingerprint=digest.hexdigest(),
        skipped=tuple((file.key, file.problem) for file in decoded.files if file.problem),
    )


def decode_listing(
    listing: Listing,
    *,
    resolution: int,
    framing: Framing = "crop",
    cache: Path | None = None,
    workers: int | None = None,
    progress: Progress | None = None,
) -> DecodedFiles:
    """Decode the files of a listing, or map what an earlier start decoded.

    The cache knows a listing by its files' names, sizes and times: if they are as before, no image file is opened. If
    only times or the place changed (a copy), contents are compared before anything is decoded anew. An array that isn't
    whole any more (its checksum tells) is built again. Files of the cache are replaced in one step, so that an
    interrupted start leaves nothing half done.

    Args:
        listing: what to decode.
        resolution: side of the images in pixels.
        framing: ``crop`` or ``pad``.
        cache: folder of the cache; None for ``cache_folder()``.
        workers: threads that decode; None for the processors there are.
        progress: called with (files done, files in all).

    Raises:
        SemirayError: if nothing can be decoded or the cache can't be written.
    """
    if resolution < 1 or framing not in ("crop", "pad"):
        raise SemirayError(f"resolution must be at least 1 and framing crop or pad, not {resolution} and {framing!r}.")
    folder = Path(cache) if cache is not None else cache_folder()
    records = listing.records
    stats = [_stat(record.path) for record in records]
    settings = f"{_VERSION} {resolution} {framing}"
    names = _digest(settings, ((record.key, size) for record, (size, *_) in zip(records, stats, strict=True)))
    start = _digest(names, [(str(listing.root.resolve()), stats)])
    pointer = folder / f"start-{start[:40]}.json"
    try:
        if decoded := _load(folder, _read_json(pointer).get("array"), records):
            return decoded
        folder.mkdir(parents=True, exist_ok=True)
        threads = max(1, workers if workers is not None else _processors())
        with ThreadPoolExecutor(threads, thread_name_prefix="semiray-decode") as pool:
            stem, decoded = None, None
            known = any(folder.glob(f"{names[:20]}-*.json"))
            if known:
                hashes = _in_order(pool, lambda record: _hash(record.path), records, progress)
                stem = f"{names[:20]}-{_fingerprint(settings, records, list(hashes))[:40]}"
                decoded = _load(folder, stem, records)
            if decoded is None:
                results = _in_order(pool, lambda record: _decode(record, resolution, framing), records, progress)
                stem = _write(folder, names, settings, records, results, resolution)
                decoded = _load(folder, stem, records)
        if decoded is None:
            raise SemirayError(
                f"{folder / f'{stem}.npy'}: what was just written can't be read back. Is the disk sound?"
            )
        _write_json(pointer, {"array": stem})
    except OSError as error:
        raise SemirayError(
            f"{folder}: the cache can't be written ({error.strerror or error}). "
            "Name another folder with the cache option or the environment variable SEMIRAY_CACHE."
        ) from error
    return decoded


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _stat(path: Path) -> tuple[int, int, int]:
    """Size, time of change of content, time of change of anything (tools that copy can keep the former)."""
    try:
        status = path.stat()
    except OSError:
        return (-1, 0, 0)
    # Opening a pipe that is called x.png would wait for ever.
    return (status.st_size if stat.S_ISREG(status.st_mode) else -1, status.st_mtime_ns, status.st_ctime_ns)


def _digest(first: str, items: Iterable[object]) -> str:
    digest = hashlib.sha256(first.encode())
    for item in items:
        digest.update(repr(item).encode("utf-8", "surrogatepass") + b"\n")
    return digest.hexdigest()


def _fingerprint(settings: str, records: Sequence[Record], contents: Sequence[str]) -> str:
    return _digest(settings, zip((record.key for record in records), contents, strict=True))


def _read(path: Path) -> bytes:
    if _stat(path)[0] < 0:
        raise UnreadableImageError("a broken link" if path.is_symlink() else "not a regular file, or gone")
    try:
        return path.read_bytes()
    except OSError as error:
        raise UnreadableImageError(f"can't be opened: {error.strerror or error}") from error


def _hash(path: Path) -> str:
    try:
        return hashlib.sha256(_read(path)).hexdigest()
    except UnreadableImageError:
        return ""


def _decode(record: Record, resolution: int, framing: Framing) -> tuple[FileFacts, npt.NDArray[np.uint8] | None]:
    content = ""
    try:
        raw = _read(record.path)
        content = hashlib.sha256(raw).hexdigest()
        grey = decode_grey(raw)
    except UnreadableImageError as problem:
        return FileFacts(record.key, content, 0, 0, "", str(problem)), None
    return FileFacts(record.key, content, grey.width, grey.height, grey.kind, ""), frame(
        grey.pixels, resolution, framing
    )


def _in_order(
    pool: ThreadPoolExecutor, work: Callable[[Record], R], records: Sequence[Record], progress: Progress | None
) -> Iterator[R]:
    """Map in threads (decoders release the lock), in order, holding no more than a batch of results in memory."""
    done = 0
    for first in range(0, len(records), _BATCH):
        futures = [pool.submit(work, record) for record in records[first : first + _BATCH]]
        try:
            for future in futures:
                yield future.result()
                done += 1
                if progress is not None:
                    progress(done, len(records))
        finally:
            for future in futures:
                future.cancel()


def _write(
    folder: Path,
    names: str,
    settings: str,
    records: Sequence[Record],
    results: Iterator[tuple[FileFacts, npt.NDArray[np.uint8] | None]],
    resolution: int,
) -> str:
    """Stream images into an .npy file, then its facts into a .json beside it; return their stem."""
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
            raise SemirayError(
                f"None of {len(files):,} images can be read. {problems}{'; ...' if len(files) > 5 else ''}."
            )
        stem = f"{names[:20]}-{_fingerprint(settings, records, [facts.content for facts in files])[:40]}"
        Path(temporary).replace(folder / f"{stem}.npy")
    finally:
        with contextlib.suppress(FileNotFoundError):
            Path(temporary).unlink()
    fingerprint = _fingerprint(settings, records, [facts.content for facts in files])
    _write_json(folder / f"{stem}.json", {"fingerprint": fingerprint, "checksum": checksum, "files": files})
    return stem


def _header(shape: tuple[int, int, int]) -> bytes:
    """Header of an .npy file, version 1.0, of fixed length, so that it can be written again with the final count."""
    text = f"{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}"
    return (
        b"\x93NUMPY\x01\x00" + struct.pack("<H", _HEADER_BYTES - 10) + text.ljust(_HEADER_BYTES - 11).encode() + b"\n"
    )


def _load(folder: Path, stem: object, records: Sequence[Record]) -> DecodedFiles | None:
    """Map an array of the cache if it is whole and belongs to the records."""
    if not isinstance(stem, str):
        return None
    facts = _read_json(folder / f"{stem}.json")
    try:
        files = tuple(
            FileFacts(str(key), str(content), int(width), int(height), str(kind), str(problem))
            for key, content, width, height, kind, problem in facts["files"]
        )
        images = np.load(folder / f"{stem}.npy", mmap_mode="r", allow_pickle=False)
        expected = sum(not file.problem for file in files)
        whole = images.dtype == np.uint8 and images.ndim == 3 and len(images) == expected > 0
        whole = whole and [file.key for file in files] == [record.key for record in records]
        if not whole or _checksum(images) != facts["checksum"]:
            return None
        return DecodedFiles(images, files, str(facts["fingerprint"]))
    except (OSError, ValueError, TypeError, KeyError, EOFError):
        return None


def _checksum(images: npt.NDArray[np.uint8]) -> int:
    flat, checksum = images.reshape(-1), 0
    for first in range(0, flat.size, 1 << 24):
        checksum = zlib.crc32(flat[first : first + (1 << 24)].data, checksum)
    return checksum


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _write_json(path: Path, content: Mapping[str, object]) -> None:
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

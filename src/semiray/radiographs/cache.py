"""Decodes a data set once, in parallel, into an array on disk, so that the second start reads nothing else."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from semiray.errors import SemirayError
from semiray.radiographs.dataset import RadiographSet
from semiray.radiographs.pixels import Framing, UnreadableImageError, decode_grey, frame
from semiray.radiographs.readers import read_records
from semiray.radiographs.records import Listing, Record
from semiray.radiographs.store import (
    DecodedFiles,
    FileFacts,
    cache_folder,
    digest,
    read_array,
    read_json,
    write_array,
    write_json,
)

__all__ = ["Progress", "assemble", "decode_listing", "load_radiographs"]

# Raise when the same file and settings give other pixels than before, or the files of the cache another shape.
_VERSION = 1
_BATCH = 512

Progress = Callable[[int, int], None]
R = TypeVar("R")


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
    return assemble(listing, decoded)


def assemble(listing: Listing, decoded: DecodedFiles) -> RadiographSet:
    """Join a listing to its decoded files, leaving out those that can't be decoded."""
    records = [record for record, file in zip(listing.records, decoded.files, strict=True) if not file.problem]
    present = {record.label for record in records}
    names = tuple(name for name in listing.classes if name in present)
    number = {name: i for i, name in enumerate(names)}
    return RadiographSet(
        images=decoded.images,
        labels=np.array([-1 if record.label is None else number[record.label] for record in records], dtype=np.int64),
        classes=names,
        patients=np.array([record.patient for record in records], dtype=np.str_),
        keys=tuple(record.key for record in records),
        metadata=tuple(record.metadata for record in records),
        fingerprint=digest(decoded.fingerprint, ((record.label, record.patient) for record in records)),
        skipped=tuple((file.key, file.problem) for file in decoded.files if file.problem),
        notes=listing.notes,
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
    keys = [record.key for record in records]
    names = digest(settings, ((key, size) for key, (size, _, _) in zip(keys, stats, strict=True)))
    pointer = folder / f"start-{digest(names, [(str(listing.root.resolve()), stats)])[:40]}.json"

    def identify(contents: Sequence[str]) -> tuple[str, str]:
        fingerprint = digest(settings, zip(keys, contents, strict=True))
        return f"{names[:20]}-{fingerprint[:40]}", fingerprint

    if decoded := read_array(folder, str(read_json(pointer).get("array")), keys):
        return decoded
    try:
        folder.mkdir(parents=True, exist_ok=True)
        threads = max(1, workers if workers is not None else _processors())
        with ThreadPoolExecutor(threads, thread_name_prefix="semiray-decode") as pool:
            if any(folder.glob(f"{names[:20]}-*.json")):
                stem, _ = identify(list(_in_order(pool, lambda record: _hash(record.path), records, progress)))
                decoded = read_array(folder, stem, keys)
            if decoded is None:
                results = _in_order(pool, lambda record: _decode(record, resolution, framing), records, progress)
                stem = write_array(folder, resolution, results, identify, listing.root)
                decoded = read_array(folder, stem, keys)
        if decoded is None:
            raise SemirayError(f"{folder}: what was just written can't be read back. Is the disk sound?")
        # A file that is there but couldn't be opened may open next time: only contents that were seen are vouched for.
        if all(file.content or size < 0 for file, (size, _, _) in zip(decoded.files, stats, strict=True)):
            write_json(pointer, {"array": stem})
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

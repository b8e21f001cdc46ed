"""Decoded images in a folder: an .npy file and one line per file, resumed after a kill, trusted only when whole.

The folder contains ``source.json`` (what it is made from), ``images.npy``, ``files.jsonl`` with ``files.npy``, and last
``decoded.json``, which says that everything is there: sizes and checksums. The arrays of the cache, prepared sets and
the cached places of shards are all such folders.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from io import BytesIO
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from filelock import FileLock

from semiray.errors import SemirayError
from semiray.files import user_path, write_whole
from semiray.radiographs.pixels.decoding import VERSION, Decoder, FileFacts
from semiray.radiographs.pixels.framing import unframe
from semiray.radiographs.pixels.suspects import attitudes
from semiray.radiographs.reading.options import Framing
from semiray.radiographs.store.files import Lines, index_lines, map_numbers, read_json, seal, unseal
from semiray.structured import parse_json

__all__ = ["STORED", "DecodedFiles", "cache_folder", "cached_folder", "decode_cached", "read_decoded", "write_decoded"]

STORED = ("source.json", "images.npy", "files.jsonl", "files.npy", "decoded.json")
Result = tuple[FileFacts, npt.NDArray[np.uint8] | None]
_HEADER_BYTES = 128
_BATCH = 256  # files between two points from which an interrupted start continues
_SWEPT = 7 * 86400  # seconds after which what a killed start left is removed


@dataclass(frozen=True)
class DecodedFiles:
    """Pixels of all files that can be decoded, and facts about all files; both are read from disk when used.

    Attributes:
        images: (N, H, W) uint8, memory-mapped, one for each of ``files`` without a problem, in their order; N = 0 where
            pixels aren't kept.
        files: facts, one per record of the listing, in its order.
        fingerprint: sha256 in hex of names, contents and pixel settings.
    """

    images: npt.NDArray[np.uint8]
    files: Sequence[FileFacts]
    fingerprint: str


def write_decoded(folder: Path, decoder: Decoder, source: str, *, keep: bool = True, batch: int = _BATCH) -> None:
    """Stream images and facts about their files into a folder, from where an interrupted call left it.

    What the folder contains of another ``source``, the second digest of ``decoder.identify()``, is deleted; other files
    are left alone. Pixels are kept unless ``keep`` is false; an interrupted call continues after a ``batch`` of files.

    Raises:
        SemirayError: if no image can be decoded; then nothing is left behind.
        OSError: if the disk is full or the folder can't be written to.
    """
    if read_json(folder / "source.json").get("source") != source or (folder / "decoded.json").exists():
        _clear(folder)
        write_whole(folder / "source.json", json.dumps({"source": source}))
    shape = (decoder.resolution, decoder.resolution)
    done, count = _restore(folder, shape, keep)
    results = decoder.decode(done)
    # Written, not mapped: a full disk under a memory map kills the process; under a write it is an error.
    with (folder / "images.npy").open("r+b") as pixels, (folder / "files.jsonl").open("ab") as lines:
        pixels.seek(0, os.SEEK_END)
        while part := _looked_at(islice(results, batch), decoder.framing):
            images = [image for _, image in part if image is not None]
            count += len(images)
            if keep:
                pixels.write(b"".join(image.tobytes() for image in images))
                pixels.flush()
                os.fsync(pixels.fileno())  # A line is written only when its pixels are on the disk.
            lines.write(b"".join(json.dumps(facts).encode() + b"\n" for facts, _ in part))
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
        more = "; ..." if len(files) > 5 else "."
        _clear(folder)
        raise SemirayError(f"{decoder.listing.root}: no image can be read. {problems}{more}")
    facts = {"fingerprint": decoder.fingerprint(files), "readable": count, "version": VERSION}
    seal(folder / "decoded.json", facts, ("images.npy", "files.jsonl", "files.npy"))


def _looked_at(part: Iterable[Result], framing: Framing) -> list[Result]:
    """Add to the facts about images which of them are inverted or rotated: many at once are faster than one by one."""
    results = list(part)
    shown = [
        (i, unframe(image, facts.height, facts.width, framing))
        for i, (facts, image) in enumerate(results)
        if image is not None and not facts.looks
    ]
    for (i, _), looks in zip(shown, attitudes([image for _, image in shown]), strict=True):
        if looks:
            facts, image = results[i]
            results[i] = facts._replace(looks=looks), image
    return results


def read_decoded(folder: Path, *, verify: bool = False) -> DecodedFiles:
    """Map what ``write_decoded`` wrote.

    Raises:
        SemirayError: if it isn't there, isn't whole (see ``unseal``), or another version decoded files in another way.
    """
    facts = unseal(folder / "decoded.json", verify=verify)
    if facts.get("version") != VERSION:
        raise SemirayError(
            f"{folder}: its images were decoded by another version of semiray, which reads some files differently."
        )
    return DecodedFiles(map_numbers(folder / "images.npy"), _map_files(folder), str(facts.get("fingerprint")))


def cache_folder() -> Path:
    """Return the folder for caches: ``$SEMIRAY_CACHE``, else ``semiray`` in the platform's folder for users' caches."""
    if chosen := os.environ.get("SEMIRAY_CACHE"):
        return user_path(chosen)
    if chosen := os.environ.get("XDG_CACHE_HOME"):
        return Path(chosen) / "semiray"
    try:
        if sys.platform == "win32":
            return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "semiray" / "cache"
        return Path.home() / ("Library/Caches" if sys.platform == "darwin" else ".cache") / "semiray"
    except RuntimeError:  # No home folder, as in some containers.
        return Path(tempfile.gettempdir()) / "semiray"


def decode_cached(decoder: Decoder, folder: Path, *, batch: int = _BATCH) -> DecodedFiles:
    """Decode the files of a listing, or map what an earlier start decoded.

    The cache identifies a listing by its files' names, sizes and times: if these are unchanged, no image file is
    opened. If only times or the place changed (a copy), contents are compared before anything is decoded again. A
    damaged array is built again. An interrupted start leaves nothing that looks complete; the next one continues it,
    and a second process that needs the same array waits for the first.

    Raises:
        SemirayError: if nothing can be decoded or the cache can't be written.
    """
    names, source = decoder.identify()
    pointer = folder / f"start-{source[:40]}.json"
    if decoded := _read(folder, str(read_json(pointer).get("array"))):
        return decoded
    with cached_folder(folder, f"part-{source[:40]}") as part:
        if decoded := _read(folder, str(read_json(pointer).get("array"))):
            return decoded
        stem = ""
        if any(folder.glob(f"{names[:20]}-*")):
            stem = f"{names[:20]}-{decoder.fingerprint(decoder.hash())[:40]}"
            decoded = _read(folder, stem)
        if decoded is None:
            part.mkdir(exist_ok=True)
            write_decoded(part, decoder, source, batch=batch)
            # Not mapped before it is moved: Windows moves no file that is in use.
            stem = f"{names[:20]}-{str(read_json(part / 'decoded.json').get('fingerprint'))[:40]}"
            shutil.rmtree(folder / stem, ignore_errors=True)  # damaged, or it would have been read
            part.rename(folder / stem)
            decoded = read_decoded(folder / stem)
        # A file that is there but couldn't be opened may open next time: the next start looks again.
        if all(file.content or not file.problem.startswith("can't be opened") for file in decoded.files):
            write_whole(pointer, json.dumps({"array": stem}))
    return decoded


@contextmanager
def cached_folder(cache: Path, name: str) -> Iterator[Path]:
    """Lock a folder of the cache against other processes; the cache itself is made here.

    Raises:
        SemirayError: if the cache can't be written.
    """
    try:
        cache.mkdir(parents=True, exist_ok=True)
        _sweep(cache)
        with FileLock(cache / f"{name}.lock"):
            yield cache / name
    except OSError as error:
        raise SemirayError(
            f"{cache}: the cache can't be written ({error.strerror or error}). "
            "Choose another folder with cache= or the environment variable SEMIRAY_CACHE."
        ) from error


def _read(folder: Path, stem: str) -> DecodedFiles | None:
    try:
        return read_decoded(folder / stem)
    except SemirayError:
        return None


def _sweep(folder: Path) -> None:
    """Remove what killed starts left half written and nobody continued."""
    for path in folder.glob("part-*"):
        with suppress(OSError):
            if time.time() - path.stat().st_mtime > _SWEPT:
                shutil.rmtree(path) if path.is_dir() else path.unlink()


def _map_files(folder: Path) -> Lines[FileFacts]:
    return Lines(folder, "files", _file_facts)


def _file_facts(row: Any) -> FileFacts:
    """The facts in a line; TypeError unless they are some."""
    facts = FileFacts(*row)
    sides = (facts.width, facts.height)
    if not all(type(side) is int and 0 <= side < 2**31 for side in sides):
        raise TypeError(sides)
    if not all(isinstance(part, str) for part in facts if part not in sides):
        raise TypeError(facts)
    return facts


def _clear(folder: Path) -> None:
    for name in reversed(STORED):
        (folder / name).unlink(missing_ok=True)


def _restore(folder: Path, shape: tuple[int, int], keep: bool) -> tuple[int, int]:
    """Cut the files of a folder back to what they agree on; return how many files and images are there."""
    images, files = folder / "images.npy", folder / "files.jsonl"
    images.touch()
    files.touch()
    there = max(0, images.stat().st_size - _HEADER_BYTES) // (shape[0] * shape[1])
    done = count = end = 0
    with files.open("r+b") as lines:
        for line in lines:
            try:
                readable = not _file_facts(parse_json(line, files.name, halves=True)).problem
            except (SemirayError, ValueError, TypeError):  # Cut off in the middle.
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
    """Header of an .npy file, of fixed length, so that the final count can be written over the first."""
    header = BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "|u1", "fortran_order": False, "shape": shape})
    return header.getvalue()

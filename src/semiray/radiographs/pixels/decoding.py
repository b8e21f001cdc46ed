"""Decodes the files of a listing in parallel threads, and identifies a listing without opening its files."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from semiray.errors import SemirayError
from semiray.radiographs.pixels.facts import FileFacts
from semiray.radiographs.pixels.framing import UnreadableImageError, decode_grey, frame
from semiray.radiographs.pixels.marks import HEAD, OUTPUT, SYNTHETIC, synthetic_mark
from semiray.radiographs.pixels.suspects import MASKS, Namesakes, look
from semiray.radiographs.reading.options import Framing
from semiray.radiographs.reading.records import Listing, Record

__all__ = ["VERSION", "Decoder", "FileFacts", "Progress", "digest", "processors", "read_bytes"]

# To be raised when the same file and settings give other pixels or facts than before.
VERSION = 2
_AHEAD = 512
_FINEST = 8192
_LEFT_OUT = {
    SYNTHETIC: "a synthetic image, as its file says",
    OUTPUT: "a figure or a sheet that semiray wrote, as its file says",
    MASKS: "a mask: it has two grey levels, and another image has its name",
}

Progress = Callable[[int, int], None]
R = TypeVar("R")


@dataclass(frozen=True)
class Decoder:
    """Decodes one listing with one resolution and framing.

    Attributes:
        listing: what to decode.
        resolution: side of the images in pixels.
        framing: ``crop`` or ``pad``.
        workers: number of threads; None for one per processor.
        progress: called with (files done, files in all).
        synthetic: whether images whose files say that they are synthetic are read; otherwise they are left out.
    """

    listing: Listing
    resolution: int
    framing: Framing = "crop"
    workers: int | None = None
    progress: Progress | None = None
    synthetic: bool = False

    def __post_init__(self) -> None:
        if not 1 <= self.resolution <= _FINEST or self.framing not in ("crop", "pad"):
            raise SemirayError(
                f"resolution= must be at least 1 and at most {_FINEST}, and framing= crop or pad, not "
                f"{self.resolution} and {self.framing!r}."
            )

    def identify(self) -> tuple[str, str]:
        """Return digests of names and sizes, and of these with places and times, without opening the files."""
        stats = [_status(record) for record in self.listing.records]
        keys = (record.key for record in self.listing.records)
        names = digest(self._settings, ((key, size) for key, (size, _, _) in zip(keys, stats, strict=True)))
        return names, digest(names, [(str(self.listing.root.resolve()), stats)])

    def fingerprint(self, files: Iterable[FileFacts]) -> str:
        """Return the digest of names, contents and settings."""
        return digest(self._settings, ((file.key, file.content) for file in files))

    def hash(self) -> list[FileFacts]:
        """Return facts with the contents' hashes only: files are read, not decoded."""
        return list(self._in_order(_hash, 0))

    def decode(self, first: int = 0) -> Iterator[tuple[FileFacts, npt.NDArray[np.uint8] | None]]:
        """Yield facts and pixels (None if it can't be decoded) of each file, starting with a number.

        Raises:
            SemirayError: if a file that was listed is gone.
        """
        return self._in_order(self._decode, first)

    @cached_property
    def _settings(self) -> str:
        settings = f"{VERSION} {self.resolution} {self.framing}" + " synthetic" * self.synthetic
        inverted = [record.key for record in self.listing.records if record.inverted]
        return f"{settings} {digest('inverted', inverted)}" if inverted else settings

    @cached_property
    def _namesakes(self) -> Namesakes:
        return Namesakes([record.key for record in self.listing.records])

    def _decode(self, record: Record) -> tuple[FileFacts, npt.NDArray[np.uint8] | None]:
        content = ""
        try:
            raw = read_bytes(record)
            content = hashlib.sha256(raw).hexdigest()
            mark = synthetic_mark(raw[:HEAD])
            if mark and not (mark == SYNTHETIC and self.synthetic):
                return FileFacts(record.key, content, 0, 0, "", _LEFT_OUT[mark], mark), None
            pixels, kind, transparent = decode_grey(raw)
        except UnreadableImageError as problem:
            return FileFacts(record.key, content, 0, 0, "", str(problem)), None
        if record.inverted:
            pixels = 255 - pixels
        height, width = pixels.shape
        looks = look(pixels, transparent)
        if looks and self._namesakes.has(record.key, looks):
            return FileFacts(record.key, content, width, height, kind, _LEFT_OUT[MASKS], MASKS, looks), None
        facts = FileFacts(record.key, content, width, height, kind, "", "", looks)
        return facts, frame(pixels, self.resolution, self.framing)

    def _in_order(self, work: Callable[[Record], R], first: int) -> Iterator[R]:
        """Map in threads (decoders release the lock), in order, with few results in memory at once."""
        records = self.listing.records
        workers = max(1, self.workers if self.workers is not None else processors())
        with ThreadPoolExecutor(workers, thread_name_prefix="semiray-decode") as pool:
            for start in range(first, len(records), _AHEAD):
                futures = [pool.submit(work, record) for record in records[start : start + _AHEAD]]
                try:
                    for done, future in enumerate(futures, start + 1):
                        yield future.result()
                        if self.progress is not None:
                            self.progress(done, len(records))
                finally:
                    for future in futures:
                        future.cancel()


def digest(first: str, items: Iterable[object]) -> str:
    """Return the sha256 in hex of a text and of items' representations."""
    hashed = hashlib.sha256(first.encode())
    for item in items:
        hashed.update(repr(item).encode("utf-8", "surrogatepass") + b"\n")
    return hashed.hexdigest()


def processors() -> int:
    """Return the number of processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def read_bytes(record: Record) -> bytes:
    """Return the bytes of an image: its file, or its part of a shard.

    Raises:
        UnreadableImageError: if they can't be read.
        SemirayError: if the file is gone since it was listed.
    """
    size = _status(record)[0]
    if size < 0:
        if not os.path.lexists(record.path):
            raise SemirayError(
                f"{record.path} is gone since the data set was listed: it was changed, or its disk was removed. "
                "Start again when it is back; what was decoded so far is kept."
            )
        raise UnreadableImageError("a broken link" if record.path.is_symlink() else "not a regular file, or gone")
    try:
        if record.size is None:
            with record.path.open("rb", buffering=0) as whole:  # a buffer would cost calls of the system
                content = whole.read()
        else:
            with record.path.open("rb") as file:
                file.seek(record.offset)
                content = file.read(record.size)
    except OSError as error:
        raise UnreadableImageError(f"can't be opened: {error.strerror or error}") from error
    if record.size is not None and len(content) < record.size:
        raise UnreadableImageError(f"its shard {record.path.name} is cut off")
    return content


def _status(record: Record) -> tuple[int, int, int]:
    """Size, modification time, and change time (copying tools may preserve the former)."""
    try:
        status = record.path.stat()
    except OSError:
        return (-1, 0, 0)
    # Opening a pipe called x.png would wait forever.
    size = status.st_size if record.size is None else record.size
    return (size if stat.S_ISREG(status.st_mode) else -1, status.st_mtime_ns, status.st_ctime_ns)


def _hash(record: Record) -> FileFacts:
    content = ""
    with suppress(UnreadableImageError):
        content = hashlib.sha256(read_bytes(record)).hexdigest()
    return FileFacts(record.key, content, 0, 0, "", "")

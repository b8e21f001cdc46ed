"""Decoded images in a folder: an .npy file and one line per file, resumed after a kill, trusted only when whole.

The folder contains ``source.json`` (what it is made from), ``images.npy``, ``files.jsonl`` with ``files.npy``, and last
``decoded.json``, which says that everything is there: sizes and checksums. The arrays of the cache, prepared sets and
the cached places of shards are all such folders.
"""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import numpy.typing as npt

from semiray.errors import SemirayError
from semiray.files import write_whole
from semiray.radiographs.columns import Lines, index_lines, map_numbers
from semiray.radiographs.pixels.decoding import Decoder, FileFacts
from semiray.radiographs.store.seals import read_json, seal, unseal

__all__ = ["BATCH", "STORED", "DecodedFiles", "read_decoded", "write_decoded"]

STORED = ("source.json", "images.npy", "files.jsonl", "files.npy", "decoded.json")
_HEADER_BYTES = 128
BATCH = 256  # files between two points from which an interrupted start continues


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


def write_decoded(folder: Path, decoder: Decoder, source: str, *, keep: bool = True, batch: int = BATCH) -> None:
    """Stream images and facts about their files into a folder, from where an interrupted call left it.

    Args:
        folder: where; other files in it are left alone.
        decoder: what is decoded, and how.
        source: the second digest of ``decoder.identify()``. What the folder contains of another source is deleted.
        keep: whether pixels are kept; otherwise only the facts are.
        batch: number of files between two points from which an interrupted call continues.

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
        while part := list(islice(results, batch)):
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
        root, number = decoder.listing.root, len(files)
        _clear(folder)
        raise SemirayError(f"{root}: none of {number:,} images can be read. {problems}{more}")
    facts = {"fingerprint": decoder.fingerprint(files), "readable": count}
    seal(folder / "decoded.json", facts, ("images.npy", "files.jsonl", "files.npy"))


def read_decoded(folder: Path, *, verify: bool = False) -> DecodedFiles:
    """Map what ``write_decoded`` wrote.

    Raises:
        SemirayError: if it isn't there or isn't whole; see ``unseal``.
    """
    facts = unseal(folder / "decoded.json", verify=verify)
    return DecodedFiles(map_numbers(folder / "images.npy"), _map_files(folder), str(facts["fingerprint"]))


def _map_files(folder: Path) -> Lines[FileFacts]:
    return Lines(folder, "files", lambda facts: FileFacts(*facts))


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
    """Header of an .npy file, version 1.0, of fixed length, so that the final count can be written over the first."""
    text = f"{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}"
    return (
        b"\x93NUMPY\x01\x00" + struct.pack("<H", _HEADER_BYTES - 10) + text.ljust(_HEADER_BYTES - 11).encode() + b"\n"
    )

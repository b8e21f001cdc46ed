"""Decodes a data set once into the user's cache, so that the second start reads nothing else."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock

from semiray.errors import SemirayError
from semiray.files import write_whole
from semiray.radiographs.pixels.decoding import Decoder
from semiray.radiographs.store.images import DecodedFiles, cache_folder, read_decoded, read_json, write_decoded

__all__ = ["cached_folder", "decode_cached"]

_SWEPT = 7 * 86400  # seconds after which nobody goes on with what a killed start left


def decode_cached(decoder: Decoder, cache: Path | None = None) -> DecodedFiles:
    """Decode the files of a listing, or map what an earlier start decoded.

    The cache knows a listing by its files' names, sizes and times: if they are as before, no image file is opened. If
    only times or the place changed (a copy), contents are compared before anything is decoded anew. An array that isn't
    whole any more is built again. An interrupted start leaves nothing that looks complete; the next one goes on with
    it, and a second process that wants the same waits for the first.

    Args:
        decoder: what to decode, and how.
        cache: folder of the cache; None for ``cache_folder()``.

    Raises:
        SemirayError: if nothing can be decoded or the cache can't be written.
    """
    folder = Path(cache) if cache is not None else cache_folder()
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
            root = decoder.listing.root
            write_decoded(part, root, source, decoder.resolution, decoder.decode, decoder.fingerprint)
            # Not mapped before it is moved: Windows moves no file that is in use.
            stem = f"{names[:20]}-{str(read_json(part / 'decoded.json').get('fingerprint'))[:40]}"
            shutil.rmtree(folder / stem, ignore_errors=True)  # damaged, or it would have been read
            part.rename(folder / stem)
            decoded = read_decoded(folder / stem)
        # A file that is there but couldn't be opened may open next time: only contents that were seen are vouched for.
        if all(file.content or not file.problem.startswith("can't be opened") for file in decoded.files):
            write_whole(pointer, json.dumps({"array": stem}))
    return decoded


@contextmanager
def cached_folder(cache: Path, name: str) -> Iterator[Path]:
    """Hold a folder of the cache, whose own place is made here, until other processes' turn.

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
            "Name another folder with the cache option or the environment variable SEMIRAY_CACHE."
        ) from error


def _read(folder: Path, stem: str) -> DecodedFiles | None:
    try:
        return read_decoded(folder / stem)
    except SemirayError:
        return None


def _sweep(folder: Path) -> None:
    """Remove what killed starts left half written and nobody went on with."""
    for path in folder.glob("part-*"):
        with suppress(OSError):
            if time.time() - path.stat().st_mtime > _SWEPT:
                shutil.rmtree(path) if path.is_dir() else path.unlink()

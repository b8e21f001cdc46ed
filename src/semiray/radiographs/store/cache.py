"""Decodes a data set once into the user's cache; later starts read nothing else."""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock

from semiray.errors import SemirayError
from semiray.files import write_whole
from semiray.radiographs.pixels.decoding import Decoder
from semiray.radiographs.store.decoded import BATCH, DecodedFiles, read_decoded, write_decoded
from semiray.radiographs.store.seals import read_json

__all__ = ["cache_folder", "cached_folder", "decode_cached"]

_SWEPT = 7 * 86400  # seconds after which what a killed start left is removed


def cache_folder() -> Path:
    """Return the folder for caches: ``$SEMIRAY_CACHE``, else ``semiray`` in the platform's folder for users' caches."""
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


def decode_cached(decoder: Decoder, folder: Path, *, batch: int = BATCH) -> DecodedFiles:
    """Decode the files of a listing, or map what an earlier start decoded.

    The cache identifies a listing by its files' names, sizes and times: if these are unchanged, no image file is
    opened. If only times or the place changed (a copy), contents are compared before anything is decoded again. A
    damaged array is built again. An interrupted start leaves nothing that looks complete; the next one continues it,
    and a second process that needs the same array waits for the first.

    Args:
        decoder: what to decode, and how.
        folder: folder of the cache.
        batch: see `write_decoded`.

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

"""Prepared sets: a data set decoded once into a folder of its own, which stays on disk however large it is."""

from __future__ import annotations

from pathlib import Path
from typing import Unpack

from semiray.errors import SemirayError
from semiray.files import LOCK, PARTIAL, hold_folder
from semiray.radiographs.dataset import RadiographSet
from semiray.radiographs.pixels.decoding import Decoder, Progress
from semiray.radiographs.pixels.images import ImageArray
from semiray.radiographs.reading.options import ReadingKeywords, reading_options
from semiray.radiographs.reading.readers import list_records
from semiray.radiographs.store.decoded import STORED
from semiray.radiographs.store.sets import COLUMNS, FACTS, FORMER, fill, open_set

__all__ = ["is_prepared", "prepare_radiographs"]


def prepare_radiographs(
    data: str | Path,
    out: str | Path,
    *,
    resolution: int,
    workers: int | None = None,
    progress: Progress | None = None,
    **options: Unpack[ReadingKeywords],
) -> RadiographSet[ImageArray]:
    """Decode a data set once into a folder that every command and `load_radiographs` accept in its place.

    After a kill or an interruption, the same call continues where it was. The set has the fingerprint, keys and
    patients of the original, so that a run trained on one can be evaluated on the other.

    Args:
        data: a folder, a table or a folder of shards.
        out: a folder that is new or empty, or contains what an earlier call left.
        resolution: side of the images in pixels.
        workers: number of decoding threads; None for one per processor.
        progress: called with (files done, files in all).
        **options: see `load_radiographs`.

    Returns:
        The set, its pixels and columns memory-mapped.

    Raises:
        SemirayError: if nothing can be decoded, an option is invalid, `out` contains something else or can't be
            written.

    Example:
        >>> prepare_radiographs("chest_xray", "prepared", resolution=128)  # doctest: +SKIP
    """
    data, out, reading = Path(data).expanduser(), Path(out).expanduser(), reading_options(options)
    _check_out(out)
    if is_prepared(data):
        raise SemirayError(f"{data} is a prepared set already: give the data set that it was made from.")
    decoder = Decoder(list_records(data, reading), resolution, reading.framing, workers, progress)
    try:
        with hold_folder(out):
            fill(out, decoder, reading)
    except OSError as error:
        raise SemirayError(
            f"{out}: the set can't be written ({error.strerror or error}). What was decoded so far is kept: make room "
            "or choose another folder, and give the same command again."
        ) from error
    return open_set(out, resolution=resolution, framing=reading.framing).radiographs


def is_prepared(folder: Path) -> bool:
    """Whether a folder is a prepared set.

    Raises:
        SemirayError: if it is one that isn't complete.
    """
    if not ((folder / "source.json").is_file() and (folder / "files.jsonl").is_file()):
        return False
    if not (folder / FACTS).is_file():
        raise SemirayError(
            f"{folder} is a prepared set that isn't complete: give the command that began it (`semiray data prepare`) "
            "again to continue it."
        )
    return True


def _check_out(out: Path) -> None:
    if out.exists() and not out.is_dir():
        raise SemirayError(f"{out} is a file: choose a folder for the prepared set.")
    known = {*STORED, *COLUMNS, *FORMER, FACTS, LOCK}
    others = [path.name for path in out.iterdir() if path.name not in known] if out.is_dir() else []
    others = [name for name in others if not name.endswith(PARTIAL)]
    if others:
        raise SemirayError(
            f"{out} contains other files ({', '.join(sorted(others)[:3])}): choose a new or an empty folder."
        )

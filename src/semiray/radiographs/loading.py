"""Loads a data set in any form: a folder, a table, shards, or a prepared set, which is decoded into its own folder."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Unpack

from semiray.errors import SemirayError
from semiray.files import LOCK, PARTIAL, hold_folder, user_path
from semiray.radiographs.dataset import RadiographSet
from semiray.radiographs.pixels.decoding import VERSION, Decoder, Progress, digest
from semiray.radiographs.pixels.images import ImageArray
from semiray.radiographs.pixels.marks import marked
from semiray.radiographs.pseudonyms import read_salt
from semiray.radiographs.reading.options import ReadingKeywords, ReadingOptions, reading_options
from semiray.radiographs.reading.readers import find_shards, read_records
from semiray.radiographs.reading.summary import Summary
from semiray.radiographs.store.decoded import STORED, cache_folder, cached_folder, decode_cached
from semiray.radiographs.store.sets import COLUMNS, FACTS, DataSet, assemble, check_options, fill, open_set

__all__ = ["is_prepared", "load_radiographs", "open_data", "prepare_radiographs"]


def load_radiographs(
    data: str | Path,
    *,
    resolution: int,
    cache: str | Path | None = None,
    workers: int | None = None,
    progress: Progress | None = None,
    **options: Unpack[ReadingKeywords],
) -> RadiographSet[ImageArray]:
    """Read a data set as square grey images: decoded once, memory-mapped from then on.

    Args:
        data: a folder or a table; a folder of shards, whose images are decoded each time they are used; or a folder
            made by `prepare_radiographs`.
        resolution: side of the images in pixels.
        cache: folder of the cache; None for `cache_folder()`.
        workers: number of decoding threads; None for one per processor.
        progress: called with (files done, files in all) while files are read.
        **options: the fields of `ReadingOptions`; classes as a list of labels, or as a mapping from labels to class
            names. A prepared set has its own.

    Returns:
        The set; files that can't be decoded are listed in its `skipped`.

    Raises:
        SemirayError: if nothing can be decoded, an option is invalid, a prepared set was prepared with other options,
            or the cache can't be written.

    Examples:
        >>> xrays = load_radiographs("COVID-19_Radiography_Dataset", resolution=64)  # doctest: +SKIP
    """
    reading = reading_options(options)
    return open_data(data, reading, resolution=resolution, cache=cache, workers=workers, progress=progress).radiographs


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

    Examples:
        >>> prepare_radiographs("chest_xray", "prepared", resolution=128)  # doctest: +SKIP
    """
    data, out, reading = user_path(data), user_path(out), reading_options(options)
    _check_out(out)
    if is_prepared(data):
        raise SemirayError(f"{data} is a prepared set already: give the data set that it was made from.")
    decoder = _decoder(data, reading, resolution, workers, progress)
    try:
        with hold_folder(out):
            fill(out, decoder, reading)
    except OSError as error:
        raise SemirayError(
            f"{out}: the set can't be written ({error.strerror or error}). What was decoded so far is kept: make room "
            "or choose another folder, and give the same command again."
        ) from error
    return open_set(out, resolution=resolution, framing=reading.framing).radiographs


def open_data(
    data: str | Path,
    options: ReadingOptions,
    *,
    resolution: int | None = None,
    cache: str | Path | None = None,
    workers: int | None = None,
    progress: Progress | None = None,
    verify: bool = False,
) -> DataSet:
    """Open a data set together with facts about its files; arguments and errors are those of `load_radiographs`.

    A framing that isn't given is a prepared set's own, a resolution too, else 64. With ``verify``, a prepared set's
    pixels are compared with their checksum, whatever their size.
    """
    data, cache = user_path(data), cache_folder() if cache is None else user_path(cache)
    given = options.framing if "framing" in options.model_fields_set else None
    if is_prepared(data):
        found = open_set(data, resolution=resolution, framing=given, verify=verify)
        check_options(data, found.radiographs.options or ReadingOptions(), options)
        summary = replace(found.radiographs.summary or Summary(""), layout=f"a prepared set ({found.layout})")
        return replace(found, radiographs=replace(found.radiographs, summary=summary))
    side, framing = 64 if resolution is None else resolution, options.framing
    if shards := find_shards(data):
        seen = [(path.name, status.st_size, status.st_mtime_ns) for path in shards if (status := path.stat())]
        place = digest(f"{VERSION} {data.resolve()} {side} {framing} {sorted(options.selection().items())}", seen)
        folder = cache / f"shards-{place[:40]}"
        try:
            found = open_set(folder)
        except SemirayError:
            with cached_folder(cache, folder.name):
                folder.mkdir(exist_ok=True)
                fill(folder, _decoder(data, options, side, workers, progress), options, shards)
                found = open_set(folder)
        return replace(found, root=data)
    decoder = _decoder(data, options, side, workers, progress)
    decoded, listing = decode_cached(decoder, cache), decoder.listing
    return DataSet(assemble(listing, decoded, options), decoded.files, listing.root, side, framing)


def _decoder(
    data: Path, options: ReadingOptions, resolution: int, workers: int | None, progress: Progress | None
) -> Decoder:
    """What decodes a data set that isn't prepared."""
    listing = read_records(data, options, marked, lambda: read_salt(cache_folder()))
    return Decoder(listing, resolution, options.framing, workers, progress, synthetic=options.read_synthetic)


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
    known = {*STORED, *COLUMNS, FACTS, LOCK}
    names = [path.name for path in out.iterdir()] if out.is_dir() else []
    if others := [name for name in names if name not in known and not name.endswith(PARTIAL)]:
        raise SemirayError(
            f"{out} contains other files ({', '.join(sorted(others)[:3])}): choose a new or an empty folder."
        )

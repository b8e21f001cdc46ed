"""Loads a data set in any form: a folder, a table, shards, or a prepared set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Unpack

from semiray.errors import SemirayError
from semiray.radiographs.dataset import RadiographSet
from semiray.radiographs.pixels.decoding import Decoder, FileFacts, Progress, digest
from semiray.radiographs.pixels.images import ImageArray
from semiray.radiographs.reading.options import Framing, ReadingKeywords, ReadingOptions, reading_options
from semiray.radiographs.reading.readers import find_shards, list_records
from semiray.radiographs.store.cache import cache_folder, cached_folder, decode_cached
from semiray.radiographs.store.prepared import is_prepared
from semiray.radiographs.store.sets import assemble, check_options, fill, open_set

__all__ = ["DataSet", "load_radiographs", "open_data"]


@dataclass(frozen=True)
class DataSet:
    """A data set together with facts about its files.

    Attributes:
        radiographs: the set.
        files: facts about all files, also those that can't be decoded.
        root: the data's folder.
        layout: the layout that was recognised, in words.
        resolution: side of the images in pixels.
        framing: ``crop`` or ``pad``.
    """

    radiographs: RadiographSet[ImageArray]
    files: Sequence[FileFacts]
    root: Path
    layout: str
    resolution: int
    framing: Framing


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
        **options: label_from, patient_from, classes (a list of labels, or a mapping from labels to class names),
            label_column, patient_column, path_column and framing; see `ReadingOptions` and `read_records`. A prepared
            set has its own.

    Returns:
        The set; files that can't be decoded are listed in its `skipped`.

    Raises:
        SemirayError: if nothing can be decoded, an option is invalid, a prepared set was prepared with other options,
            or the cache can't be written.

    Example:
        >>> xrays = load_radiographs("COVID-19_Radiography_Dataset", resolution=64)  # doctest: +SKIP
    """
    reading = reading_options(options)
    return open_data(data, reading, resolution=resolution, cache=cache, workers=workers, progress=progress).radiographs


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
    """Open a data set together with facts about its files.

    Args:
        data: see `load_radiographs`.
        options: how it is read. A framing that isn't given is a prepared set's own.
        resolution: side of the images; None for a prepared set's own, else 64.
        cache: see `load_radiographs`.
        workers: see `load_radiographs`.
        progress: see `load_radiographs`.
        verify: compare a prepared set's pixels with their checksum, whatever their size.

    Raises:
        SemirayError: see `load_radiographs`.
    """
    data, cache = Path(data).expanduser(), cache_folder() if cache is None else Path(cache).expanduser()
    given = options.framing if "framing" in options.model_fields_set else None
    if is_prepared(data):
        stored = open_set(data, resolution=resolution, framing=given, verify=verify)
        check_options(data, stored.facts, options)
        layout = f"a prepared set ({stored.facts['layout']})"
        own = stored.facts["resolution"], stored.facts["framing"]
        return DataSet(stored.radiographs, stored.files, data, layout, *own)
    side, framing = 64 if resolution is None else resolution, options.framing
    if shards := find_shards(data):
        seen = [(path.name, status.st_size, status.st_mtime_ns) for path in shards if (status := path.stat())]
        place = digest(f"{data.resolve()} {side} {framing} {sorted(options.selection().items())}", seen)
        folder = cache / f"shards-{place[:40]}"
        try:
            stored = open_set(folder)
        except SemirayError:
            with cached_folder(cache, folder.name):
                folder.mkdir(exist_ok=True)
                fill(folder, Decoder(list_records(data, options), side, framing, workers, progress), options, shards)
                stored = open_set(folder)
        return DataSet(stored.radiographs, stored.files, data, stored.facts["layout"], side, framing)
    listing = list_records(data, options)
    decoded = decode_cached(Decoder(listing, side, framing, workers, progress), cache)
    return DataSet(assemble(listing, decoded, options), decoded.files, listing.root, listing.layout, side, framing)

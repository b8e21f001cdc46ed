"""Examines a data set before training: images, patients, classes, formats, damage and duplicates."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Unpack

import numpy as np
from PIL import Image

from semiray.errors import SemirayError
from semiray.files import user_path, whole_file
from semiray.radiographs.dataset import RadiographSet
from semiray.radiographs.loading import is_prepared, open_data
from semiray.radiographs.pixels.decoding import FileFacts, Progress
from semiray.radiographs.pixels.duplicates import near_duplicates
from semiray.radiographs.pixels.images import ImageArray
from semiray.radiographs.pixels.marks import OUTPUT, marked
from semiray.radiographs.reading.options import ReadingKeywords, reading_options
from semiray.radiographs.reading.summary import counted
from semiray.radiographs.sheet import contact_sheet
from semiray.radiographs.store.sets import DataSet

__all__ = ["Inspection", "inspect"]

Spread = tuple[int, float, int]
Groups = tuple[tuple[str, ...], ...]
_UNLABELLED = "(unlabelled)"


@dataclass(frozen=True)
class Inspection:
    """What is in a data set.

    Attributes:
        data: the set, its notes, and facts about its files.
        images_per_patient: smallest, median and largest number.
        classes: per class (number of images, number of patients); ``(unlabelled)`` is last.
        splits: images per official part; empty where there are none.
        widths: smallest, median and largest, in pixels.
        heights: smallest, median and largest, in pixels.
        sizes: images per width and height, most common first.
        kinds: images per format (bit depth, colour), most common first.
        smaller: images whose shorter side is below the resolution.
        exact: groups of keys of files with the same content.
        near: groups of keys of images that show the same picture; groups of exact copies only are left out.
        conflicts: groups of copies that have different classes or different patients.
    """

    data: DataSet
    images_per_patient: Spread
    classes: Mapping[str, tuple[int, int]]
    splits: Mapping[str, int]
    widths: Spread
    heights: Spread
    sizes: Mapping[str, int]
    kinds: Mapping[str, int]
    smaller: int
    exact: Groups
    near: Groups
    conflicts: Groups

    def lines(self, most: int = 10) -> list[str]:
        """Return the findings as lines of text.

        Args:
            most: number of items of a list that are named; the rest is counted.
        """
        xrays = self.data.radiographs
        least, median, highest = self.images_per_patient
        lines = [f"{self.data.root}", *(xrays.summary.lines() if xrays.summary else [])]
        lines += [f"images per patient: {least:,} to {highest:,}, median {median:g}", ""]
        width = max([len(name) for name in self.classes] + [len("class")])
        lines += [f"  {'class':{width}}  {'images':>8}  {'patients':>8}"]
        lines += [f"  {name:{width}}  {n:8,}  {patients:8,}" for name, (n, patients) in self.classes.items()]
        if xrays.summary and xrays.summary.findings:
            width = max(len("finding"), *map(len, xrays.summary.findings))
            states = ("1", "0", "uncertain", "blank")
            lines += ["", f"  {'finding':{width}}  " + "  ".join(f"{state:>9}" for state in states)]
            lines += [
                f"  {name:{width}}  " + "  ".join(f"{counts[state]:9,}" for state in states)
                for name, counts in xrays.summary.findings.items()
            ]
        lines += [
            "",
            f"width   {_range(self.widths)} px",
            f"height  {_range(self.heights)} px",
            f"sizes   {_counted(self.sizes, 4)}",
            f"stored  {_counted(self.kinds, most)}",
        ]
        if self.smaller:
            are = counted(self.smaller, "image is", "images are")
            lines.append(f"{are} smaller than {self.data.resolution} px and would be enlarged")
        lines += ["", f"unreadable files: {len(xrays.skipped):,}"]
        lines += [f"  {key}: {reason}" for key, reason in xrays.skipped]  # all of them, to be repaired
        for title, groups in (
            ("exact duplicates", self.exact),
            ("near duplicates", self.near),
            ("of these with different classes or patients", self.conflicts),
        ):
            several = f" group{'s' * (len(groups) > 1)}, {sum(map(len, groups)):,} images" if groups else ""
            lines.append(f"{title}: {len(groups):,}{several}")
            lines += _some([" = ".join(_some(group, 4, indent="")) for group in groups], most)
        columns = xrays.summary.columns if xrays.summary else {}
        if columns:
            lines += ["", "columns of few values, for --keep"]
            lines += [f"  {name}: {_counted({cell or '(empty)': n for cell, n in counts.items()}, most)}"
                      for name, counts in columns.items()]  # fmt: skip
        return lines


def inspect(
    data: str | Path,
    *,
    resolution: int | None = None,
    sheet: str | Path | None = None,
    cache: str | Path | None = None,
    workers: int | None = None,
    progress: Progress | None = None,
    **options: Unpack[ReadingKeywords],
) -> Inspection:
    r"""Examine a data set: classes, patients, sizes, bit depths, unreadable files, duplicates, and a contact sheet.

    Args:
        data: see `load_radiographs`. A prepared set's pixels are compared with their checksum.
        resolution: side of the images that duplicates are searched in and that the contact sheet shows; None for a
            prepared set's own, else 64.
        sheet: file for the contact sheet; None for none.
        cache: see `load_radiographs`; training at the same resolution and framing starts from the same cache.
        workers: see `load_radiographs`.
        progress: called with (files done, files in all).
        **options: see `load_radiographs`.

    Raises:
        SemirayError: if nothing can be decoded, an option is invalid, or a file can't be written.

    Examples:
        >>> print("\\n".join(inspect("chest_xray/train").lines()))  # doctest: +SKIP
    """
    reading = reading_options(options)
    if sheet is not None:
        _check_sheet(user_path(data), user_path(sheet))
    found = open_data(
        data, reading, resolution=resolution, cache=cache, workers=workers, progress=progress, verify=True
    )
    xrays = found.radiographs
    readable = [file for file in found.files if not file.problem]
    exact, near, conflicts = _duplicates(xrays, readable)
    if sheet is not None:
        _write_sheet(user_path(sheet), xrays, found.root.resolve().name)
    widths, heights = (np.array([getattr(file, side) for file in readable]) for side in ("width", "height"))
    _, per_patient = np.unique(xrays.patient_codes, return_counts=True)
    return Inspection(
        data=found,
        images_per_patient=_spread(per_patient),
        classes=_per_class(xrays),
        splits=xrays.summary.parts if xrays.summary else {},
        widths=_spread(widths),
        heights=_spread(heights),
        sizes=dict(Counter(f"{file.width} x {file.height}" for file in readable).most_common()),
        kinds=dict(Counter(file.kind for file in readable).most_common()),
        smaller=int((np.minimum(widths, heights) < found.resolution).sum()),
        exact=exact,
        near=near,
        conflicts=conflicts,
    )


def _duplicates(xrays: RadiographSet[ImageArray], files: Sequence[FileFacts]) -> Iterator[Groups]:
    """Groups of keys: exact copies, near copies, and those of them that have different classes or patients."""
    same: dict[str, list[int]] = {}
    for i, file in enumerate(files):
        same.setdefault(file.content, []).append(i)
    exact = [tuple(group) for group in same.values() if len(group) > 1]
    # A near group with one content is an exact group.
    near = [group for group in near_duplicates(xrays.images) if len({files[i].content for i in group}) > 1]
    patients = xrays.patient_codes
    conflicts = [group for group in exact + near if len({(xrays.labels[i], patients[i]) for i in group}) > 1]
    return (tuple(tuple(xrays.keys[i] for i in group) for group in groups) for groups in (exact, near, conflicts))


def _per_class(xrays: RadiographSet[ImageArray]) -> dict[str, tuple[int, int]]:
    codes = {name: xrays.patient_codes[xrays.labels == label] for label, name in enumerate(xrays.classes)}
    codes[_UNLABELLED] = xrays.patient_codes[xrays.labels == -1]
    return {name: (len(found), len(np.unique(found))) for name, found in codes.items() if len(found)}


def _check_sheet(data: Path, sheet: Path) -> None:
    """Nothing is written into the data set, and no file but a figure of semiray's is replaced."""
    if data.is_dir() and sheet.resolve().is_relative_to(data.resolve()) and not is_prepared(data):
        raise SemirayError(
            f"the contact sheet {sheet} would be written into the data set {data}: name a file in another folder."
        )
    if sheet.is_file() and marked(sheet) != OUTPUT:
        raise SemirayError(f"the contact sheet {sheet} exists and isn't a figure of semiray's: name another file.")


def _write_sheet(path: Path, xrays: RadiographSet[ImageArray], name: str) -> None:
    blocks = (*xrays.classes, _UNLABELLED)
    labels = np.array(blocks)[xrays.labels] if xrays.classes else None  # -1, no label, is the last
    page = contact_sheet(xrays.images, labels, order=blocks, title=f"{name}: {len(xrays):,} images")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(path) as temporary:
            page.save(temporary, format=Image.registered_extensions().get(path.suffix.lower(), "PNG"))
    except OSError as error:
        raise SemirayError(f"{path}: the contact sheet can't be written ({error.strerror or error}).") from error


def _spread(values: np.ndarray[tuple[int, ...], np.dtype[np.int64]]) -> Spread:
    return int(values.min()), float(np.median(values)), int(values.max())


def _range(spread: Spread) -> str:
    least, median, most = spread
    return f"{least:,}" if least == most else f"{least:,} to {most:,}, median {median:,.0f}"


def _counted(counts: Mapping[str, int], most: int) -> str:
    listed = [f"{name} ({count:,})" for name, count in list(counts.items())[:most]]
    return ", ".join(listed) + (f", and {len(counts) - most:,} others" if len(counts) > most else "")


def _some(items: Sequence[str], most: int, indent: str = "  ") -> list[str]:
    listed = [f"{indent}{item}" for item in items[:most]]
    return listed + ([f"{indent}and {len(items) - most:,} more"] if len(items) > most else [])

"""Finds the images that the cells of a table name, and the column that names them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from copy import copy
from functools import cached_property
from operator import itemgetter
from pathlib import Path

from semiray.errors import SemirayError
from semiray.radiographs.reading.names import folders_of, name_of, part_of, stem_of
from semiray.radiographs.reading.records import IMAGE_SUFFIXES
from semiray.radiographs.reading.tables import Table, plain_words

__all__ = ["IDENTIFIERS", "KIND", "ImageIndex", "find_path_column"]

_PATH_HINTS = ("path", "file", "image", "img", "name", "dicom")
IDENTIFIERS = re.compile(
    r"(?:^|_)(?:patient|subject|participant|person|study|case|exam|series|uid|id|pid)|"
    r"(?:^|_|image|img|file|instance|record|scan|visit)(?:id|uid|no|number)$"  # not covid
)
_NO_NAME = re.compile(r"(?:^|_)(?:age|year|index|row|count|width|height|rows|columns|unnamed)(?:_|$)")
_ENDINGS = (*sorted(IMAGE_SUFFIXES), ".dcm", ".dicom")
_WHOLE = re.compile(r"(\d{1,18})(?:\.0)?")
KIND = re.compile(r"_(?:image|study)$")  # 65761e66de9f_image, of SIIM-FISABIO-RSNA


class ImageIndex:
    """Finds the image that a cell names: by a path, the end of one, or a file name, with or without its extension."""

    def __init__(self, keys: Iterable[str]) -> None:
        self.keys = set(keys)
        self.prefix, self.part = "", ""  # of the table: its folder relative to the root, its official part
        self._stems: dict[str, list[str]] = {}
        # Of names that several images have, found once: in some sets 100,000 are called view1_frontal.jpg.
        self._exact: dict[str, list[str]] = {}
        self._ends: dict[tuple[str, int], dict[tuple[str, ...], list[str]]] = {}
        for key in self.keys:
            self._stems.setdefault(_stem(name_of(key).lower()), []).append(key)

    def below(self, prefix: str, part: str) -> ImageIndex:
        """The same images for a table in another folder, or of an official part: its own images are preferred."""
        other = copy(self)
        other.prefix, other.part = prefix, part
        return other

    @cached_property
    def _numbers(self) -> dict[int, list[str]]:
        """Keys by the number that is their name."""
        numbers: dict[int, list[str]] = {}
        for stem, keys in self._stems.items():
            if stem.isascii() and stem.isdigit() and len(stem) < 19:
                numbers.setdefault(int(stem), []).extend(keys)
        return numbers

    def may_name(self, cell: str) -> bool:
        """Whether the last part of a cell is an image's name; quick."""
        return bool(self._candidates(name_of(cell.replace("\\", "/"))))

    def find(self, cell: str) -> str | None:
        """Return the key that a cell names, or None if there is none or more than one."""
        value = os.path.normpath(cell.replace("\\", "/")).replace(os.sep, "/") if cell else ""
        if not value:
            return None
        joined = os.path.normpath(f"{self.prefix}/{value}").replace(os.sep, "/") if self.prefix else value
        for exact in (joined, value):
            if exact in self.keys:
                return exact
        name = name_of(value)
        candidates = self._candidates(name)
        if "/" in value:
            candidates = self._agreeing(name.lower(), candidates, tuple(value.lower().split("/")[-2::-1]))
        if len(candidates) > 1 and self.prefix:
            candidates = [key for key in candidates if key.startswith(f"{self.prefix}/")] or candidates
        if len(candidates) > 1 and self.part:
            candidates = [key for key in candidates if self.part in map(part_of, folders_of(key))] or candidates
        if len(candidates) > 1:
            candidates = [key for key in candidates if name in (name_of(key), stem_of(key))]
        return candidates[0] if len(candidates) == 1 else None

    def _agreeing(self, name: str, candidates: Sequence[str], wanted: tuple[str, ...]) -> Sequence[str]:
        """Those of the images of a name whose folders are the wanted ones, compared from the end as far as both go."""
        ends = self._ends.get((name, len(wanted)))
        if ends is None:
            ends = {}
            for key in candidates:
                ends.setdefault(tuple(key.lower().split("/")[-2::-1][: len(wanted)]), []).append(key)
            if len(candidates) > 1:
                self._ends[name, len(wanted)] = ends
        return [key for depth in range(len(wanted) + 1) for key in ends.get(wanted[:depth], ())]

    def _candidates(self, name: str) -> Sequence[str]:
        """Keys of images of a name, whatever its case, with or without its ending, or with that of a DICOM file."""
        name = name.lower()
        found = self._stems.get(_stem(name))
        if found and len(found) > 1:
            if name not in self._exact:
                self._exact[name] = [key for key in found if name_of(key).lower() == name] or found
            found = self._exact[name]
        if not found and (number := _WHOLE.fullmatch(name)):
            found = self._numbers.get(int(number[1]))  # spreadsheets drop leading zeros, pandas adds .0
        return found or self._stems.get(KIND.sub("", name)) or ()


def _stem(name: str) -> str:
    """A name without the endings of images, of which converted files may have two: ``1.dcm.png``."""
    while name.endswith(_ENDINGS):
        name = name[: name.rindex(".")]
    return name


def find_path_column(table: Table, index: ImageIndex, column: str | None = None) -> tuple[str, list[str | None]] | None:
    """Find the column whose cells name images: the user's, or one in which enough do.

    Returns:
        The column's name and, per row, the image's key or None. None if no column names images: at least half of a
        column's cells must, or its cells must name half of the images.

    Raises:
        SemirayError: if the chosen column doesn't exist or names no image.
    """
    if column is not None:
        if column not in table.columns:
            raise SemirayError(
                f"{table.path}: no column {column!r} (path_column=). The columns are: {', '.join(table.columns)}."
            )
        keys = {cell: index.find(cell) for cell in {row[column] for row in table.rows}}
        found = [keys[row[column]] for row in table.rows]
        if not any(found):
            sample = ", ".join(repr(row[column]) for row in table.rows[:3]) or "none: the table has no rows"
            some_keys = ", ".join(sorted(index.keys)[:3]) or "none"
            raise SemirayError(
                f"{table.path}, column {column!r}: no cell names an image. Cells: {sample}. Images: {some_keys}."
            )
        return column, found
    ranked = []
    columns = {name: [row[name] for row in table.rows] for name in table.columns}
    named = [n for n, cells in columns.items() if sum(c.lower().endswith(_ENDINGS) for c in cells) > len(cells) / 2]
    for name, cells in columns.items():
        # Row numbers, indices and ages can be names of images by chance.
        numbers = all(re.fullmatch(r"\d+(?:\.0)?|", cell) for cell in cells)
        if numbers and _NO_NAME.search(plain_words(name)):
            continue
        hinted = any(hint in name.lower() for hint in _PATH_HINTS) or IDENTIFIERS.search(plain_words(name))
        if numbers and table.headed and (named or (not hinted and len(set(cells)) < len(cells))):
            continue
        if not any(map(index.may_name, cells)):
            continue
        keys = {cell: index.find(cell) for cell in set(cells) if cell}
        found = [keys.get(cell) for cell in cells]
        hits = len({key for key in found if key is not None})
        if not hits or (hits < len(keys) / 2 and hits < len(index.keys) / 2):
            continue
        # Row numbers can be stems of images by chance: prefer cells with extensions, and columns with telling names.
        suffixed = sum(Path(cell).suffix.lower() in IMAGE_SUFFIXES for cell in cells)
        ranked.append(((hits, suffixed, any(hint in name.lower() for hint in _PATH_HINTS)), name, found))
    return max(ranked, key=itemgetter(0))[1:] if ranked else None

"""Columns on disk: values that are read when they are used, so that memory doesn't grow with the number of images."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Generic, SupportsIndex, TypeVar, overload

import numpy as np
import numpy.typing as npt

from semiray.files import whole_file

__all__ = ["Lines", "index_lines", "map_numbers", "write_lines", "write_numbers"]

T = TypeVar("T")
_CHUNK = 1 << 20


class Lines(Sequence[T], Generic[T]):
    """The values of a file of JSON lines, each decoded when it is indexed.

    Args:
        folder: the file's folder.
        name: the file's name without ``.jsonl``; ``name.npy`` contains where the lines begin.
        decode: turns what JSON gives into a value.
    """

    def __init__(self, folder: Path, name: str, decode: Callable[[Any], T]) -> None:
        self._begins = map_numbers(folder / f"{name}.npy")
        self._text = _map_bytes(folder / f"{name}.jsonl")
        self._decode = decode

    def __len__(self) -> int:
        return len(self._begins) - 1

    @overload
    def __getitem__(self, index: SupportsIndex) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[T, ...]: ...
    def __getitem__(self, index: SupportsIndex | slice) -> T | tuple[T, ...]:
        if isinstance(index, slice):
            return tuple(self[i] for i in range(*index.indices(len(self))))
        at = range(len(self))[index]
        return self._decode(json.loads(self._text[self._begins[at] : self._begins[at + 1]].tobytes()))

    def __iter__(self) -> Iterator[T]:
        return (self[i] for i in range(len(self)))


def write_lines(folder: Path, name: str, values: Iterable[object]) -> None:
    """Write values as JSON lines, for ``Lines`` to read."""
    with whole_file(folder / f"{name}.jsonl") as temporary, temporary.open("w", encoding="utf-8", newline="\n") as file:
        for value in values:
            file.write(json.dumps(value) + "\n")
    index_lines(folder, name)


def index_lines(folder: Path, name: str) -> None:
    """Write where the lines of a file begin, and where the last one ends."""
    begins, at = [np.zeros(1, np.int64)], 0
    with (folder / f"{name}.jsonl").open("rb") as file:
        while chunk := file.read(_CHUNK):
            begins.append(np.flatnonzero(np.frombuffer(chunk, np.uint8) == ord("\n")) + at + 1)
            at += len(chunk)
    write_numbers(folder / f"{name}.npy", np.concatenate(begins).astype(np.int64))


def write_numbers(path: Path, values: npt.NDArray[Any]) -> None:
    """Write an array as .npy in one step; unlike ``numpy.save``, a full disk is an OSError that says so."""
    values = np.ascontiguousarray(values)
    with whole_file(path) as temporary, temporary.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, np.lib.format.header_data_from_array_1_0(values))
        file.write(values.data)


def map_numbers(path: Path) -> npt.NDArray[Any]:
    """Map an .npy file into memory, read-only."""
    return np.load(path, mmap_mode="r", allow_pickle=False)  # type: ignore[no-any-return]


def _map_bytes(path: Path) -> npt.NDArray[np.uint8]:
    if not os.path.getsize(path):  # noqa: PTH202  an empty file can't be mapped
        return np.zeros(0, np.uint8)
    return np.memmap(path, np.uint8, "r")

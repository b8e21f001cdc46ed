"""Files of a set on disk: columns whose values are read when they are used, and seals that say that files are whole.

Memory doesn't grow with the number of images. A seal is written last, with sizes and checksums, so that damage and
kills are noticed.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Generic, SupportsIndex, TypeVar, overload

import numpy as np
import numpy.typing as npt

from semiray.errors import SemirayError
from semiray.files import whole_file, write_whole
from semiray.radiographs.pixels.decoding import digest
from semiray.structured import parse_json
from semiray.structured import read_json as read_structured

__all__ = ["Lines", "index_lines", "map_numbers", "read_json", "seal", "unseal", "write_lines", "write_numbers"]

T = TypeVar("T")
_CHUNK = 1 << 20
_CHEAP = 1 << 26  # bytes of a file whose checksum is always compared: well below 0.1 s


class Lines(Sequence[T], Generic[T]):
    """The values of name.jsonl, each decoded when it is indexed; name.npy says where the lines begin."""

    def __init__(self, folder: Path, name: str, decode: Callable[[Any], T]) -> None:
        self._path = path = folder / f"{name}.jsonl"
        self._begins = map_numbers(folder / f"{name}.npy", "iu", 1)
        if not len(self._begins):
            raise SemirayError(f"{folder / name}.npy is empty: it is damaged.")
        # An empty file can't be mapped.
        self._text = np.memmap(path, np.uint8, "r") if path.stat().st_size else np.zeros(0, np.uint8)
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
        where = f"{self._path}, line {at + 1:,}"
        begin, end = int(self._begins[at]), int(self._begins[at + 1])
        if not 0 <= begin < end <= len(self._text):
            raise SemirayError(f"{where}: damaged, or {self._path.stem}.npy is. Prepare the set again, or restore it.")
        try:
            return self._decode(parse_json(self._text[begin:end].tobytes(), where, halves=True))
        except (TypeError, ValueError, LookupError, AttributeError) as error:
            raise SemirayError(f"{where}: damaged. Prepare the set again, or restore it.") from error


def write_lines(folder: Path, name: str, values: Iterable[object]) -> None:
    """Write values as JSON lines, for ``Lines`` to read."""
    with whole_file(folder / f"{name}.jsonl") as temporary, temporary.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(json.dumps(value) + "\n" for value in values)
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


def map_numbers(path: Path, kinds: str = "iufbU", dimensions: int | None = None) -> npt.NDArray[Any]:
    """Map an .npy file into memory, read-only.

    Raises:
        SemirayError: if it isn't an array of one of these kinds (of numpy's dtypes) with so many dimensions.
    """
    try:
        found = np.load(path, mmap_mode="r", allow_pickle=False)
    except OSError as error:
        raise SemirayError(f"{path} can't be read ({error.strerror or error}).") from error
    except Exception as error:  # numpy reads headers as Python text: which exceptions that raises depends on them
        raise SemirayError(f"{path} is damaged or no array.") from error
    if (
        not isinstance(found, np.ndarray)
        or found.dtype.kind not in kinds
        or dimensions not in (None, found.ndim)
        or not found.flags.c_contiguous
    ):
        raise SemirayError(f"{path} is damaged: it isn't the array that belongs there.")
    return found


def seal(path: Path, facts: Mapping[str, object], names: Sequence[str]) -> None:
    """Write facts as JSON in one step, with sizes and checksums of files in the same folder, after all of them."""
    sums = {name: ((path.parent / name).stat().st_size, _checksum(path.parent / name)) for name in names}
    content = {**facts, "files": sums}
    write_whole(path, json.dumps({**content, "sealed": digest(json.dumps(content), ())}))


def unseal(path: Path, *, verify: bool = False, cheap: int = _CHEAP) -> dict[str, Any]:
    """Read facts and check that their files are whole: all sizes, and checksums of those up to ``cheap`` bytes.

    With ``verify``, the checksums of large files are compared too.

    Raises:
        SemirayError: if a file is missing or has changed.
    """
    facts = read_json(path)
    damaged = path.name
    try:
        if facts.pop("sealed") != digest(json.dumps(facts), ()):
            raise ValueError
        for name, (size, checksum) in facts["files"].items():
            damaged, file = name, path.parent / name
            if Path(name).name != name or not file.is_file():
                raise ValueError
            if file.stat().st_size != size or ((verify or size <= cheap) and _checksum(file) != checksum):
                raise ValueError
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise SemirayError(f"{path.parent}: {damaged} is missing or damaged.") from error
    return facts


def read_json(path: Path) -> dict[str, Any]:
    """Return the JSON object in a file, or an empty one if the file is missing or broken."""
    try:
        content = read_structured(path, halves=True)
    except (OSError, SemirayError):
        return {}
    return content if isinstance(content, dict) else {}


def _checksum(path: Path) -> int:
    checksum = 0
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            checksum = zlib.crc32(chunk, checksum)
    return checksum

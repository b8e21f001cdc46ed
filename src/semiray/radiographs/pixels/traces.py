"""Traces of training images: what a run keeps of them, so that they are recognised in another folder or as a copy.

A trace is a hash of the pixels, which recognises the same pixels only, and the coarse picture: the 77 lowest
coefficients of the cosine transform of a 32 x 32 thumbnail, without brightness and contrast. Pictures are alike where
coarse pictures correlate: apart from size, compression, brightness, contrast or a very narrow margin. Copies that are
turned, mirrored, inverted or cut by more than a hundredth of the side are not recognised.

Whoever has a trace can make a picture of it as sharp as one of 9 x 9 pixels, and can find out whether a radiograph that
he has was trained on. Nothing smaller tells two chests from each other: by 64 bits, those of `duplicates`, half of
all children's radiographs look like another child's.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from tokenize import TokenError
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from semiray.errors import SemirayError
from semiray.files import user_path, whole_file
from semiray.radiographs.pixels.duplicates import low_frequencies
from semiray.radiographs.pixels.images import ImageArray

__all__ = ["Matches", "Traces"]

Floats = npt.NDArray[np.float32]
_HIGHEST = 11  # largest sum of the two frequencies of a coefficient: 77 coefficients
_SCALE = 127  # of the coefficients, which are between -1 and 1, in a byte
_ALIKE = 0.995  # correlation of the coarse pictures of copies
_PIXELS = 1 << 20  # in memory at once, as float32
_COLUMNS = 8192  # of a matrix of correlations in memory at once
_TRACE = np.dtype([("pixels", "<u8"), ("coarse", "i1", ((_HIGHEST + 1) * (_HIGHEST + 2) // 2 - 1,))])


class Matches(NamedTuple):
    """Which images (M,) are among those that left traces.

    Attributes:
        identical: (M,) the pixels are the same.
        alike: (M,) the coarse picture is that of another image, whose pixels are others.
        blank: (M,) the image has one grey level, and is like any other such image.
    """

    identical: npt.NDArray[np.bool_]
    alike: npt.NDArray[np.bool_]
    blank: npt.NDArray[np.bool_]

    @property
    def recognised(self) -> npt.NDArray[np.bool_]:
        """(M,) whether an image is one that left a trace, or a copy of one."""
        return (self.identical | self.alike) & ~self.blank


@dataclass(frozen=True)
class Traces:
    """Traces of N images, in no order.

    Attributes:
        rows: (N,) of 85 bytes: ``pixels``, a hash, and ``coarse``, 77 coefficients from -127 to 127.
    """

    rows: npt.NDArray[np.void]

    def __len__(self) -> int:
        return len(self.rows)

    @classmethod
    def of(cls, images: ImageArray, chosen: npt.NDArray[np.int64] | None = None) -> Traces:
        """Take the traces of images (N, H, W) uint8, or of some of them; images are read once, a few at a time."""
        places = np.arange(len(images)) if chosen is None else chosen
        rows = np.zeros(len(places), _TRACE)
        for part, pixels, coarse in _described(images, places):
            rows["pixels"][part], rows["coarse"][part] = pixels, np.rint(coarse * _SCALE)
        return cls(np.sort(rows, order="pixels"))  # their own order would tell which file a trace is of

    def find(self, images: ImageArray, chosen: npt.NDArray[np.int64] | None = None) -> Matches:
        """Find images that left a trace here, and copies of them.

        Args:
            images: (M, H, W) uint8. Hashes agree at the same resolution only.
            chosen: (K,) places of the images to look for; None: all.

        Returns:
            What was found of each, in their order.
        """
        places = np.arange(len(images)) if chosen is None else chosen
        identical, alike, blank = np.zeros((3, len(places)), bool)
        hashes, known = np.sort(self.rows["pixels"]), _unit(self.rows["coarse"].astype(np.float32))
        for part, pixels, coarse in _described(images, places):
            identical[part] = np.searchsorted(hashes, pixels) < np.searchsorted(hashes, pixels, side="right")
            blank[part] = ~coarse.any(axis=1)
            others = np.flatnonzero(~identical[part] & ~blank[part])
            for first in range(0, len(known), _COLUMNS):
                near = coarse[others] @ known[first : first + _COLUMNS].T >= _ALIKE
                alike[part][others] |= near.any(axis=1)
        return Matches(identical, alike, blank)

    def united(self, other: Traces) -> Traces:
        """Traces of both sets of images; those of the same pixels are kept once."""
        others = other.rows[~np.isin(other.rows["pixels"], self.rows["pixels"])]
        return Traces(np.sort(np.concatenate([self.rows, others]), order="pixels"))

    def save(self, path: str | Path) -> None:
        """Write them as .npy, in one step.

        Raises:
            SemirayError: if the file can't be written.
        """
        path = user_path(path)
        try:
            with whole_file(path) as temporary, temporary.open("wb") as file:
                np.save(file, self.rows, allow_pickle=False)
        except OSError as error:
            raise SemirayError(f"{path}: the traces can't be written ({error.strerror or error}).") from error

    @classmethod
    def load(cls, path: str | Path) -> Traces:
        """Read what `save` wrote.

        Raises:
            SemirayError: if the file can't be read, or holds something else.
        """
        path = user_path(path)
        try:
            rows = np.array(np.lib.format.open_memmap(path, mode="r"))  # which compares shape and size of the file
        except OSError as error:
            raise SemirayError(f"{path}: the traces can't be read ({error.strerror or error}).") from error
        except (ValueError, TypeError, OverflowError, SyntaxError, TokenError, MemoryError, RecursionError) as error:
            raise SemirayError(f"{path}: these aren't traces of training images; the file is damaged.") from error
        if rows.dtype != _TRACE or rows.ndim != 1 or not len(rows):
            raise SemirayError(f"{path}: these aren't traces of training images; the file is damaged.")
        return cls(rows)


def _described(
    images: ImageArray, places: npt.NDArray[np.int64]
) -> Iterator[tuple[slice, npt.NDArray[np.uint64], Floats]]:
    """Yield hashes (B,) and coarse pictures (B, 77) of some images, which are read a few at a time."""
    _, height, width = images.shape
    step = max(1, _PIXELS // (height * width))
    for first in range(0, len(places), step):
        part = np.ascontiguousarray(images[places[first : first + step]])
        hashes = [blake2b(image.data, digest_size=8).digest() for image in part]
        pixels = np.frombuffer(b"".join(hashes), "<u8")
        yield slice(first, first + step), pixels, _unit(low_frequencies(part, _HIGHEST))


def _unit(coarse: Floats) -> Floats:
    """Coarse pictures (N, 77) of length 1, so that products are correlations; zeros stay."""
    length = np.linalg.norm(coarse, axis=1, keepdims=True)
    return np.asarray(coarse / np.where(length > 0, length, 1), np.float32)

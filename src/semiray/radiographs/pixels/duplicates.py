"""Finds radiographs that are in a data set twice: a copy in another part of a split would be a leak."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from semiray.errors import SemirayError
from semiray.radiographs.pixels.framing import axis_weights
from semiray.radiographs.pixels.images import ImageArray

__all__ = ["exact_duplicates", "near_duplicates", "perceptual_hash", "unite_patients"]

_SIDE = 32
_FREQUENCIES = 8
_LOW = 7  # largest sum of the two frequencies of a coordinate: 35 coordinates
_PIXELS = 1 << 20  # in memory at once, as float32
_BLOCK = 1024  # images compared with as many others at once
_SAMPLE = 4096  # images from which the widest coordinate of a set is estimated
_PAIRS = 1024  # pairs of thumbnails in memory at once


def perceptual_hash(images: ImageArray) -> npt.NDArray[np.uint64]:
    """Hash images so that copies differ in few bits, whatever their size, brightness, contrast and compression.

    The images are shrunk to 32 x 32. The 8 x 8 lowest frequencies of their discrete cosine transform, without the
    constant ones, are compared with their median and give one bit each (pHash: Zauner, *Implementation and
    Benchmarking of Perceptual Image Hash Functions*, 2010).

    Args:
        images: (N, H, W) uint8.

    Returns:
        (N,) uint64.

    Example:
        >>> image = np.random.default_rng(0).integers(0, 200, (1, 64, 64), dtype=np.uint8)
        >>> bool(perceptual_hash(image) == perceptual_hash(image + 9))
        True
    """
    hashes = np.empty(len(images), np.uint64)
    for part in _parts(images):
        hashes[part] = _hash(_thumbnails(images[part]))
    return hashes


def exact_duplicates(contents: Sequence[str]) -> list[tuple[int, ...]]:
    """Group files with the same content.

    Args:
        contents: (N,) hashes of contents; empty strings (unreadable files) equal nothing.

    Returns:
        Groups of at least two indices, each sorted, ordered by their first.
    """
    groups: dict[str, list[int]] = {}
    for i, content in enumerate(contents):
        if content:
            groups.setdefault(content, []).append(i)
    return [tuple(group) for group in groups.values() if len(group) > 1]


def near_duplicates(images: ImageArray, *, distance: int = 10, correlation: float = 0.99) -> list[tuple[int, ...]]:
    """Group images that are copies of each other, apart from size, compression, brightness, contrast or a cut margin.

    Pairs whose perceptual hashes differ in few bits are candidates. All chest X-rays look alike to a hash of 64 bits
    (in a set of 3,991 paediatric images, 281 pairs of different images were within 6 bits). Therefore the candidates'
    32 x 32 thumbnails must also correlate: different images did by at most 0.988; copies at half size, at JPEG quality
    10 or with a gamma of 1.3 by at least 0.99.

    Images are read once in their order, and candidates again. Only hashes are held in memory; 140 bytes of coordinates
    per image are kept in a temporary file.

    Args:
        images: (N, H, W) uint8.
        distance: number of the 64 bits in which the hashes of candidates may differ.
        correlation: smallest correlation of thumbnails. An image of one grey level correlates with nothing.

    Returns:
        Groups of at least two indices, each sorted, ordered by their first; exact copies are included.
    """
    parent: dict[int, int] = {}
    for i, j in _candidates(images, distance, correlation):
        rows, place = np.unique([i, j], return_inverse=True)
        first, second = _normalised(_thumbnails(images[rows]))[place.reshape(2, -1)]
        for k in np.flatnonzero(np.einsum("nhw,nhw->n", first, second) >= correlation):
            _unite(parent, int(i[k]), int(j[k]))
    return _groups(parent)


def unite_patients(patients: Sequence[str] | npt.NDArray[Any], groups: Sequence[Sequence[int]]) -> npt.NDArray[Any]:
    """Unite patients who share a radiograph, so that a split by patient keeps copies in one part.

    Args:
        patients: (N,) ids, text or numbers.
        groups: groups of indices that are copies of each other, as ``near_duplicates`` returns them.

    Returns:
        (N,) ids: for united patients, the one that occurs first.

    Raises:
        SemirayError: if a group names an image that isn't there.
    """
    ids = np.asarray(patients)
    if any(not 0 <= i < len(ids) for group in groups for i in group):
        raise SemirayError(f"groups= of duplicates contain indices outside 0 to {len(ids) - 1}.")
    if not groups:
        return ids
    touched = np.unique(ids[[i for group in groups for i in group]])
    rows = np.flatnonzero(np.isin(ids, touched))  # other patients stay as they are
    _, first, patient = np.unique(ids[rows], return_index=True, return_inverse=True)
    number = {int(row): int(p) for row, p in zip(rows, patient, strict=True)}
    parent: dict[int, int] = {}
    for group in groups:
        for i in group[1:]:
            _unite(parent, number[group[0]], number[i])
    root = np.array([_root(parent, i) for i in range(len(touched))], dtype=np.int64)
    leader = np.full(len(touched), len(rows))
    np.minimum.at(leader, root, first)
    united = np.array(ids)
    united[rows] = ids[rows[leader[root[patient]]]]
    return united


def _parts(images: ImageArray) -> Iterator[slice]:
    """Slices of few enough images to be held in memory."""
    n, height, width = images.shape
    step = max(1, _PIXELS // (height * width))
    return (slice(first, min(first + step, n)) for first in range(0, n, step))


def _thumbnails(images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """(N, 32, 32) float32: every pixel the mean of the area that it covers."""
    _, height, width = images.shape
    small: npt.NDArray[np.float32] = (
        axis_weights(height, _SIDE) @ images.astype(np.float32) @ axis_weights(width, _SIDE).T
    )
    return small


def _normalised(thumbnails: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Mean 0 and length 1, so that products are correlations; an image of one grey level becomes 0."""
    centred = thumbnails - thumbnails.mean(axis=(1, 2), keepdims=True)
    length = np.linalg.norm(centred, axis=(1, 2), keepdims=True)
    return np.asarray(centred / np.where(length > 1e-3, length, np.inf), dtype=np.float32)


def _hash(thumbnails: npt.NDArray[np.float32]) -> npt.NDArray[np.uint64]:
    frequency, position = np.arange(1, _FREQUENCIES + 1), np.arange(_SIDE)
    cosine = np.cos(np.pi * frequency[:, None] * (2 * position + 1) / (2 * _SIDE)).astype(np.float32)
    spectrum = (cosine @ thumbnails @ cosine.T).reshape(len(thumbnails), _FREQUENCIES**2)
    bits = spectrum > np.median(spectrum, axis=1, keepdims=True)
    return np.packbits(bits, axis=1).view(">u8").astype(np.uint64).reshape(-1)


def _coordinates(thumbnails: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Lowest coefficients of the orthonormal cosine transform of normalised thumbnails, (N, 35).

    The distance of two images in these is at most their distance in all: at a correlation of r, sqrt(2 - 2 r).
    """
    frequency, position = np.arange(_LOW + 1), np.arange(_SIDE)
    cosine = np.cos(np.pi * frequency[:, None] * (2 * position + 1) / (2 * _SIDE)) * np.sqrt(2 / _SIDE)
    cosine[0] = np.sqrt(1 / _SIDE)
    total = frequency[:, None] + frequency
    low = (total > 0) & (total <= _LOW)
    return np.asarray((cosine @ _normalised(thumbnails) @ cosine.T)[:, low], dtype=np.float32)


def _candidates(
    images: ImageArray, distance: int, correlation: float
) -> Iterator[tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]]:
    """Pairs i < j, in batches, with close hashes and possibly with such a correlation."""
    if len(images) < 2:
        return
    hashes = np.empty(len(images), np.uint64)
    with tempfile.TemporaryFile() as file:
        points = np.memmap(file, np.float32, "w+", shape=(len(images), (_LOW + 1) * (_LOW + 2) // 2 - 1))
        for part in _parts(images):
            small = _thumbnails(images[part])
            hashes[part], points[part] = _hash(small), _coordinates(small)
        for i, j in _close_pairs(points, 2 - 2 * correlation + 1e-4):  # more than the errors of float32
            differing = np.unpackbits((hashes[i] ^ hashes[j]).view(np.uint8).reshape(-1, 8), axis=1).sum(axis=1)
            i, j = i[differing <= distance], j[differing <= distance]
            for start in range(0, len(i), _PAIRS):
                yield i[start : start + _PAIRS], j[start : start + _PAIRS]


def _close_pairs(
    points: npt.NDArray[np.float32], square: float
) -> Iterator[tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]]:
    """Pairs of points (N, D) whose squared distance is at most ``square``, each once, in batches.

    Blocks of neighbours are compared by one matrix product where their bounding boxes are close enough. For images that
    all look alike this is faster than a tree of single points.
    """
    blocks = _blocks(points)
    low, high = (np.stack([reach(points[block], axis=0) for block in blocks]) for reach in (np.min, np.max))
    for a, block in enumerate(blocks):
        gap = np.maximum(0, np.maximum(low[a:] - high[a], low[a] - high[a:]))
        ours = points[block]
        half = np.square(ours).sum(axis=1) / 2
        left = np.concatenate([ours, half[:, None], np.ones_like(half)[:, None]], axis=1)
        for b in np.flatnonzero(np.square(gap).sum(axis=1) <= square) + a:
            theirs = points[blocks[b]]
            other = np.square(theirs).sum(axis=1) / 2
            # -|x - y|² / 2 = x y - |x|² / 2 - |y|² / 2
            right = np.concatenate([theirs, -np.ones_like(other)[:, None], -other[:, None]], axis=1)
            found = np.flatnonzero(left @ right.T >= -square / 2)
            i, j = np.divmod(found, len(theirs))
            if a == b:
                i, j = i[i < j], j[i < j]
            first, second = block[i], blocks[b][j]
            yield np.minimum(first, second), np.maximum(first, second)


def _blocks(points: npt.NDArray[np.float32]) -> list[npt.NDArray[np.int32]]:
    """Blocks of neighbours: sets are halved along their widest coordinate until they are small."""
    blocks, left = [], [np.arange(len(points), dtype=np.int32)]
    while left:
        rows = left.pop()
        if len(rows) <= _BLOCK:
            blocks.append(rows)
            continue
        axis = int(points[rows[:: -(-len(rows) // _SAMPLE)]].std(axis=0).argmax())
        middle = len(rows) // 2
        order = np.argpartition(points[rows, axis], middle)
        left += [rows[order[middle:]], rows[order[:middle]]]
    return blocks


def _root(parent: dict[int, int], i: int) -> int:
    while (above := parent.get(i, i)) != i:
        parent[i] = parent.get(above, above)
        i = above
    return i


def _unite(parent: dict[int, int], i: int, j: int) -> None:
    a, b = sorted((_root(parent, i), _root(parent, j)))
    parent[a], parent[b] = a, a


def _groups(parent: dict[int, int]) -> list[tuple[int, ...]]:
    """Groups of the indices that were united; ``parent`` doesn't contain the others."""
    groups: dict[int, list[int]] = {}
    for i in sorted(parent):
        groups.setdefault(_root(parent, i), []).append(i)
    return sorted(tuple(group) for group in groups.values())

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

__all__ = ["low_frequencies", "near_duplicates", "unite_patients"]

_SIDE = 32
_FREQUENCIES = 8
_LOW = 7  # largest sum of the two frequencies of a coordinate: 35 coordinates
_PIXELS = 1 << 20  # in memory at once, as float32
_BLOCK = 1024  # images compared with as many others at once
_SAMPLE = 4096  # images from which the widest coordinate of a set is estimated
_PAIRS = 1024  # pairs of thumbnails in memory at once


def near_duplicates(images: ImageArray, *, distance: int = 10, correlation: float = 0.99) -> list[tuple[int, ...]]:
    """Group images that are copies of each other, apart from size, compression, brightness, contrast or a cut margin.

    Pairs whose perceptual hashes differ in few bits are candidates. All chest X-rays look alike to a hash of 64 bits,
    therefore the candidates' 32 x 32 thumbnails must also correlate. Images are read once in their order, and
    candidates again. Only hashes are held in memory; 140 bytes of coordinates per image are kept in a temporary file.

    Args:
        images: (N, H, W) uint8.
        distance: number of the 64 bits in which the hashes of candidates may differ.
        correlation: smallest correlation of thumbnails. An image of one grey level correlates with nothing.

    Returns:
        Groups of at least two indices, each sorted, ordered by their first; exact copies are included.
    """
    pairs = [np.zeros((2, 0), np.int64)]
    for i, j in _candidates(images, distance, correlation):
        rows, place = np.unique([i, j], return_inverse=True)
        first, second = _normalised(_thumbnails(images[rows]))[place.reshape(2, -1)]
        pairs.append(np.stack([i, j])[:, np.einsum("nhw,nhw->n", first, second) >= correlation])
    members, pair = np.unique(np.concatenate(pairs, axis=1), return_inverse=True)
    groups: dict[int, list[int]] = {}
    for i, group in zip(members.tolist(), _united(pair, len(members)).tolist(), strict=True):
        groups.setdefault(group, []).append(i)
    return [tuple(group) for group in groups.values()]


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
    rows = np.flatnonzero(np.isin(ids, ids[[i for group in groups for i in group]]))  # other patients stay as they are
    _, first, patient = np.unique(ids[rows], return_index=True, return_inverse=True)
    pairs = np.array([(group[0], i) for group in groups for i in group], np.int64)
    person = _united(patient[np.searchsorted(rows, pairs)].T, len(first))
    leader = np.full(len(first), len(rows))
    np.minimum.at(leader, person, first)
    united = np.array(ids)
    united[rows] = ids[rows[leader[person[patient]]]]
    return united


def low_frequencies(images: npt.NDArray[np.uint8], highest: int) -> npt.NDArray[np.float32]:
    """Describe images by the lowest coefficients of the cosine transform of their 32 x 32 thumbnails.

    Args:
        images: (N, H, W) uint8.
        highest: largest sum F of the two frequencies of a coefficient.

    Returns:
        (N, (F + 1) (F + 2) / 2 - 1), of length 1 at most; zeros where an image has one grey level.
    """
    return _coordinates(_thumbnails(images), highest)


def _united(pairs: npt.NDArray[np.int64], n: int) -> npt.NDArray[np.int32]:
    """The group (n,) that each of n belongs to when pairs (2, P) are united."""
    from scipy.sparse import coo_array  # SciPy is slow to import, and generating does not need it
    from scipy.sparse.csgraph import connected_components

    pairs = pairs.reshape(2, -1)
    graph = coo_array((np.ones(pairs.shape[1], bool), (pairs[0], pairs[1])), shape=(n, n))
    groups: npt.NDArray[np.int32] = connected_components(graph, directed=False)[1]
    return groups


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
    """Hashes (N,) that differ in few bits between copies: the signs of the lowest frequencies relative to their median.

    That is pHash: Zauner, *Implementation and Benchmarking of Perceptual Image Hash Functions*, 2010.
    """
    frequency, position = np.arange(1, _FREQUENCIES + 1), np.arange(_SIDE)
    cosine = np.cos(np.pi * frequency[:, None] * (2 * position + 1) / (2 * _SIDE)).astype(np.float32)
    spectrum = (cosine @ thumbnails @ cosine.T).reshape(len(thumbnails), _FREQUENCIES**2)
    bits = spectrum > np.median(spectrum, axis=1, keepdims=True)
    return np.packbits(bits, axis=1).view(">u8").astype(np.uint64).reshape(-1)


def _coordinates(thumbnails: npt.NDArray[np.float32], highest: int = _LOW) -> npt.NDArray[np.float32]:
    """Lowest coefficients of the orthonormal cosine transform of normalised thumbnails, (N, D); 35 by default.

    The distance of two images in these is at most their distance in all: at a correlation of r, sqrt(2 - 2 r).
    """
    frequency, position = np.arange(highest + 1), np.arange(_SIDE)
    cosine = np.cos(np.pi * frequency[:, None] * (2 * position + 1) / (2 * _SIDE)) * np.sqrt(2 / _SIDE)
    cosine[0] = np.sqrt(1 / _SIDE)
    total = frequency[:, None] + frequency
    low = (total > 0) & (total <= highest)
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
        n, height, width = images.shape
        step = max(1, _PIXELS // (height * width))
        for start in range(0, n, step):
            part = slice(start, start + step)
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

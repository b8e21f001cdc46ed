from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from semiray.errors import SemirayError
from semiray.radiographs.loading import load_radiographs
from semiray.radiographs.pixels import duplicates
from semiray.radiographs.pixels.duplicates import near_duplicates, unite_patients


def compressed(image: np.ndarray) -> np.ndarray:
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, "JPEG", quality=70)
    return np.asarray(Image.open(stream))


def halved(image: np.ndarray) -> np.ndarray:
    small = Image.fromarray(image).resize((image.shape[1] // 2, image.shape[0] // 2), Image.Resampling.BOX)
    return np.asarray(small.resize(image.shape[::-1], Image.Resampling.BILINEAR))


COPIES = {
    "compressed": compressed,
    "halved": halved,
    "darker": lambda image: (image * 0.7).astype(np.uint8),
    "flatter": lambda image: (image * 0.5 + 60).astype(np.uint8),
    "gamma": lambda image: (255 * (image / 255) ** 1.1).astype(np.uint8),
}


def hashed(images: np.ndarray) -> np.ndarray:
    return duplicates._hash(duplicates._thumbnails(images))


def popcount(a: np.ndarray) -> np.ndarray:
    return np.unpackbits(np.ascontiguousarray(a).view(np.uint8).reshape(len(a), -1), axis=1).sum(axis=1)


@pytest.mark.parametrize("name", COPIES)
def test_copies_are_found_and_nothing_else(name, pictures):
    images = pictures(40, 64, seed=0)
    copies = np.stack([COPIES[name](image) for image in images[::4]])
    found = near_duplicates(np.concatenate([images, copies]))
    assert found == [(4 * i, 40 + i) for i in range(10)]


def test_hashes_of_copies_are_near_and_of_others_far(pictures):
    images = pictures(60, 64, seed=1)
    hashes = hashed(images)
    assert hashes.dtype == np.uint64
    for name, change in COPIES.items():
        assert popcount(hashes ^ hashed(np.stack([change(image) for image in images]))).max() <= 10, name
    assert popcount(hashes[:-1] ^ hashes[1:]).min() > 10
    # Whatever the size.
    np.testing.assert_array_equal(popcount(hashes ^ hashed(images.repeat(2, 1).repeat(2, 2))), 0)


def test_chains_of_copies_are_one_group(pictures):
    images = pictures(6, 64, seed=2)
    images[3] = COPIES["darker"](images[1])
    images[5] = COPIES["compressed"](images[3])
    assert near_duplicates(images) == [(1, 3, 5)]


def test_blank_images_are_no_copies_of_one_another():
    assert near_duplicates(np.stack([np.full((64, 64), v, np.uint8) for v in (0, 0, 128)])) == []


def test_nothing_and_one(pictures):
    assert near_duplicates(np.zeros((0, 8, 8), np.uint8)) == []
    assert near_duplicates(pictures(1, 16, 3)) == []


def test_copies_are_found_across_blocks():
    images = np.random.default_rng(4).integers(0, 256, (2500, 16, 16), dtype=np.uint8)
    images[2400] = images[10]
    images[1100] = images[1023]
    assert near_duplicates(images) == [(10, 2400), (1023, 1100)]


@pytest.mark.parametrize("block", [1, 7, 100])
def test_blocks_of_neighbours_lose_no_pair(block, monkeypatch, pictures):
    images = pictures(150, 24, seed=5)
    rng = np.random.default_rng(6)
    veiled = images[rng.integers(0, 150, 300)] * 0.9 + pictures(300, 24, seed=7) * rng.uniform(0, 0.2, (300, 1, 1))
    everything = np.concatenate([images, veiled.astype(np.uint8)])
    small = duplicates._normalised(duplicates._thumbnails(everything)).reshape(len(everything), -1)
    pairs = np.argwhere(np.triu(small @ small.T >= 0.99, 1))
    monkeypatch.setattr(duplicates, "_BLOCK", block)
    points = duplicates._coordinates(duplicates._thumbnails(everything))
    found = {pair for i, j in duplicates._close_pairs(points, 0.02 + 1e-4) for pair in zip(i, j, strict=True)}
    assert len(pairs) > 50
    assert {(int(i), int(j)) for i, j in pairs} <= {(int(i), int(j)) for i, j in found}
    assert len(found) < 10 * len(pairs)


def test_patients_who_share_an_image_become_one():
    patients = np.array(["b", "a", "c", "c", "d", "a"])
    united = unite_patients(patients, [(0, 1), (3, 5)])
    assert united.tolist() == ["b", "b", "b", "b", "d", "b"]
    assert unite_patients(patients, []).tolist() == patients.tolist()
    assert unite_patients(np.array([4, 2, 9, 9, 0, 2], np.int32), [(0, 1), (3, 5)]).tolist() == [4, 4, 4, 4, 0, 4]
    with pytest.raises(SemirayError, match="outside 0 to"):
        unite_patients(patients, [(0, 6)])


def test_real_radiographs_that_look_alike_are_not_called_copies(shared_data, tmp_path):
    xrays = load_radiographs(shared_data / "hannover", resolution=64, cache=tmp_path)
    images = np.concatenate([xrays.images, np.stack([compressed(image) for image in xrays.images[:20]])])
    assert near_duplicates(images) == [(i, 243 + i) for i in range(20)]

from __future__ import annotations

import numpy as np

from semiray.radiographs.pixels.images import ImageArray, field_means, shrink
from semiray.radiographs.store.sets import ShardImages

RNG = np.random.default_rng(0)


def test_arrays_and_images_in_shards_are_image_arrays(tmp_path):
    array = np.zeros((3, 8, 8), np.uint8)
    np.save(tmp_path / "a.npy", array)
    for images in (
        array,
        np.load(tmp_path / "a.npy", mmap_mode="r"),
        ShardImages([], np.zeros((3, 3), np.int64), 8, "crop"),
    ):
        assert isinstance(images, ImageArray)
        assert (images.shape, images.ndim, images.dtype, len(images)) == ((3, 8, 8), 3, np.uint8, 3)
    assert not isinstance([array], ImageArray)


def test_fields_are_averaged() -> None:
    images = RNG.integers(0, 256, (3, 32, 64)).astype(np.uint8)
    means = images.reshape(3, 16, 2, 16, 4).mean(axis=(2, 4))
    np.testing.assert_allclose(shrink(images, 16), means, rtol=1e-5)


def test_fields_that_do_not_divide_cover_every_pixel_once() -> None:
    matrix = field_means(37, 16)
    np.testing.assert_allclose(matrix.sum(axis=1), 1, rtol=1e-6)
    assert ((matrix > 0).sum(axis=0) == 1).all()
    assert set((matrix > 0).sum(axis=1)) == {2, 3}


def test_a_shift_repeats_the_edge() -> None:
    line = RNG.integers(0, 256, 32).astype(np.float32)
    moved = np.append(line[3:], np.repeat(line[-1], 3))
    np.testing.assert_allclose(field_means(32, 8, 3) @ line, field_means(32, 8) @ moved, rtol=1e-5)
    moved = np.append(np.repeat(line[0], 3), line[:-3])
    np.testing.assert_allclose(field_means(32, 8, -3) @ line, field_means(32, 8) @ moved, rtol=1e-5)

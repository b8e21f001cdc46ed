from __future__ import annotations

import numpy as np

from semiray.radiographs.pixels.images import ImageArray
from semiray.radiographs.store.shard_images import ShardImages


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

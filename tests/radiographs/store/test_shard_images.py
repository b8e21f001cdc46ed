from __future__ import annotations

import io
import pickle

import numpy as np
import pytest
from PIL import Image

from semiray.errors import SemirayError
from semiray.radiographs.store.shard_images import ShardImages

PIXELS = np.random.default_rng(0).integers(0, 256, (9, 12, 12), dtype=np.uint8)


@pytest.fixture
def images(tmp_path):
    paths, places = [tmp_path / "a.tar", tmp_path / "b.tar"], []
    contents = [b"header", b""]
    for i, image in enumerate(PIXELS):
        stream = io.BytesIO()
        Image.fromarray(image).save(stream, "PNG")
        places.append((i % 2, len(contents[i % 2]), len(stream.getvalue())))
        contents[i % 2] += stream.getvalue() + bytes(i)
    for path, content in zip(paths, contents, strict=True):
        path.write_bytes(content)
    return ShardImages(paths, np.array(places, np.int64), 12, "crop")


INDICES = [
    *(0, -1, np.int64(3), slice(2, 7, 2), slice(None), [4, 4, 0], [], np.array([[0, 1], [8, -1]])),
    *(PIXELS[:, 0, 0] > 100, (3, 2), ([1, 2], slice(3, 5)), (slice(0, 2), slice(None), 4), np.zeros(9, bool)),
]


@pytest.mark.parametrize("index", INDICES, ids=str)
def test_it_answers_as_an_array_would(images, index):
    found = images[index]
    assert isinstance(found, np.ndarray) or found.ndim == 0
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found, PIXELS[index if not isinstance(index, list) or index else slice(0)])


def test_it_looks_like_an_array(images):
    assert (images.shape, images.dtype, images.ndim, len(images)) == (PIXELS.shape, PIXELS.dtype, 3, 9)
    np.testing.assert_array_equal(np.asarray(images), PIXELS)
    np.testing.assert_array_equal(np.asarray(images, dtype=np.float32), PIXELS)
    np.testing.assert_array_equal(np.stack(list(images)), PIXELS)


@pytest.mark.parametrize("index", [9, -10, [0, 9], np.zeros(8, bool), [0.5]], ids=str)
def test_wrong_indices_are_index_errors(images, index):
    with pytest.raises(IndexError):
        images[index]


def test_other_processes_may_use_it(images):
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(images))[[2, 5]], PIXELS[[2, 5]])


def test_a_shard_that_changed_is_a_sentence(images, tmp_path):
    (tmp_path / "b.tar").write_bytes(b"x" * 40)
    np.testing.assert_array_equal(images[[0, 2]], PIXELS[[0, 2]])
    with pytest.raises(SemirayError, match=r"b\.tar: an image that could be read .* cut off"):
        images[[0, 1]]
    (tmp_path / "b.tar").unlink()
    with pytest.raises(SemirayError, match=r"b\.tar is gone"):
        images[1]

from __future__ import annotations

import io
import pickle

import numpy as np
import pytest
from PIL import Image

from semiray.errors import SemirayError
from semiray.radiographs.pixels.decoding import Decoder
from semiray.radiographs.reading.options import ReadingOptions
from semiray.radiographs.reading.readers import read_records
from semiray.radiographs.store.decoded import write_decoded
from semiray.radiographs.store.sets import ShardImages, check_options, fill, open_set

PIXELS = np.random.default_rng(0).integers(0, 256, (9, 12, 12), dtype=np.uint8)
OPTIONS = ReadingOptions(label_from="[NP]", patient_from=r"(\d)\.png")


@pytest.fixture
def decoder(tmp_path, draw):
    for i in range(12):
        draw(tmp_path / "data" / "NP"[i % 2] / f"{i:02d}.png", seed=i)
    (tmp_path / "data" / "N" / "broken.png").write_bytes(b"no image")
    return Decoder(read_records(tmp_path / "data", OPTIONS), 16)


def test_a_set_is_read_from_disk_and_says_what_it_was_made_from(decoder, tmp_path):
    folder = tmp_path / "set"
    folder.mkdir()
    fill(folder, decoder, OPTIONS)
    stored = open_set(folder, resolution=16, framing="crop", verify=True)
    data = stored.radiographs
    for values in (data.images, data.labels, data.patients, data.patient_codes):
        assert isinstance(values, np.memmap)
        assert not values.flags.writeable
    keys = [record.key for record in decoder.listing.records if "broken" not in record.key]
    assert list(data.keys) == keys
    assert [data.classes[label] for label in data.labels] == [key[0] for key in keys]
    assert data.patients.tolist() == [key[-5] for key in keys]
    names, codes = np.unique(data.patients, return_inverse=True)
    np.testing.assert_array_equal(data.patient_codes, codes)
    assert len(names) == 10
    assert (data.options, stored.resolution) == (OPTIONS.model_copy(update={"framing": "crop"}), 16)
    assert [(file.key, bool(file.problem)) for file in stored.files if file.problem] == [("N/broken.png", True)]
    assert [key for key, _ in data.skipped] == ["N/broken.png"]


def test_pixels_that_are_there_are_not_decoded_again(decoder, tmp_path, monkeypatch):
    folder = tmp_path / "set"
    folder.mkdir()
    write_decoded(folder, decoder, decoder.identify()[1])
    monkeypatch.setattr(Decoder, "decode", lambda *_: pytest.fail("decoded again"))
    fill(folder, decoder, OPTIONS)
    assert len(open_set(folder).radiographs) == 12


def test_other_options_are_refused(tmp_path):
    check_options(tmp_path, OPTIONS, OPTIONS)
    check_options(tmp_path, OPTIONS, ReadingOptions())
    with pytest.raises(SemirayError, match=r"fixed when it was prepared \(label_column not given\)"):
        check_options(tmp_path, OPTIONS, ReadingOptions(label_column="diagnosis"))


@pytest.fixture
def images(tmp_path):
    paths, places = [tmp_path / "a.tar", tmp_path / "b.tar"], []
    contents = [b"header", b""]
    for i, image in enumerate(PIXELS):
        stream = io.BytesIO()
        Image.fromarray(image if i % 3 else 255 - image).save(stream, "PNG")
        places.append((i % 2, len(contents[i % 2]), len(stream.getvalue()), i % 3 == 0))
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

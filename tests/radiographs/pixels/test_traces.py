from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from semiray.errors import SemirayError
from semiray.radiographs.loading import load_radiographs
from semiray.radiographs.pixels.traces import Traces


def compressed(image: np.ndarray) -> np.ndarray:
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, "JPEG", quality=50)
    return np.asarray(Image.open(stream))


def resized(image: np.ndarray) -> np.ndarray:
    small = Image.fromarray(image).resize((40, 40), Image.Resampling.BILINEAR)
    return np.asarray(small.resize((64, 64), Image.Resampling.BICUBIC))


COPIES = {
    "compressed": compressed,
    "resized": resized,
    "darker": lambda image: (image * 0.7).astype(np.uint8),
    "flatter": lambda image: (image * 0.5 + 60).astype(np.uint8),
    "gamma": lambda image: (255 * (image / 255) ** 1.1).astype(np.uint8),
}


@pytest.mark.parametrize("name", COPIES)
def test_copies_are_recognised_and_nothing_else(name, pictures):
    images = pictures(40, 64, seed=0)
    traces = Traces.of(images[:20])
    found = traces.find(np.stack([COPIES[name](image) for image in images]))
    np.testing.assert_array_equal(found.alike, np.arange(40) < 20)
    np.testing.assert_array_equal(found.recognised, found.alike)
    assert not found.identical.any()


def test_the_same_pixels_are_identical_wherever_they_lie():
    images = np.random.default_rng(1).integers(0, 256, (500, 16, 16), dtype=np.uint8)
    traces = Traces.of(images, np.arange(0, 500, 2))
    found = traces.find(images[::-1])
    np.testing.assert_array_equal(found.identical, np.arange(499, -1, -1) % 2 == 0)
    assert not found.alike.any()
    assert traces.find(images, np.array([3, 4])).identical.tolist() == [False, True]


def test_copies_at_another_resolution_are_recognised(pictures):
    assert Traces.of(pictures(9, 64, seed=2)).find(pictures(9, 128, seed=2)).alike.all()


def test_blank_images_prove_nothing():
    blank = np.stack([np.full((32, 32), v, np.uint8) for v in (0, 0, 128)])
    found = Traces.of(blank[:1]).find(blank)
    assert found.blank.all()
    assert not found.recognised.any()


def test_images_are_read_a_few_at_a_time():
    asked: list[int] = []

    class Watched(np.ndarray):
        def __getitem__(self, index):
            asked.append(len(index))
            return np.asarray(self)[index]

    images = np.zeros((300, 128, 128), np.uint8).view(Watched)
    assert len(Traces.of(images)) == 300
    assert max(asked) <= 64
    assert sum(asked) == 300


def test_a_trace_is_no_picture_and_says_nothing_of_its_file(pictures):
    images = pictures(50, 64, seed=3)
    rows = Traces.of(images).rows
    assert rows.dtype.itemsize == 85
    turned = Traces.of(images[::-1]).rows
    np.testing.assert_array_equal(rows, turned)


def test_saved_traces_are_the_same(tmp_path, pictures):
    images = pictures(5, 32, seed=4)
    traces = Traces.of(images)
    traces.save(tmp_path / "traces.npy")
    assert [path.name for path in tmp_path.iterdir()] == ["traces.npy"]
    np.testing.assert_array_equal(Traces.load(tmp_path / "traces.npy").rows, traces.rows)


def test_united_traces_are_those_of_both_sets_once(pictures):
    images = pictures(8, 32, seed=7)
    both = Traces.of(images[:5]).united(Traces.of(images[3:]))
    np.testing.assert_array_equal(both.rows, Traces.of(images).rows)
    smaller = Traces.of(pictures(3, 16, seed=8))
    assert len(both.united(smaller)) == 11


def test_what_holds_no_traces_is_told_in_a_sentence(tmp_path, pictures):
    path = tmp_path / "traces.npy"
    with pytest.raises(SemirayError, match="can't be read"):
        Traces.load(path)
    Traces.of(pictures(5, 32, seed=5)).save(path)
    whole = path.read_bytes()
    larger = whole.replace(b"(5,)", b"(9999999999999,)")
    for content in (b"", b"nonsense", b"PK\x03\x04", whole[:40], whole[:-1], whole.replace(b"{", b"(", 1), larger):
        path.write_bytes(content)
        with pytest.raises(SemirayError, match="aren't traces"):
            Traces.load(path)
    for array in (np.zeros(5), np.zeros((2, 2), np.uint8), Traces.of(pictures(5, 32, seed=5)).rows[:0]):
        np.save(path, array)
        with pytest.raises(SemirayError, match="aren't traces"):
            Traces.load(path)
    np.save(path, np.array([{}]), allow_pickle=True)
    with pytest.raises(SemirayError, match="aren't traces"):
        Traces.load(path)
    with pytest.raises(SemirayError, match="can't be written"):
        Traces.of(pictures(1, 32, seed=6)).save(tmp_path / "no" / "traces.npy")


def test_other_patients_are_not_recognised(shared_data, tmp_path):
    xrays = load_radiographs(shared_data / "kermany", resolution=64, cache=tmp_path)
    first = np.isin(xrays.patients, np.unique(xrays.patients)[::2])
    traces = Traces.of(xrays.images, np.flatnonzero(first))
    assert not traces.find(xrays.images, np.flatnonzero(~first)).recognised.any()
    copies = np.stack([compressed(image) for image in xrays.images[first][:50]])
    assert traces.find(copies).recognised.all()

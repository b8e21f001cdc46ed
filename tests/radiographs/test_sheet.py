from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from semiray.errors import SemirayError
from semiray.radiographs.pixels.marks import OUTPUT, synthetic_mark
from semiray.radiographs.sheet import contact_sheet


def flat(values) -> np.ndarray:
    return np.array(values, np.uint8)[:, None, None] * np.ones((1, 16, 16), np.uint8)


def test_images_stand_in_rows_on_white():
    page = np.asarray(contact_sheet(flat([10, 20, 30, 40, 50]), columns=3, tile=20))
    assert page.dtype == np.uint8
    assert page[0].min() == 255
    assert [page[20, 16 + 22 * i + 5] for i in range(3)] == [10, 20, 30]
    assert [page[42, 16 + 22 * i + 5] for i in range(3)] == [40, 50, 255]


def test_labels_make_blocks_with_headings():
    images, labels = flat([10, 200, 10, 200]), ["a", "b", "a", "b"]
    page = np.asarray(contact_sheet(images, labels, columns=4, tile=16, title="title"))
    rows = np.flatnonzero((page == 10).sum(axis=1) >= 32)
    others = np.flatnonzero((page == 200).sum(axis=1) >= 32)
    assert len(rows) == len(others) == 16
    assert rows.max() < others.min()
    # Something dark is written above either block and on top.
    for above in (page[: rows.min() - 20], page[rows.max() + 1 : others.min()]):
        assert (above < 200).any()


def test_blocks_stand_in_the_order_asked_for():
    images, labels = flat([10, 200, 60]), ["b", "a", "c"]
    page = np.asarray(contact_sheet(images, labels, order=("a", "none", "b"), columns=4, tile=16))
    tops = [np.flatnonzero((page == value).sum(axis=1) >= 16).min() for value in (200, 10, 60)]
    assert tops == sorted(tops)


def test_of_many_images_some_from_all_over_are_shown():
    page = np.asarray(contact_sheet(flat(range(200)), columns=5, rows=1, tile=8))
    assert [page[20, 16 + 10 * i + 4] for i in range(5)] == [0, 50, 100, 149, 199]


def test_wrong_input():
    with pytest.raises(SemirayError, match="at least one image"):
        contact_sheet(np.zeros((0, 8, 8), np.uint8))
    with pytest.raises(SemirayError, match="1 for 2"):
        contact_sheet(flat([1, 2]), ["a"])


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF"])
def test_saved_sheets_say_what_they_are(kind):
    stream = io.BytesIO()
    contact_sheet(flat([10, 20])).save(stream, format=kind)
    assert synthetic_mark(stream.getvalue()) == OUTPUT


def test_own_words_may_be_saved_with_it(tmp_path):
    contact_sheet(flat([10, 20])).save(tmp_path / "page.jpg", quality=90, comment="mine")
    with Image.open(tmp_path / "page.jpg") as image:
        assert image.info["comment"] == b"mine"

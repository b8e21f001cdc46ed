from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from semiray.radiographs.reading.records import IMAGE_SUFFIXES, TABLE_SUFFIXES, Listing, Record

RECORD = Record(Path("data/a.png"), "a.png", None, "a.png", {})


def test_a_record_is_a_whole_file_unless_it_says_otherwise():
    assert (RECORD.offset, RECORD.size) == (0, None)
    with pytest.raises(dataclasses.FrozenInstanceError):
        RECORD.label = "COVID"


def test_a_listing_is_as_long_as_its_records():
    assert len(Listing(Path("data"), "a folder", (RECORD, RECORD))) == 2


def test_no_suffix_is_an_image_and_a_table():
    assert not IMAGE_SUFFIXES & TABLE_SUFFIXES
    assert all(suffix == suffix.lower() and suffix.startswith(".") for suffix in IMAGE_SUFFIXES | TABLE_SUFFIXES)

from __future__ import annotations

import dataclasses
from dataclasses import replace
from pathlib import Path

import pytest

from semiray.radiographs.reading.records import IMAGE_SUFFIXES, TABLE_SUFFIXES, Listing, Record, is_table, table_suffix
from semiray.radiographs.reading.summary import Advice, Summary

RECORD = Record(Path("data/a.png"), "a.png", None, "a.png", {})


def test_a_record_is_a_whole_file_unless_it_says_otherwise():
    assert (RECORD.offset, RECORD.size) == (0, None)
    with pytest.raises(dataclasses.FrozenInstanceError):
        RECORD.label = "COVID"


def test_a_listing_is_as_long_as_its_records():
    listing = Listing(Path("data"), (RECORD, replace(RECORD, key="b.png")), Summary("a folder", left_out={"masks": 1}))
    assert len(listing) == 2
    shorter = listing.without({"b.png": "masks"}, [Advice("dark", "--keep x")])
    assert [record.key for record in shorter.records] == ["a.png"]
    assert shorter.summary.left_out == {"masks": 2}
    assert shorter.summary.advice == (Advice("dark", "--keep x"),)


@pytest.mark.parametrize(
    ("name", "suffix"), [("a.csv", ".csv"), ("a.TSV.GZ", ".tsv"), ("a.xlsx", ".xlsx"), ("a.tar.gz", ""), ("a.png", "")]
)
def test_a_table_is_known_by_its_ending(name, suffix):
    assert table_suffix(name) == suffix
    assert is_table(name) == bool(suffix)


def test_no_suffix_is_an_image_and_a_table():
    assert not IMAGE_SUFFIXES & TABLE_SUFFIXES
    assert all(suffix == suffix.lower() and suffix.startswith(".") for suffix in IMAGE_SUFFIXES | TABLE_SUFFIXES)

from __future__ import annotations

from pathlib import Path

import pytest

from semiray.errors import SemirayError
from semiray.radiographs.reading.records import Record
from semiray.radiographs.reading.selection import choose_classes, compile_pattern, search

KEYS = [f"{folder}/{i}.png" for folder in ("COVID", "Normal") for i in range(3)]
RECORDS = [Record(Path(key), key, key.split("/")[0], key, {}) for key in KEYS]


def test_a_group_is_the_value_else_the_whole_match():
    notes = []
    assert (
        search(compile_pattern(r"/(\d)", "label_from"), KEYS, "label_from", "unlabelled", notes)["COVID/2.png"] == "2"
    )
    assert search(compile_pattern("COVID|Normal", "label_from"), KEYS, "", "", notes)["Normal/0.png"] == "Normal"
    assert not notes


def test_what_does_not_match_is_noted():
    notes = []
    found = search(compile_pattern("COVID", "label_from"), KEYS, "label_from", "unlabelled", notes)
    assert sorted(found) == KEYS[:3]
    assert notes == [f"label_from doesn't match 3 images, which are unlabelled: {', '.join(KEYS[3:])}."]


def test_no_pattern_stays_none_and_invalid_ones_are_explained():
    assert compile_pattern(None, "label_from") is None
    with pytest.raises(SemirayError, match=r"label_from=: not a regular expression.*\n  a\(\n   \^ here"):
        compile_pattern("a(", "label_from")
    with pytest.raises(SemirayError, match="matches the empty text"):
        compile_pattern("a*", "label_from")
    with pytest.raises(SemirayError, match=r"'zebra' matches none of 6 images.*COVID/0\.png"):
        search(compile_pattern("zebra", "label_from"), KEYS, "label_from", "unlabelled", [])


def test_classes_are_kept_renamed_and_merged():
    notes = []
    assert choose_classes(RECORDS, None, notes) == (RECORDS, ("COVID", "Normal"))
    kept, names = choose_classes(RECORDS, {"Normal": "healthy"}, notes)
    assert ([record.key for record in kept], names) == (KEYS[3:], ("healthy",))
    assert {record.label for record in kept} == {"healthy"}
    assert notes == ["3 images of other classes are left out: COVID 3."]
    merged, names = choose_classes(RECORDS, {"COVID": "x", "Normal": "x"}, [])
    assert (len(merged), names) == (6, ("x",))
    for classes in ({"flu": "flu"}, {}):
        with pytest.raises(SemirayError, match=r"COVID \(3\), Normal \(3\)"):
            choose_classes(RECORDS, classes, notes)

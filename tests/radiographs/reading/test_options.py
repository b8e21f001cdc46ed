from __future__ import annotations

import json
import time
from typing import get_type_hints

import pytest
from pydantic import ValidationError

from semiray.errors import SemirayError
from semiray.radiographs.reading.options import (
    ReadingKeywords,
    ReadingOptions,
    parse_classes,
    reading_options,
    write_class,
)
from semiray.radiographs.reading.patterns import compile_pattern, search


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("COVID", {"COVID": "COVID"}),
        ("B,A , Viral Pneumonia", {"B": "B", "A": "A", "Viral Pneumonia": "Viral Pneumonia"}),
        ("A=x, B=x, C", {"A": "x", "B": "x", "C": "C"}),
        ("A = x", {"A": "x"}),
        ('"COVID-19, Atelectasis"=mixed, "a ""b"""', {"COVID-19, Atelectasis": "mixed", 'a "b"': 'a "b"'}),
        ('Normal="x, y"', {"Normal": "x, y"}),
    ],
)
def test_classes_are_kept_renamed_and_merged(text, read):
    assert list(parse_classes(text).items()) == list(read.items())


@pytest.mark.parametrize("text", ["", ",", "A,,B", "=x", "A=", "A, A", "A=x, A=y", "A=x=y", '"A', 'A "B'])
def test_classes_that_make_no_sense_are_named(text):
    with pytest.raises(SemirayError, match="classes"):
        parse_classes(text)


@pytest.mark.parametrize("label", ["A", "a, b", 'a "b"', "a=b", " a"])
def test_written_classes_are_read_back(label):
    assert list(parse_classes(f"{write_class(label)}, other")) == [label, "other"]


def test_keywords_are_the_models_fields():
    assert list(get_type_hints(ReadingKeywords)) == list(ReadingOptions.model_fields)
    for name, field in ReadingOptions.model_fields.items():
        assert field.description, name


@pytest.mark.parametrize("classes", [["B", "A"], ("B", "A"), "B, A", {"B": "B", "A": "A"}])
def test_classes_come_as_a_list_a_mapping_or_text(classes):
    assert list(reading_options({"classes": classes}).classes.items()) == [("B", "B"), ("A", "A")]


def test_none_is_not_given():
    options = reading_options({"label_from": None, "framing": None, "path_column": "file"})
    assert options == ReadingOptions(path_column="file")
    assert options.framing == "crop"
    assert options.model_fields_set == {"path_column"}


def test_what_is_wrong_is_said():
    with pytest.raises(SemirayError, match="clases: no such option; the options are label_from, patient_from, classes"):
        reading_options({"clases": ["A"]})
    with pytest.raises(SemirayError, match=r"framing = 'stretch': .*'crop' or 'pad'"):
        reading_options({"framing": "stretch"})
    with pytest.raises(SemirayError, match="label_from = 3"):
        reading_options({"label_from": 3})


def test_options_cannot_be_changed():
    with pytest.raises(ValidationError):
        ReadingOptions().framing = "pad"


def test_the_selection_is_json():
    options = reading_options({"classes": {"A": "x", "B": "x"}, "framing": "pad"})
    assert json.loads(json.dumps(options.selection()))["classes"] == [["A", "x"], ["B", "x"]]
    assert list(options.selection()) == [name for name in ReadingOptions.model_fields if name != "framing"]
    for same in (options, ReadingOptions()):
        assert ReadingOptions.from_selection(same.selection(), same.framing) == same


KEYS = [f"{folder}/{i}.png" for folder in ("COVID", "Normal") for i in range(3)]


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


@pytest.mark.parametrize("text", [" " * 3000 + '"x', "a" + " " * 3000 + "=" + " " * 3000 + '"', '"' * 3001])
def test_no_text_of_classes_takes_long(text):
    started = time.monotonic()
    with pytest.raises(SemirayError, match="neither a label"):
        parse_classes(text)
    assert time.monotonic() - started < 2

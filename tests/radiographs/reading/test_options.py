from __future__ import annotations

from typing import get_type_hints

import pytest
from pydantic import ValidationError

from semiray.errors import SemirayError
from semiray.radiographs.reading.options import ReadingKeywords, ReadingOptions, parse_classes, reading_options


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("COVID", {"COVID": "COVID"}),
        ("B,A , Viral Pneumonia", {"B": "B", "A": "A", "Viral Pneumonia": "Viral Pneumonia"}),
        ("A=x, B=x, C", {"A": "x", "B": "x", "C": "C"}),
        ("A = x", {"A": "x"}),
    ],
)
def test_classes_are_kept_renamed_and_merged(text, read):
    assert list(parse_classes(text).items()) == list(read.items())


@pytest.mark.parametrize("text", ["", ",", "A,,B", "=x", "A=", "A, A", "A=x, A=y"])
def test_classes_that_make_no_sense_are_named(text):
    with pytest.raises(SemirayError, match="classes"):
        parse_classes(text)


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
    names = ["label_from", "patient_from", "classes", "label_column", "patient_column", "path_column"]
    assert options.selection() == dict.fromkeys(names) | {"classes": [["A", "x"], ["B", "x"]]}
    assert list(options.selection()) == names
    for same in (options, ReadingOptions()):
        assert ReadingOptions.from_selection(same.selection(), same.framing) == same

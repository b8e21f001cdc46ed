"""What a person reads who misspelt a name."""

from __future__ import annotations

from semiray.suggestions import suggestion, unknown


def test_an_unknown_name_comes_with_the_known_ones() -> None:
    assert unknown("family", "x", ["normal"]) == "no family 'x'; the families are normal"
    assert unknown("column", "x", []) == "no column 'x'; the columns are none"


def test_only_similar_words_are_suggested_as_they_are_written() -> None:
    assert suggestion("Duratin", ["duration"]) == ", did you mean 'duration'?"
    assert suggestion("viewpositon", ["Age", "ViewPosition"]) == ", did you mean 'ViewPosition'?"
    assert suggestion("x", ["duration"]) == ""

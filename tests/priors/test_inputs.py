"""What users write: numbers are numbers, and a misspelt name is met with a similar one."""

from __future__ import annotations

import pytest

from semiray.errors import SemirayError
from semiray.priors.inputs import check_name, number, short, suggestion, unknown


def test_numbers_are_finite_and_may_be_text() -> None:
    assert (number("1e-3", "x"), number(3, "x")) == (0.001, 3.0)
    for value, message in (
        (True, "x must be a number, not True"),
        ("ten", "'ten'"),
        ("inf", "x = inf must be finite"),
    ):
        with pytest.raises(SemirayError, match=message):
            number(value, "x")


def test_an_unknown_name_is_an_error_that_lists_the_known_ones() -> None:
    check_name("prior", "key", "factors", ["factors", "between"])
    with pytest.raises(SemirayError, match=r"^prior: no key 'factor', did you mean 'factors'\?; the keys are factors"):
        check_name("prior", "key", "factor", ["factors", "between"])
    assert unknown("family", "x", ["normal"]) == "no family 'x'; the families are normal"
    assert unknown("column", "x", []) == "no column 'x'; the columns are none"


def test_only_similar_words_are_suggested() -> None:
    assert suggestion("Duratin", ["duration"]) == ", did you mean 'duration'?"
    assert suggestion("x", ["duration"]) == ""


def test_long_values_are_cut() -> None:
    assert short([1, 2]) == "[1, 2]"
    assert len(short("a" * 200)) == 80

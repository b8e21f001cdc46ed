"""What users write: numbers are numbers, a similar name is suggested for a misspelt one, and cells may be missing."""

from __future__ import annotations

import pytest

from semiray.errors import SemirayError
from semiray.priors.inputs import MISSING, check_name, number, read_cell


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


WORDS = {"y": 1.0, "n": 0.0, "moved away": None, "1": 7.0}


@pytest.mark.parametrize(("cell", "value"), [("3", 3.0), (" -2.5 ", -2.5), ("1e2", 100.0), ("Y", 1.0), (" n", 0.0)])
def test_numbers_and_words(cell: str, value: float) -> None:
    assert read_cell(cell, WORDS) == value


@pytest.mark.parametrize("cell", [*sorted(MISSING), "NaN", " Unknown ", "N/A", "moved away"])
def test_what_is_not_known_is_none(cell: str) -> None:
    assert read_cell(cell, WORDS) is None


def test_a_number_may_be_a_word_however_it_is_written() -> None:
    assert read_cell("1", WORDS) == read_cell("1.0", WORDS) == read_cell("01", WORDS) == 7.0


def test_words_come_first_even_for_an_empty_cell() -> None:
    assert read_cell("", {"": 0.0}) == 0.0
    assert read_cell("", {}) is None


@pytest.mark.parametrize("cell", ["perhaps", "inf", "3 days", "1,5"])
def test_what_cannot_be_read_is_an_error(cell: str) -> None:
    with pytest.raises(ValueError, match=cell):
        read_cell(cell, WORDS)

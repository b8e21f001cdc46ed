"""Cells: numbers, words and the ways in which people write that they don't know."""

from __future__ import annotations

import pytest

from semiray.priors.grounding.cells import MISSING, is_missing, read_cell

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
    assert is_missing("")


@pytest.mark.parametrize("cell", ["perhaps", "inf", "3 days", "1,5"])
def test_what_cannot_be_read_is_an_error(cell: str) -> None:
    with pytest.raises(ValueError, match=cell):
        read_cell(cell, WORDS)

"""Text is parsed, never run, and errors point at the right character."""

from __future__ import annotations

import pytest

from semiray.errors import SemirayError
from semiray.expressions import pointing, read_expression


def said(line: str, **options: object) -> list[str]:
    with pytest.raises(SemirayError) as caught:
        read_expression(line, "event", "x == 1", **options)  # type: ignore[arg-type]
    return str(caught.value).split("\n")


def test_a_part_stands_where_it_is_written() -> None:
    expression = read_expression("'\u00e9' == x", "event", "x == 1")
    name = expression.tree.comparators[0]  # type: ignore[attr-defined]
    assert expression.place(name) == (7, 8)
    assert str(expression.problem(name, "no")) == "event: no\n  '\u00e9' == x\n         ^"


def test_signs_that_python_lacks_are_replaced_before_parsing_and_shown_in_errors() -> None:
    expression = read_expression("`\u00fc/b` == x", "keep", "x == 1", code="_____ == x")
    left = expression.tree.left  # type: ignore[attr-defined]
    assert expression.line[slice(*expression.place(left))] == "`\u00fc/b`"
    assert said("`\u00fc/b` = x", code="_____ = x") == [
        "event: equality is written ==",
        "  `\u00fc/b` = x",
        "        ^",
    ]


def test_habits_from_elsewhere_are_named_but_not_inside_quotes() -> None:
    assert said("x == 1 && y == 2")[0] == "event: write 'and' instead of '&&'"
    assert said("x == 'a|b=c' ==")[0] == "event: this can't be read; write for example x == 1"
    assert said("x == \u2018a\u2019")[0::2] == ["event: write straight quotes", "       ^"]


def test_length_and_depth_have_bounds() -> None:
    assert said("x" * 1001) == ["event: the text has 1,001 characters; at most 1,000 are allowed"]
    assert said("xx", most=1) == ["event: the text has 2 characters; at most 1 are allowed"]
    for deep in ("(" * 300 + "x" + ")" * 300, "not " * 20_000 + "x"):
        assert said(deep, most=100_000)[0].startswith("event: ")


def test_a_place_after_the_end_is_the_end() -> None:
    assert str(pointing("event", "x <", 9, 10, "no")) == "event: no\n  x <\n     ^"

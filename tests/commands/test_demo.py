"""`semiray demo`: what it refuses."""

from collections.abc import Callable

import pytest

Semiray = Callable[..., tuple[int, str, str]]
Refuses = Callable[..., str]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("demo", "--out", "DATA"), "in use"),
        (("demo", "--out", "NEW", "--minutes", "-1"), "--minutes"),
    ],
)
def test_bad_input_is_answered_in_a_sentence(refuses: Refuses, words: tuple[str, ...], told: str) -> None:
    assert told in refuses(*words)

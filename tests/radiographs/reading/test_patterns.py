"""Promises about users' regular expressions: Python's syntax, a place for every error, and an end in time."""

import re
import time

import pytest

from semiray.errors import SemirayError
from semiray.radiographs.reading.patterns import compile_pattern, search

KEYS = [f"p10/patient{i:05d}/study{i % 3}/view1_frontal.jpg" for i in range(60)] + ["00000013_005.png"]
USUAL = [
    r"patient(\d+)",
    r"^([^/]+)/",
    r"(?i)PATIENT\d{5}",
    r"(?P<who>\d{8})_\d{3}",
    r"study(?=\d)",
    r"(?<=study)\d",
    r"frontal|lateral",
    r"[^/]+(?=\.png$)",
    r"(?:p|q)1[0-9]{1}",
    r"\w+?_",
]


@pytest.mark.parametrize("pattern", USUAL)
def test_patterns_find_what_python_finds(pattern: str) -> None:
    group = 1 if re.compile(pattern).groups else 0
    expected = {key: match[group] for key in KEYS if (match := re.search(pattern, key))}
    compiled = compile_pattern(pattern, "patient_from")
    assert compiled is not None
    assert search(compiled, KEYS, "patient_from", "", []) == expected


@pytest.mark.parametrize(
    ("pattern", "says"),
    [
        ("a(", "position 1"),
        ("[", "position 0"),
        ("(" * 400 + ")" * 400, "too deeply nested|matches the empty"),
        ("(((a{1000}){1000}){1000}){1000}", "repetitions"),
        ("x{99999999999999}", "repetitions"),
        ("a" * 2_000, "2,000 characters"),
        ("(?:abc){e}", r"write \\\{"),
        (r"\p{L}", r"write \\\{|bad escape"),
        ("(?R)", "unknown extension"),
        ("a*", "empty text"),
        ("(?:a{,})*", "empty text"),
    ],
)
def test_what_is_no_pattern_is_a_sentence(pattern: str, says: str) -> None:
    with pytest.raises(SemirayError, match=says) as caught:
        compile_pattern(pattern, "label_from")
    assert str(caught.value).startswith("label_from=: ")


@pytest.mark.parametrize("pattern", ["(a|aa)+$", "(a+)+$", "(a*)*b", "(.*a){20}b"])
def test_every_search_ends(pattern: str) -> None:
    compiled = compile_pattern(pattern, "label_from")
    assert compiled is not None
    started = time.monotonic()
    with pytest.raises(SemirayError, match=r"takes too long|matches none"):
        search(compiled, ["a" * 60 + "!"], "label_from", "", [], seconds=0.3)
    assert time.monotonic() - started < 5


def test_none_is_none() -> None:
    assert compile_pattern(None, "label_from") is None

"""Reading one cell of a table: a number, a word with a numeric meaning, or a missing value."""

from __future__ import annotations

import math
from collections.abc import Mapping

__all__ = ["ANSWERS", "MISSING", "is_missing", "normal_word", "read_cell"]

MISSING = frozenset({"", "-", ".", "?", "n/a", "na", "nan", "none", "null", "missing", "not known", "unknown", "unk"})
"""Words for a missing value, in lower case."""

ANSWERS: Mapping[str, float] = {
    **dict.fromkeys(("yes", "y", "true"), 1.0),
    **dict.fromkeys(("no", "n", "false"), 0.0),
}
"""Words whose meaning is unambiguous, in lower case."""


def is_missing(cell: str) -> bool:
    """Whether a cell is a missing value: empty, `NaN`, `unknown`, or another word of `MISSING`.

    Example:
        >>> [is_missing(cell) for cell in ("", " N/A ", "unknown", "0")]
        [True, True, True, False]
    """
    return cell.strip().lower() in MISSING


def normal_word(cell: str) -> str:
    """A cell in the form in which words are compared: lower case, trimmed, numbers in their shortest form.

    Example:
        >>> normal_word(" Y "), normal_word("1.0")
        ('y', '1')
    """
    word = cell.strip().lower()
    value = _number(word)
    return word if value is None else f"{value:.15g}"


def read_cell(cell: str, words: Mapping[str, float | None]) -> float | None:
    """The number in a cell, or None for a missing value.

    `words` has precedence, so that even an empty cell can be given a meaning; then come the usual words for missing
    values; anything else must be a finite number.

    Args:
        cell: the text.
        words: the meaning of words (None: missing), with keys in the form of `normal_word`.

    Raises:
        ValueError: neither a known word nor a finite number.

    Example:
        >>> read_cell("N", {"y": 1.0, "n": 0.0}), read_cell("12.5", {}), read_cell("n/a", {})
        (0.0, 12.5, None)
    """
    word = normal_word(cell)
    if word in words:
        return words[word]
    if is_missing(cell):
        return None
    value = _number(word)
    if value is None:
        raise ValueError(cell)
    return value


def _number(word: str) -> float | None:
    try:
        value = float(word)
    except ValueError:
        return None
    return value if math.isfinite(value) else None

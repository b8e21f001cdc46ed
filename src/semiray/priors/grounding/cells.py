"""What one cell of a table says: a number, a word that stands for one, or nothing."""

from __future__ import annotations

import math
from collections.abc import Mapping

__all__ = ["ANSWERS", "MISSING", "is_missing", "normal_word", "read_cell"]

MISSING = frozenset({"", "-", ".", "?", "n/a", "na", "nan", "none", "null", "missing", "not known", "unknown", "unk"})
"""Words that say that nothing is known, in lower case."""

ANSWERS: Mapping[str, float] = {
    **dict.fromkeys(("yes", "y", "true"), 1.0),
    **dict.fromkeys(("no", "n", "false"), 0.0),
}
"""Words that everybody reads alike, in lower case."""


def is_missing(cell: str) -> bool:
    """Whether a cell says that nothing is known: empty, `NaN`, `unknown` and the like.

    Example:
        >>> [is_missing(cell) for cell in ("", " N/A ", "unknown", "0")]
        [True, True, True, False]
    """
    return cell.strip().lower() in MISSING


def normal_word(cell: str) -> str:
    """A cell as it is compared: lower case, without spaces around it, and a number in its shortest form.

    Example:
        >>> normal_word(" Y "), normal_word("1.0")
        ('y', '1')
    """
    word = cell.strip().lower()
    value = _number(word)
    return word if value is None else f"{value:.15g}"


def read_cell(cell: str, words: Mapping[str, float | None]) -> float | None:
    """The number that a cell says, or None where it says that nothing is known.

    `words` is asked first, so that even an empty cell can be given a meaning; then the usual words for missing; then it
    must be a finite number.

    Args:
        cell: the text.
        words: what words mean, their keys as `normal_word` writes them.

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

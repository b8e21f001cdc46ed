"""Reading what users write: numbers, names that may be misspelt, and cells of tables."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from semiray.errors import SemirayError
from semiray.escaping import shortened
from semiray.suggestions import unknown

__all__ = ["ANSWERS", "MISSING", "check_name", "normal_word", "number", "read_cell"]

MISSING = frozenset({"", "-", ".", "?", "n/a", "na", "nan", "none", "null", "missing", "not known", "unknown", "unk"})
"""Words for a missing value, in lower case."""

ANSWERS: Mapping[str, float] = {
    **dict.fromkeys(("yes", "y", "true"), 1.0),
    **dict.fromkeys(("no", "n", "false"), 0.0),
}
"""Words whose meaning is unambiguous, in lower case."""


def number(value: Any, entry: str) -> float:
    """A finite number from user input (YAML reads 1e-3 as text); the error names the entry."""
    try:
        if isinstance(value, bool) or str(getattr(value, "dtype", "")).endswith("bool"):
            raise TypeError
        result = float(value)
    except OverflowError:
        raise SemirayError(f"{entry} is too large a number") from None
    except (TypeError, ValueError, RuntimeError):
        raise SemirayError(f"{entry} must be a number, not {shortened(value)}") from None
    if not math.isfinite(result):
        raise SemirayError(f"{entry} = {result:g} must be finite")
    return result


def check_name(where: str, kind: str, name: Any, known: Iterable[str]) -> None:
    """Raise an error that says where, suggests a similar name and lists the known ones, unless a name is known."""
    known = list(known)
    if name not in known:
        raise SemirayError(f"{where}: {unknown(kind, name, known)}")


def normal_word(cell: str) -> str:
    """A cell in the form in which words are compared: lower case, trimmed, numbers in their shortest form."""
    word = cell.strip().lower()
    value = _finite(word)
    return word if value is None else f"{value:.15g}"


def read_cell(cell: str, words: Mapping[str, float | None]) -> float | None:
    """The number in a cell, or None for a missing value.

    `words`, with keys in the form of `normal_word`, have precedence, so that even an empty cell can be given a meaning
    (None: missing); then come the usual words for missing values; anything else must be a finite number.

    Raises:
        ValueError: neither a known word nor a finite number.
    """
    word = normal_word(cell)
    if word in words:
        return words[word]
    if word in MISSING:
        return None
    value = _finite(word)
    if value is None:
        raise ValueError(cell)
    return value


def _finite(word: str) -> float | None:
    try:
        value = float(word)
    except ValueError:
        return None
    if "_" in word:  # Python reads 12_3 as 123
        return None
    return value if math.isfinite(value) else None

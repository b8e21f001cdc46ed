"""Checks of what users write: numbers, and names that may be misspelt."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable
from typing import Any

from semiray.errors import SemirayError

__all__ = ["check_name", "number", "short", "suggestion", "unknown"]


def number(value: Any, entry: str) -> float:
    """A finite number from user input (YAML reads 1e-3 as text); the error names the entry.

    Raises:
        SemirayError: not a finite number.
    """
    try:
        if isinstance(value, bool):
            raise TypeError
        result = float(value)
    except (TypeError, ValueError):
        raise SemirayError(f"{entry} must be a number, not {value!r}") from None
    if not math.isfinite(result):
        raise SemirayError(f"{entry} = {result:g} must be finite")
    return result


def check_name(where: str, kind: str, name: Any, known: Iterable[str]) -> None:
    """Raise unless a name is known.

    Raises:
        SemirayError: it is unknown; the message says where, suggests a similar name and lists the known ones.
    """
    known = list(known)
    if name not in known:
        raise SemirayError(f"{where}: {unknown(kind, name, known)}")


def unknown(kind: str, name: Any, known: Iterable[str]) -> str:
    """The message about an unknown name.

    Example:
        >>> unknown("factor", "duratin", ["survival", "duration"])
        "no factor 'duratin', did you mean 'duration'?; the factors are survival, duration"
    """
    known = list(known)
    kinds = f"{kind[:-1]}ies" if kind.endswith("y") and kind != "key" else f"{kind}s"
    return f"no {kind} {name!r}{suggestion(str(name), known)}; the {kinds} are {', '.join(known) or 'none'}"


def suggestion(word: str, known: Iterable[str]) -> str:
    """', did you mean ...?' for a misspelt word, or the empty string if no known word is similar."""
    near = difflib.get_close_matches(word.lower(), list(known), n=1, cutoff=0.6)
    return f", did you mean {near[0]!r}?" if near else ""


def short(value: Any) -> str:
    """A value as text, cut to 80 characters."""
    text = str(value)
    return text if len(text) <= 80 else f"{text[:77]}..."

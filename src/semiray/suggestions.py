"""Sentences about names that nobody knows: what they may have meant, and which there are."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any

from semiray.escaping import shortened

__all__ = ["suggestion", "unknown"]

_LONGEST = 80  # characters of a name that are compared


def unknown(kind: str, name: Any, known: Iterable[str]) -> str:
    """The message about an unknown name.

    Examples:
        >>> unknown("factor", "duratin", ["survival", "duration"])
        "no factor 'duratin', did you mean 'duration'?; the factors are survival, duration"
    """
    known = list(known)
    kinds = f"{kind[:-1]}ies" if kind.endswith("y") and kind != "key" else f"{kind}s"
    near = suggestion(str(name)[:_LONGEST], known)
    return f"no {kind} {shortened(name)}{near}; the {kinds} are {', '.join(known) or 'none'}"


def suggestion(word: str, known: Iterable[str]) -> str:
    """', did you mean ...?' for a misspelt word, or the empty string if no known word is similar."""
    lower = {name.lower(): name for name in known}
    near = difflib.get_close_matches(word.lower(), lower, n=1, cutoff=0.6)
    return f", did you mean {lower[near[0]]!r}?" if near else ""

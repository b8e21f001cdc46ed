"""Users' regular expressions, searched in names of images within a time limit.

Patterns are those of Python's `re`, which checks them and says where they are wrong. They are searched by the package
`regex`, which can be stopped: `(a|aa)+$` would take years to find that a name of 60 letters doesn't match.
"""

from __future__ import annotations

import re
import time
import warnings
from collections.abc import Sequence
from math import prod

import regex

from semiray.errors import SemirayError
from semiray.radiographs.reading.summary import counted

__all__ = ["compile_pattern", "search", "spread"]

_LONGEST = 1000  # characters
_MOST_REPETITIONS = 100_000
_SECONDS = 15.0  # for all names together; a million need one
_COUNT = re.compile(r"\{(\d*)(?:,(\d*))?\}")
_BRACE = re.compile(r"(?<!\\)(?<!\\N)\{(?!\d*,?\d*\})")  # to `regex` it could mean: with errors


def compile_pattern(pattern: str | None, option: str) -> regex.Pattern[str] | None:
    """Compile a user's regular expression; None stays None. An error marks the place."""
    if pattern is None:
        return None
    if len(pattern) > _LONGEST:
        raise SemirayError(
            f"{option}=: a regular expression of {len(pattern):,} characters; at most {_LONGEST:,} are allowed."
        )
    if brace := _BRACE.search(pattern):
        raise _wrong(pattern, option, "write \\{ for a brace", brace.start())
    if prod(max([1, *(int(n) for n in found if n)]) for found in _counts(pattern)) > _MOST_REPETITIONS:
        raise SemirayError(f"{option}=: {pattern!r} asks for too many repetitions; use + or * instead.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about what a later Python may read differently
            re.compile(pattern)
            compiled: regex.Pattern[str] = regex.compile(pattern)
    except (re.error, regex.error) as error:
        raise _wrong(pattern, option, str(getattr(error, "msg", error)), getattr(error, "pos", None) or 0) from error
    except (RecursionError, OverflowError, MemoryError, ValueError) as error:
        raise SemirayError(f"{option}=: {pattern!r} is too deeply nested or too large.") from error
    try:
        empty = compiled.match("", timeout=1.0)
    except TimeoutError:
        empty = None
    if empty and not compiled.groups:
        raise SemirayError(f"{option}=: {pattern!r} matches the empty text, so it says nothing about any image.")
    return compiled


def search(
    pattern: regex.Pattern[str],
    keys: Sequence[str],
    option: str,
    otherwise: str,
    notes: list[str],
    *,
    seconds: float = _SECONDS,
) -> dict[str, str]:
    """Search a pattern in keys; group 1 is the value if there is a group, else the whole match.

    Returns:
        Values by key, for the keys that match; a note says that the others are ``otherwise``, unless that is empty.

    Raises:
        SemirayError: if no key matches, whose message shows some; or if the search takes longer than ``seconds``.
    """
    end, group, values = time.monotonic() + seconds, 1 if pattern.groups else 0, {}
    for key in keys:
        try:
            match = pattern.search(key, timeout=max(1e-3, end - time.monotonic()))
        except (TimeoutError, MemoryError) as error:
            raise SemirayError(
                f"{option}=: {pattern.pattern!r} takes too long to search: more than {seconds:g} seconds for "
                f"{len(keys):,} names, such as {key[:200]}. Avoid a repetition inside a repetition, as in (a+)+."
            ) from error
        if match and match.group(group):
            values[key] = str(match.group(group))
    if not values:
        raise SemirayError(
            f"{option}=: {pattern.pattern!r} matches none of {len(keys):,} images. "
            f"Examples of their names: {', '.join(spread(keys))}."
        )
    missed = [key for key in keys if key not in values]
    if missed and otherwise:
        are = counted(len(missed), "image, which is", "images, which are")
        notes.append(f"{option} doesn't match {are} {otherwise}: {', '.join(spread(missed))}.")
    return values


def spread(keys: Sequence[str], most: int = 4) -> list[str]:
    """Some names from the whole list, so that different folders are represented."""
    step = max(1, len(keys) // most)
    return list(keys[::step][:most])


def _counts(pattern: str) -> list[tuple[str, ...]]:
    return [tuple(number[:9] for number in found) for found in _COUNT.findall(pattern)]


def _wrong(pattern: str, option: str, problem: str, at: int) -> SemirayError:
    return SemirayError(
        f"{option}=: not a regular expression: {problem} at position {at}.\n  {pattern}\n  {' ' * at}^ here"
    )

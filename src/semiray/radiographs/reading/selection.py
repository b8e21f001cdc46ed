"""Applies the options for labels, patients and classes to keys, with errors that show the place."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from semiray.errors import SemirayError
from semiray.radiographs.reading.records import Record

__all__ = ["choose_classes", "compile_pattern", "search"]


def compile_pattern(pattern: str | None, option: str) -> re.Pattern[str] | None:
    """Compile a user's regular expression; None stays None.

    Raises:
        SemirayError: if it is invalid, with a mark under the place, or matches the empty text.
    """
    if pattern is None:
        return None
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        at = error.pos or 0
        raise SemirayError(
            f"{option}=: not a regular expression: {error.msg} at position {at}.\n  {pattern}\n  {' ' * at}^ here"
        ) from error
    if compiled.match("") and not compiled.groups:
        raise SemirayError(f"{option}=: {pattern!r} matches the empty text, so it says nothing about any image.")
    return compiled


def search(
    pattern: re.Pattern[str], keys: Sequence[str], option: str, otherwise: str, notes: list[str]
) -> dict[str, str]:
    """Search a pattern in keys.

    Args:
        pattern: what is searched; group 1 is the value if there is a group, else the whole match.
        keys: the images' keys.
        option: the option's name for messages.
        otherwise: what the note says about images that don't match.
        notes: a note is added if images don't match, unless ``otherwise`` is empty.

    Returns:
        Values by key, for the keys that match.

    Raises:
        SemirayError: if no key matches; the message shows some.
    """
    values = {}
    for key in keys:
        match = pattern.search(key)
        value = match.group(1 if pattern.groups else 0) if match else None
        if value:
            values[key] = value
    if not values:
        raise SemirayError(
            f"{option}=: {pattern.pattern!r} matches none of {len(keys):,} images. "
            f"Examples of their names: {', '.join(_spread(keys))}."
        )
    missed = [key for key in keys if key not in values]
    if missed and otherwise:
        notes.append(
            f"{option} doesn't match {len(missed):,} images, which are {otherwise}: {', '.join(_spread(missed))}."
        )
    return values


def _spread(keys: Sequence[str], most: int = 4) -> list[str]:
    """Some names from the whole list, so that different folders are represented."""
    step = max(1, len(keys) // most)
    return list(keys[::step][:most])


def choose_classes(
    records: list[Record], classes: Mapping[str, str] | None, notes: list[str]
) -> tuple[list[Record], tuple[str, ...]]:
    """Keep, rename and merge classes.

    Args:
        records: all records.
        classes: labels to keep, in order, and what to call them; None keeps all.
        notes: a note is added if images are left out.

    Returns:
        The records that are kept and the class names in order.

    Raises:
        SemirayError: if no image has one of the classes; the message lists the labels.
    """
    counts = Counter(record.label for record in records if record.label is not None)
    if classes is None:
        return records, tuple(sorted(counts))
    unknown = [name for name in classes if name not in counts]
    if unknown or not classes:
        there = (
            ", ".join(f"{name} ({count:,})" for name, count in sorted(counts.items()))
            or "none, since no image has a label"
        )
        what = f"no image has the label {', '.join(map(repr, unknown))}" if unknown else "no class is named"
        raise SemirayError(f"classes=: {what}. The labels are: {there}.")
    kept = [
        replace(record, label=classes[record.label])
        for record in records
        if record.label is not None and record.label in classes
    ]
    if len(kept) < len(records):
        others = Counter(record.label or "(unlabelled)" for record in records if record.label not in classes)
        listed = ", ".join(f"{name} {count:,}" for name, count in sorted(others.items()))
        notes.append(f"{len(records) - len(kept):,} images of other classes are left out: {listed}.")
    return kept, tuple(dict.fromkeys(classes.values()))

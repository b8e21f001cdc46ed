"""What was read and what was not: counts and advice about a data set, for people and for programs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

__all__ = ["Advice", "Summary"]


class Advice(NamedTuple):
    """Something that looks wrong or unused in a data set.

    Attributes:
        text: what it is, in a sentence.
        option: the options that would mend it, ready to paste into a shell; empty where there is none.
    """

    text: str
    option: str = ""


@dataclass(frozen=True)
class Summary:
    """What was found in a data set, how it was understood, and what was left out.

    Attributes:
        layout: the layout that was recognised, in words.
        images: number of images that are used.
        patients: number of patients.
        patients_from: how patients were found, in words.
        labels_from: how classes or findings were found, in words; empty where there are none.
        classes: images per class; empty where nothing tells a class.
        findings: images per finding and state (``1``, ``0``, ``uncertain``, ``blank``); empty where there are none.
        parts: images per official part: ``train``, ``validation``, ``test``; empty where there are none.
        left_out: files that aren't used, per kind.
        columns: per column of few values, images per value.
        notes: what was guessed or joined, in sentences.
        advice: what looks wrong or unused, each with the options that would mend it.
    """

    layout: str
    images: int = 0
    patients: int = 0
    patients_from: str = ""
    labels_from: str = ""
    classes: Mapping[str, int] = field(default_factory=dict)
    findings: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    parts: Mapping[str, int] = field(default_factory=dict)
    left_out: Mapping[str, int] = field(default_factory=dict)
    columns: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    advice: tuple[Advice, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON types."""
        return {**asdict(self), "notes": list(self.notes), "advice": [one._asdict() for one in self.advice]}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Summary:
        """Make a summary of what ``to_dict`` returned."""
        advice = tuple(Advice(**one) for one in values["advice"])
        return cls(**{**values, "notes": tuple(values["notes"]), "advice": advice})

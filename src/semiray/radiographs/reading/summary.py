"""What was read and what was not: counts and advice about a data set, for people and for programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

from semiray.escaping import printable

__all__ = ["Advice", "Summary", "counted", "shell_option", "some"]


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

    def lines(self) -> list[str]:
        """Return it as lines of text for people."""
        lines = [
            f"{self.images:,} images of {self.patients:,} patients, read as {self.layout}",
            f"patients: {self.patients_from}",
        ]
        if self.classes or self.findings:
            lines.append(f"labels: {self.labels_from}")
        if self.classes:
            lines.append(f"classes: {_counted(self.classes, 20)}")
            if unlabelled := self.images - sum(self.classes.values()):
                lines[-1] += f", unlabelled {unlabelled:,}"
        elif not self.findings:
            lines.append("classes: none, nothing tells labels")
        if self.findings:
            present = {name: counts.get("1", 0) for name, counts in self.findings.items()}
            lines.append(f"findings (images that have it): {_counted(present, 20)}")
            unknown = {state: count for state in ("uncertain", "blank") if (count := self._cells(state))}
            if unknown:
                lines[-1] += "; cells: " + ", ".join(f"{state} {count:,}" for state, count in unknown.items())
        if self.parts:
            lines.append(f"official parts: {_counted(self.parts, 3)}")
        if self.left_out:
            lines.append(f"left out: {_counted(self.left_out, 20)}")
        lines += [f"note: {note}" for note in self.notes]
        for text, option in self.advice:
            lines.append(f"check: {text}" + (f" Try: {option}" if option else ""))
        return [printable(line) for line in lines]

    def _cells(self, state: str) -> int:
        return sum(counts.get(state, 0) for counts in self.findings.values())

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON types."""
        return {**asdict(self), "notes": list(self.notes), "advice": [one._asdict() for one in self.advice]}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Summary:
        """Make a summary of what ``to_dict`` returned."""
        advice = tuple(Advice(**one) for one in values["advice"])
        return cls(**{**values, "notes": tuple(values["notes"]), "advice": advice})


def _counted(counts: Mapping[str, int], most: int) -> str:
    listed = [f"{name} {count:,}" for name, count in list(counts.items())[:most]]
    return ", ".join(listed) + (f", and {len(counts) - most:,} more" if len(counts) > most else "")


def some(names: Sequence[str], most: int = 3) -> str:
    """The first names in a list, and whether there are more."""
    return ", ".join(names[:most]) + (", ..." if len(names) > most else "")


def counted(count: int, one: str, many: str) -> str:
    """A count with the words for one or for another number.

    Examples:
        >>> counted(1, "image has", "images have"), counted(2741, "image has", "images have")
        ('1 image has', '2,741 images have')
    """
    return f"{count:,} {one if count == 1 else many}"


def shell_option(name: str, value: str) -> str:
    r"""An option with its value between single quotes, as a shell takes it whatever the value is.

    Examples:
        >>> print(shell_option("--label-column", "patient's class"))
        --label-column 'patient'\''s class'
    """
    return f"{name} '" + value.replace("'", "'\\''") + "'"

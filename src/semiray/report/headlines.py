"""What a report comes to, gathered from the sections: the figures that matter, verdict and warnings; the summary."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from semiray.evaluation import Results, Skipped
from semiray.report.section import Headline, Section
from semiray.report.sections import sections

__all__ = ["headlines", "summarise", "verdict", "warnings"]

WIDTH = 110


def headlines(results: Results) -> list[Headline]:
    r"""The figures that matter, in the order of the sections: for cards, summary, `compare` and the model card.

    Examples:
        ``print(*headlines(results), sep="\n")``
    """
    return [
        replace(one, section=section.title)
        for section, result in _measured(results)
        for one in section.headlines(result, results)
    ]


def verdict(results: Results) -> list[str]:
    """What a report comes to, in a few sentences that claim no more than its intervals do.

    A sentence about something that was not measured is left out, except those about utility and privacy, whose absence
    a reader must know of. The rules are in docs/evaluation.md.
    """
    return [text for section in sections() if (text := section.sentence(results))]


def warnings(results: Results) -> list[str]:
    """What a reader must know before anything else."""
    return [text for section, result in _measured(results) if (text := section.warning(result))]


def summarise(results: Results) -> list[str]:
    r"""Put a report into lines for the terminal: the figures beside their floor or ceiling, and the verdict.

    Examples:
        ``print("\n".join(summarise(results)))``
    """
    figures = headlines(results)
    left = max((len(one.name) for one in figures), default=0) + 3
    lines = []
    for section in sections():
        rows = [f"  {one.name:{left}}{one!s:28} {one.beside}" for one in figures if one.section == section.title]
        result = results.get(section.result)
        if isinstance(result, Skipped) and section.missing:
            rows = [f"  not measured: {result.reason}"]
        if rows:
            lines += [f"{section.title}: {section.subtitle}", *map(str.rstrip, rows)]
    lines.append("Verdict")
    for text in (*verdict(results), *(f"Warning: {text}" for text in warnings(results))):
        lines += textwrap.wrap(text, WIDTH, initial_indent="  ", subsequent_indent="  ")
    return lines


def _measured(results: Results) -> Iterator[tuple[Section[Any], Any]]:
    for section in sections():
        result = section.found(results)
        if result is not None:
            yield section, result

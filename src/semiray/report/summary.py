"""A report in a few lines for the terminal: the verdict, and the figures that matter beside their floor or ceiling."""

from __future__ import annotations

import textwrap

from semiray.evaluation import Results
from semiray.report.headlines import headlines, verdict, warnings
from semiray.report.sections import sections

__all__ = ["summarise"]

WIDTH = 110


def summarise(results: Results) -> list[str]:
    r"""Put a report into lines for a person.

    Example:
        ``print("\n".join(summarise(results)))``
    """
    figures = headlines(results)
    left = max((len(one.name) for one in figures), default=0) + 3
    lines = []
    for section in sections():
        rows = [one for one in figures if one.section == section.title]
        skipped = section.skipped(results)
        if rows or (skipped is not None and section.missing):
            lines.append(f"{section.title}: {section.subtitle}")
        if skipped is not None and section.missing:
            lines.append(f"  not measured: {skipped.reason}")
        lines += [f"  {one.name:{left}}{one!s:28} {one.beside}".rstrip() for one in rows]
    lines.append("Verdict")
    for text in (*verdict(results), *(f"Warning: {text}" for text in warnings(results))):
        lines += textwrap.wrap(text, WIDTH, initial_indent="  ", subsequent_indent="  ")
    return lines

"""What a section of the report is made of: paragraphs, tables and figures as plain data, which the template renders.

Text is escaped by the template, except what is `Markup` already: `html` makes it, and escapes what it fills in.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from markupsafe import Markup

from semiray.evaluation import Interval

__all__ = ["Block", "Details", "Heading", "Pair", "Paragraph", "Picture", "Table"]
__all__ += ["cell", "cells", "ends", "html", "signed", "span"]


@dataclass(frozen=True)
class Heading:
    """A heading within a section."""

    text: str
    block: ClassVar = "heading"


@dataclass(frozen=True)
class Paragraph:
    """A paragraph; ``kind`` is a CSS class."""

    text: str
    kind: str = ""
    block: ClassVar = "paragraph"


@dataclass(frozen=True)
class Table:
    """A table that scrolls on a narrow page."""

    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    block: ClassVar = "table"


@dataclass(frozen=True)
class Picture:
    """A figure by its name, with a caption; nothing where there is no such figure. ``kind`` is a CSS class."""

    name: str
    caption: str = ""
    kind: str = ""
    block: ClassVar = "picture"


@dataclass(frozen=True)
class Pair:
    """Figures side by side, where the page is wide enough."""

    pictures: Sequence[Picture]
    block: ClassVar = "pair"


@dataclass(frozen=True)
class Details:
    """Blocks that are shown on demand; those of the kind ``dimensions`` are printed, too. ``text`` is preformatted."""

    summary: str
    blocks: Sequence[Block] = ()
    kind: str = ""
    text: str = ""
    block: ClassVar = "details"


Block = Heading | Paragraph | Table | Picture | Pair | Details


def html(text: str, *values: object) -> Markup:
    """Text with tags, its places ``{}`` filled with escaped values.

    Example:
        >>> html("<strong>{}</strong>", "a < b")
        Markup('<strong>a &lt; b</strong>')
    """
    return Markup(text).format(*values)


def cell(value: float, low: float, high: float) -> Markup:
    """A figure and, small, its interval."""
    return html("{:.3f} <small>{:.2f}–{:.2f}</small>", value, low, high)


def cells(*intervals: Interval) -> list[Markup]:
    """A cell for each figure with its interval."""
    return [cell(x.mean, x.low, x.high) for x in intervals]


def span(interval: Interval) -> str:
    """An interval in words."""
    return f"{interval.low:.2f} to {interval.high:.2f}"


def ends(interval: Interval) -> tuple[float, float, float]:
    """Figure, lower and upper end."""
    return interval.mean, interval.low, interval.high


def signed(value: float) -> str:
    """A difference with its sign."""
    return f"{value:+.3f}".replace("-", "−")

"""What a file in `sections` provides: guide, blocks, figures and headlines of one judgement, as plain data.

Text is escaped by the template, except what is `Markup` already: `html` makes it, and escapes what it fills in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass as plain
from dataclasses import field
from math import isfinite
from typing import Generic, TypeVar

from markupsafe import Markup
from matplotlib.figure import Figure
from pydantic.dataclasses import dataclass

from semiray.evaluation import Interval, Results, Skipped
from semiray.evaluation.results import Number, Result
from semiray.report.theme import Theme

__all__ = ["MEASURES", "Block", "Details", "Guide", "Headline", "Picture", "Section", "Table"]
__all__ += ["assumed", "cell", "cells", "dimensions", "ends", "html", "signed", "span"]

R = TypeVar("R", bound=Result)

MEASURES = {
    "r2": "R²",
    "accuracy": "accuracy",
    "ks": "KS distance",
    "total_variation": "total variation",
    "auroc": "AUROC",
    "concordance": "concordance",
}


@plain(frozen=True)
class Table:
    """A table that scrolls on a narrow page."""

    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    title: str = ""


@plain(frozen=True)
class Picture:
    """A figure by its name, with a caption; nothing where there is no such figure. ``kind`` is a CSS class."""

    name: str
    caption: str = ""
    kind: str = ""


@plain(frozen=True)
class Details:
    """A table or preformatted text that is shown on demand; of the kind ``dimensions`` it is printed, too."""

    summary: str
    table: Table | None = None
    kind: str = ""
    text: str = ""


Block = str | Table | Picture | tuple[Picture, ...] | Details
"""A string is a paragraph, and left out if it is empty; pictures in a tuple stand side by side."""


@dataclass(frozen=True)
class Headline(Result):
    """One of the figures that matter: what the cards, the summary, `compare` and the model card show.

    Attributes:
        name: What the figure is; unique in its section.
        value: The figure; None where it does not exist.
        low: Lower end of its 95 % interval; None where it has none.
        high: Upper end.
        reference: What it is compared with.
        reference_name: What that is: floor, ceiling, chance level, real images.
        unit: Behind the figure.
        digits: After the decimal point, for people.
        signed: Whether a plus sign is shown.
        sentence: The figure explained, on a card of its own; empty: no card.
        section: Title of the section that says more; `headlines` fills it in.
    """

    name: str
    value: Number | None
    low: Number | None = None
    high: Number | None = None
    reference: Number | None = None
    reference_name: str = ""
    unit: str = ""
    digits: int = 2
    signed: bool = False
    sentence: str = ""
    section: str = ""

    @property
    def title(self) -> str:
        """Section and name."""
        return f"{self.section}: {self.name}"

    @property
    def figure(self) -> str:
        """The value in words."""
        return self._write(self.value)

    @property
    def beside(self) -> str:
        """The reference in words; empty where there is none."""
        if self.reference is None:
            return ""
        return f"{self.reference_name} {self._write(self.reference) if self.reference else 0}"

    def __str__(self) -> str:
        low, high = self._write(self.low), self._write(self.high)
        interval = "" if "-" in (low, high) else f" ({low} to {high})"
        return f"{self.figure}{interval} {self.unit}".rstrip()

    def _write(self, value: float | None) -> str:
        if value is None or not isfinite(value):
            return "-"
        return f"{value:{'+' if self.signed and value else ''},.{self.digits}f}".replace("-", "−")


@plain(frozen=True)
class Guide:
    """What a reader must know before the figures of a section; text or `Markup`."""

    measured: str
    reading: str
    ends: str
    caveats: str


@plain(frozen=True)
class Section(Generic[R]):
    """How one judgement is shown.

    Each function is called with the judgement's result and with all results, and only where it was measured.

    Attributes:
        result: The class of the judgement's result.
        title: Of the section.
        guide: What a reader must know first.
        body: The section's blocks.
        subtitle: What the figures are, for the summary in the terminal.
        plots: Name of a figure -> the function that draws it; None where there is nothing to draw.
        real_plots: Those of them that show pixels of real images.
        headlines: The figures that matter.
        verdict: What the judgement comes to, in sentences that claim no more than its intervals do.
        warning: What a reader must know before anything else; empty where there is nothing.
        missing: Says that the judgement was not made, where a reader must know: stands before the reason.
    """

    result: type[R]
    title: str
    guide: Guide
    body: Callable[[R, Results], Iterable[Block]]
    subtitle: str = ""
    plots: Mapping[str, Callable[[R, Results, Theme], Figure | None]] = field(default_factory=dict)
    real_plots: frozenset[str] = frozenset()
    headlines: Callable[[R, Results], Iterable[Headline]] = lambda _result, _results: ()
    verdict: Callable[[R, Results], str] = lambda _result, _results: ""
    warning: Callable[[R], str] = lambda _: ""
    missing: str = ""

    @property
    def name(self) -> str:
        """The judgement's name, and the section's anchor."""
        return self.result.__module__.rpartition(".")[2]

    def found(self, results: Results) -> R | None:
        """The result, where the judgement was made."""
        result = results.get(self.result)
        return None if isinstance(result, Skipped) else result

    def sentence(self, results: Results) -> str:
        """The verdict on this judgement; empty where there is nothing to say."""
        result = results.get(self.result)
        if isinstance(result, Skipped):
            return f"{self.missing}: {result.reason}" if self.missing else ""
        return "" if result is None else self.verdict(result, results)

    def draw(self, name: str, results: Results, theme: Theme) -> Figure | None:
        """One of the figures; None where there is nothing to draw."""
        result = self.found(results)
        return None if result is None else self.plots[name](result, results, theme)


def html(text: str, *values: object) -> Markup:
    """Text with tags, its places ``{}`` filled with escaped values.

    Examples:
        >>> html("<strong>{}</strong>", "a < b")
        Markup('<strong>a &lt; b</strong>')
    """
    return Markup(text).format(*values)


def cell(value: float, low: float, high: float) -> Markup:
    """A figure and, small, its interval."""
    return html("{:.3f} <small>{:.2f}–{:.2f}</small>", value, low, high)


def cells(*intervals: Interval) -> list[Markup]:
    """A cell for each figure with its interval."""
    return [cell(*ends(x)) for x in intervals]


def span(interval: Interval) -> str:
    """An interval in words."""
    return f"{interval.low:.2f} to {interval.high:.2f}"


def ends(interval: Interval) -> tuple[float, float, float]:
    """Figure, lower and upper end."""
    return interval.mean, interval.low, interval.high


def signed(value: float) -> str:
    """A difference with its sign."""
    return f"{value:+.3f}".replace("-", "−")


def dimensions(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Details:
    """A table with a row per dimension."""
    return Details("All dimensions", Table(["dimension", *head], rows), "dimensions")


def assumed(results: Results) -> str:
    """Which factors' names no metadata ground, in a sentence or two; empty where all are or there is no run."""
    measured = [f"{name} ({measure})" for name, measure in results.measured.items()]
    lines = [f"Assumed names, not grounded in metadata: {', '.join(results.assumed)}."] if results.assumed else []
    lines += [f"Grounded in pixels, not in metadata: {', '.join(measured)}."] if measured else []
    return " ".join(lines)

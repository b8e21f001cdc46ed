"""What a file in `sections` provides: how one judgement is explained, shown and summarised."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass as plain
from dataclasses import field
from math import isfinite
from typing import Generic, TypeVar

from matplotlib.figure import Figure
from pydantic.dataclasses import dataclass

from semiray.evaluation import Results, Skipped
from semiray.evaluation.results import Number, Result
from semiray.report.blocks import Block
from semiray.report.theme import Theme

__all__ = ["Guide", "Headline", "Section", "assumed_note"]

R = TypeVar("R", bound=Result)


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
        ends = "" if "-" in (low, high) else f" ({low} to {high})"
        return f"{self.figure}{ends} {self.unit}".rstrip()

    def _write(self, value: float | None) -> str:
        if value is None or not isfinite(value):
            return "-"
        return f"{value:{'+' if self.signed and value else ''},.{self.digits}f}".replace("-", "−")


@plain(frozen=True)
class Guide:
    """What a reader must know before the figures of a section; text or `Markup`.

    Attributes:
        measured: What is measured.
        reading: How to read it.
        ends: Floor and ceiling.
        caveats: What the figures do not say.
    """

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
        return None if result is None or isinstance(result, Skipped) else result

    def skipped(self, results: Results) -> Skipped | None:
        """Why the judgement could not be made, if so."""
        result = results.get(self.result)
        return result if isinstance(result, Skipped) else None

    def sentence(self, results: Results) -> str:
        """The verdict on this judgement; empty where there is nothing to say."""
        result, skipped = self.found(results), self.skipped(results)
        if skipped is not None and self.missing:
            return f"{self.missing}: {skipped.reason}"
        return "" if result is None else self.verdict(result, results)

    def draw(self, name: str, results: Results, theme: Theme) -> Figure | None:
        """One of the figures; None where there is nothing to draw."""
        result = self.found(results)
        return None if result is None else self.plots[name](result, results, theme)


def assumed_note(results: Results) -> str:
    """Which factors' names are assumed, in a sentence; empty where all are grounded or there is no run."""
    return f"Assumed names, not grounded in metadata: {', '.join(results.assumed)}." if results.assumed else ""

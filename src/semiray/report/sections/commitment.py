"""Commitment: whether generated images follow the requested codes; read by the sorter, summarised with the probe."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure

from semiray.evaluation import CommitmentResult, ProbeResult, Results
from semiray.priors import factor_of
from semiray.report.blocks import Block, Details, Paragraph, Picture, Table, cell
from semiray.report.plots.dimensions import plot_dimensions
from semiray.report.section import Guide, Headline, Section, assumed_note
from semiray.report.theme import Theme

__all__ = ["CONDITIONS", "MEASURES", "SECTION", "Obedience", "obedience"]

MEASURES = {"r2": "R²", "accuracy": "accuracy"}
CONDITIONS = {"clean": "clean", "noise": "noise", "half": "half size", "jpeg": "JPEG"}


@dataclass(frozen=True)
class Obedience:
    """How well one factor is followed, averaged over its dimensions, where that is worst.

    Attributes:
        factor: Its name.
        measure: ``r2`` or ``accuracy``.
        value: The mean of its dimensions.
        low: The mean of their intervals' lower ends, which is no higher than the lower end for their mean.
        floor: Chance level.
        reader: Which network estimated the codes, in words.
    """

    factor: str
    measure: str
    value: float
    low: float
    floor: float
    reader: str

    @property
    def shown(self) -> bool:
        """Whether the estimate is significantly better than chance."""
        return self.low > self.floor

    @property
    def share(self) -> float:
        """The position between floor (0) and ceiling (1), to compare R² with accuracy."""
        return (self.value - self.floor) / max(1 - self.floor, 1e-9)


def obedience(results: Results) -> list[Obedience]:
    """Every factor where it is followed least: by the probe on its hardest images, or by the sorter without a probe."""
    commitment, probe = results.get(CommitmentResult), results.get(ProbeResult)
    if not isinstance(commitment, CommitmentResult):
        return []
    readings = {"estimated by the sorter, which is biased upwards": commitment}
    if isinstance(probe, ProbeResult):
        readings = {
            f"estimated by a fresh probe ({CONDITIONS[key]} images)": found for key, found in probe.conditions.items()
        }
    factors = dict.fromkeys(factor_of(row.name) for row in commitment.dimensions)
    return [
        min((_obedience(factor, found, reader) for reader, found in readings.items()), key=lambda one: one.value)
        for factor in factors
    ]


def _obedience(factor: str, found: CommitmentResult, reader: str) -> Obedience:
    rows = [row for row in found.dimensions if factor_of(row.name) == factor]
    value, low, floor = (float(np.mean([getattr(row, name) for row in rows])) for name in ("value", "low", "floor"))
    return Obedience(factor, rows[0].measure, value, low, floor, reader)


GUIDE = Guide(
    "Do generated images follow the requested codes? Requested codes are compared with codes that the sorter "
    "estimates from new images.",
    "R² (accuracy for discrete dimensions): 1 means that the codes are followed exactly, 0 not at all, below 0 "
    "that a constant guess would be better.",
    "Floor: 0, or the share of the most frequent value for accuracy; grey in the figure. Ceiling: 1.",
    "The figures of the sorter are biased upwards: it trained the generator and was rewarded for agreeing with it. "
    "Trust the fresh probe below. That a code is followed doesn't make the name of its factor true.",
)


def body(result: CommitmentResult, results: Results) -> Iterator[Block]:
    """Figure and table of all dimensions."""
    yield Paragraph(f"{result.n_images:,} new generated images, with other seeds than in training.")
    yield Paragraph(assumed_note(results), "faint small")
    yield Picture("commitment", "", "small-figure")
    rows = [[d.name, MEASURES[d.measure], cell(d.value, d.low, d.high), f"{d.floor:.2f}"] for d in result.dimensions]
    yield Details("All dimensions", (Table(["dimension", "measure", "sorter", "floor"], rows),), "dimensions")


def headlines(_: CommitmentResult, results: Results) -> Iterator[Headline]:
    """Every factor where it is followed least; the least of all with a card."""
    found = obedience(results)
    least = min(found, key=lambda one: one.share)
    for one in found:
        measure = MEASURES[one.measure]
        sentence = (
            f"{measure} of {one.factor}, the factor that images follow least, {one.reader}; chance level "
            f"{one.floor:.2f}, ceiling 1"
        )
        name, words = f"{one.factor} ({measure})", sentence if one is least else ""
        yield Headline(name, one.value, reference=one.floor, reference_name="chance level", sentence=words)


def verdict(_: CommitmentResult, results: Results) -> str:
    """Whether images follow every factor, and which one least."""
    found = obedience(results)
    least = min(found, key=lambda one: one.share)
    unseen = [one.factor for one in found if not one.shown]
    if unseen:
        names = " and ".join([", ".join(unseen[:-1]), unseen[-1]] if len(unseen) > 1 else unseen)
        return f"No evidence that generated images follow the requested {names}."
    chance = "" if least.measure == "r2" else f", chance level {least.floor:.2f}"
    every = f"all {len(found)} requested factors" if len(found) > 1 else f"the requested {least.factor}"
    which = f"least for {least.factor}, " if len(found) > 1 else ""
    return (
        f"Generated images follow {every} better than chance: {which}{MEASURES[least.measure]} {least.value:.2f} of 1, "
        f"{least.reader}{chance}."
    )


def plot(result: CommitmentResult, theme: Theme) -> Figure:
    """How well every dimension is followed: value, interval, floor; the ceiling is 1."""
    rows = result.dimensions
    return plot_dimensions(
        [row.name for row in rows],
        [(row.value, row.low, row.high) for row in rows],
        [(0.0 if row.measure == "r2" else row.floor) for row in rows],
        (max(-1.0, min(0.0, *(row.low for row in rows))), 1.02),
        "Commitment",
        theme.synthetic,
        theme,
    )


SECTION = Section(
    CommitmentResult,
    "Commitment",
    GUIDE,
    body,
    subtitle="do generated images follow the requested codes? 1 is perfect; where a fresh probe finds it hardest",
    plots={"commitment": lambda result, _, theme: plot(result, theme)},
    headlines=headlines,
    verdict=verdict,
)

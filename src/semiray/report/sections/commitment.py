"""Commitment: whether generated images follow the requested codes; read by the sorter, summarised with the probe."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure

from semiray.evaluation import CommitmentResult, ProbeResult, Results
from semiray.priors import factor_of
from semiray.report.section import MEASURES, Block, Guide, Headline, Picture, Section, assumed, cell, dimensions
from semiray.report.theme import Theme, plot_dimensions

__all__ = ["CONDITIONS", "SECTION", "Obedience", "obedience"]

CONDITIONS = {"clean": "clean", "noise": "noise", "half": "half size", "jpeg": "JPEG"}


@dataclass(frozen=True)
class Obedience:
    """How well one factor is followed, averaged over its dimensions, where that is worst.

    ``low``, the mean of their intervals' lower ends, is no higher than the lower end for their mean.
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
    return [
        min((_obedience(factor, found, reader) for reader, found in readings.items()), key=lambda one: one.value)
        for factor in commitment.means
    ]


def _obedience(factor: str, found: CommitmentResult, reader: str) -> Obedience:
    rows = [row for row in found.dimensions if factor_of(row.name) == factor]
    value, low, floor = (float(np.mean([getattr(row, name) for row in rows])) for name in ("value", "low", "floor"))
    return Obedience(factor, MEASURES[rows[0].measure], value, low, floor, reader)


def _body(result: CommitmentResult, results: Results) -> Iterator[Block]:
    yield f"{result.n_images:,} new generated images, with other seeds than in training."
    yield assumed(results)
    yield Picture("commitment", "", "small-figure")
    rows = [[d.name, MEASURES[d.measure], cell(d.value, d.low, d.high), f"{d.floor:.2f}"] for d in result.dimensions]
    yield dimensions(["measure", "sorter", "floor"], rows)


def _headlines(_: CommitmentResult, results: Results) -> Iterator[Headline]:
    found = obedience(results)
    least = min(found, key=lambda one: one.share)
    for one in found:
        sentence = (
            f"{one.measure} of {one.factor}, the factor that images follow least, {one.reader}; chance level "
            f"{one.floor:.2f}, ceiling 1"
        )
        name, words = f"{one.factor} ({one.measure})", sentence if one is least else ""
        yield Headline(name, one.value, reference=one.floor, reference_name="chance level", sentence=words)


def _verdict(_: CommitmentResult, results: Results) -> str:
    found = obedience(results)
    least = min(found, key=lambda one: one.share)
    unseen = [one.factor for one in found if not one.shown]
    if unseen:
        names = " and ".join([", ".join(unseen[:-1]), unseen[-1]] if len(unseen) > 1 else unseen)
        return f"No evidence that generated images follow the requested {names}."
    chance = f", chance level {least.floor:.2f}" if least.floor else ""
    every, which = f"the requested {least.factor}", ""
    if len(found) > 1:
        every, which = f"all {len(found)} requested factors", f"least for {least.factor}, "
    return (
        f"Generated images follow {every} better than chance: {which}{least.measure} {least.value:.2f} of 1, "
        f"{least.reader}{chance}."
    )


def _plot(result: CommitmentResult, _: Results, theme: Theme) -> Figure:
    limits = (max(-1.0, min(0.0, *(row.low for row in result.dimensions))), 1.02)
    return plot_dimensions("Commitment", result.dimensions, limits, theme.synthetic, theme)


SECTION = Section(
    CommitmentResult,
    "Commitment",
    Guide(
        "Do generated images follow the requested codes? These are compared with codes that the sorter estimates from "
        "new images.",
        "R² (accuracy for discrete dimensions): 1, the codes are followed exactly; 0, not at all; below 0, a constant "
        "guess would be better.",
        "Floor: 0, or the share of the most frequent value for accuracy; grey in the figure. Ceiling: 1.",
        "The sorter's figures are biased upwards: it trained the generator and was rewarded for agreeing with it. "
        "Trust the fresh probe below. That a code is followed doesn't make the name of its factor true.",
    ),
    _body,
    subtitle="do generated images follow the requested codes? 1 is perfect; where a fresh probe finds it hardest",
    plots={"commitment": _plot},
    headlines=_headlines,
    verdict=_verdict,
)

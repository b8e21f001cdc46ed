"""The energy distance: whether the codes of held-out real images follow the prior in all dimensions together."""

from __future__ import annotations

from collections.abc import Iterator

from matplotlib.figure import Figure

from semiray.evaluation import EnergyResult, Results, SortingResult
from semiray.report.blocks import Block, Paragraph, Picture, html
from semiray.report.plots.codes import plot_pairs
from semiray.report.section import Guide, Headline, Section, assumed_note
from semiray.report.theme import Theme

__all__ = ["SECTION"]


GUIDE = Guide(
    "Do the codes follow the prior in all dimensions together, correlations included?",
    "The energy distance is read as a multiple of its floor; it grows with the number of patients. The p-value is "
    "the share of random exchanges of patients and samples that give a distance at least as large: below 0.05, "
    "the codes differ significantly from the prior.",
    "Floor: the mean for two samples of the prior itself; 1 as a multiple. There is no ceiling.",
    "A large p-value does not prove that the codes follow the prior; with few patients it is always large.",
)


def body(result: EnergyResult, _: Results) -> Iterator[Block]:
    """The distance beside its floor, and codes in pairs."""
    yield Paragraph(
        html(
            "Energy distance between the codes of {:,} patients, one image each, and as many samples of the prior: "
            "<strong>{:.3f}</strong> ({:.3f} to {:.3f}), which is <strong>{:.1f} times</strong> its floor of {:.3f} "
            "(95 % of pairs of samples of the prior stay below {:.3f}). p = {:.3f} ({:,} permutations).",
            *(result.n_patients, result.statistic, result.low, result.high, result.ratio, result.floor),
            *(result.floor_high, result.p_value, result.permutations),
        )
    )
    yield Picture("pairs", "Leading dimensions in pairs and, on the diagonal, each one alone.")


def headlines(result: EnergyResult, _: Results) -> Iterator[Headline]:
    """The distance as a multiple of its floor."""
    low, high = result.low / result.floor, result.high / result.floor
    yield Headline("energy distance / floor", result.ratio, low, high, 1.0, "floor")


def _plot(_: EnergyResult, results: Results, theme: Theme) -> Figure | None:
    sorting = results.get(SortingResult)
    if not isinstance(sorting, SortingResult) or results.prior is None:
        return None
    return plot_pairs(sorting, results.prior, theme, assumed_note(results))


SECTION = Section(
    EnergyResult,
    "Joint sorting",
    GUIDE,
    body,
    subtitle="all dimensions of the codes together",
    plots={"pairs": _plot},
    headlines=headlines,
)

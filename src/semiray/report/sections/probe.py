"""The fresh probe: commitment as estimated by a network that has not met the generator, also on degraded images."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from matplotlib.figure import Figure

from semiray.evaluation import CommitmentResult, ProbeResult, Results
from semiray.report.section import MEASURES, Block, Guide, Picture, Section, assumed, cell, dimensions
from semiray.report.sections.commitment import CONDITIONS
from semiray.report.theme import Theme, blank, draw_dimensions, foot, style

__all__ = ["SECTION"]


def _body(result: ProbeResult, _: Results) -> Iterator[Block]:
    clean = result.conditions["clean"]
    yield (
        f"Trained on {result.n_train:,} generated images ({result.steps:,} batches; clean, noisy, reduced and "
        f"compressed images in equal shares), tested on {clean.n_images:,} others."
    )
    yield Picture("probe", "Dots: the probe. Rings: the sorter. Lines: 95 % intervals (bootstrap over images).")
    rows = []
    for d, *others in zip(*(result.conditions[key].dimensions for key in CONDITIONS), strict=True):
        figures = [cell(x.value, x.low, x.high) for x in (d, *others)]
        rows.append([d.name, MEASURES[d.measure], *figures, f"{d.floor:.2f}"])
    yield dimensions(["measure", *CONDITIONS.values(), "floor"], rows)


def _plot(result: ProbeResult, results: Results, theme: Theme) -> Figure:
    """One panel per condition; rings: the sorter, on clean images."""
    panels = {title: result.conditions[key].dimensions for key, title in CONDITIONS.items()}
    limits = (max(-1.0, min(0.0, *(row.low for rows in panels.values() for row in rows))), 1.06)
    figure = blank(8.4, 1.3 + 0.19 * len(panels["clean"]), theme)
    note = f"Dots: a fresh probe, R² or accuracy. Rings: the sorter. Grey: chance level. {assumed(results)}"
    bottom = foot(figure, theme, note)
    grid = figure.subplots(1, len(panels), sharey=True)
    for axes, (title, rows) in zip(grid, panels.items(), strict=True):
        style(axes, theme, title[0].upper() + title[1:])
        draw_dimensions(axes, rows, limits, theme.synthetic, theme)
    sorter = results.get(CommitmentResult)
    if isinstance(sorter, CommitmentResult):
        estimated = [max(row.value, limits[0]) for row in sorter.dimensions]
        places = np.arange(len(estimated))
        grid[0].plot(estimated, places, "o", markersize=7, markeredgecolor=theme.faint, color="none", zorder=3)
    figure.tight_layout(rect=(0, bottom, 1, 1), w_pad=0.6)
    return figure


SECTION = Section(
    ProbeResult,
    "Fresh probe",
    Guide(
        "Can someone else see the requested codes? A new network that has not met the generator learns from generated "
        "images to estimate the codes of others, clean and degraded.",
        "As for commitment. Noise: standard deviation 12.75 of 255 grey levels. Half size: and back. JPEG: quality 50. "
        "What survives these is visible to an eye or a classifier.",
        "As for commitment.",
        "A probe is a lower bound: a better network might see more. The generator can show a code as a faint tint or a "
        "grid: look at the maps of the visible effect. Intervals cover the choice of test images, not the probe's "
        "training.",
    ),
    _body,
    plots={"probe": _plot},
)

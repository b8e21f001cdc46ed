"""Sorting: whether the codes of held-out real images follow the assumed prior, each dimension alone."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from matplotlib.figure import Figure

from semiray.evaluation import Results, SortingResult
from semiray.priors import factor_of
from semiray.report.blocks import Block, Details, Paragraph, Picture, Table, cell, html
from semiray.report.plots.codes import plot_codes
from semiray.report.plots.dimensions import plot_dimensions
from semiray.report.section import Guide, Headline, Section, assumed_note
from semiray.report.theme import Theme

__all__ = ["SECTION"]

MEASURES = {"ks": "KS distance", "total_variation": "total variation"}


GUIDE = Guide(
    "Do the codes of held-out real images follow the assumed distributions? The sorter estimates the codes; each "
    "dimension is compared with the prior.",
    "Kolmogorov-Smirnov (KS) distance, or total variation for discrete dimensions: the largest difference in "
    "probability. 0 is the prior itself.",
    "Floor: the same distance between the prior and as many samples of it; a value within it can't be "
    "distinguished from the prior. Ceiling: 1.",
    "The sorter was trained to produce this distribution. These patients are new to it, but following a "
    "distribution doesn't make a name true. With few patients everything looks sorted.",
)


def body(result: SortingResult, results: Results) -> Iterator[Block]:
    """Figures and table of all dimensions."""
    worst = max(headlines(result, results), key=lambda one: one.value or 0.0)
    yield Paragraph(
        html(
            "Codes of {:,} held-out real images of {:,} patients. Worst: {}, <strong>{}</strong> on average, {}.",
            *(result.n_images, result.n_patients, worst.name, worst.figure, worst.beside),
        )
    )
    yield Paragraph(assumed_note(results), "faint small")
    yield Picture(
        "sorting", "Less is better. Grey: 95 of 100 samples of the prior itself lie within it.", "small-figure"
    )
    yield Picture(
        "codes",
        "Continuous factors: quantiles, on the dashed line if sorted; strong: leading dimension, faint: others. "
        "Discrete factors: bars are shares of values, lines across them those of the prior.",
    )
    rows = [
        [
            d.name,
            MEASURES[d.measure],
            cell(d.value, d.low, d.high),
            html("{:.3f} <small>(95 %: {:.3f})</small>", d.floor, d.floor_high),
        ]
        for d in result.dimensions
    ]
    yield Details("All dimensions", (Table(["dimension", "measure", "distance", "floor"], rows),), "dimensions")


def headlines(result: SortingResult, _: Results) -> Iterator[Headline]:
    """Every factor's distance, averaged over its dimensions."""
    for factor in result.means:
        rows = [row for row in result.dimensions if factor_of(row.name) == factor]
        name, floor = f"{factor} ({MEASURES[rows[0].measure]})", float(np.mean([row.floor for row in rows]))
        yield Headline(name, result.means[factor], reference=floor, reference_name="floor")


def plot(result: SortingResult, theme: Theme) -> Figure:
    """How far the real images' codes are from the prior: distance, interval, floor."""
    rows = result.dimensions
    return plot_dimensions(
        [row.name for row in rows],
        [(row.value, row.low, row.high) for row in rows],
        [row.floor_high for row in rows],
        (-0.004, max(0.25, *(row.high for row in rows)) * 1.02),
        "Distance from the prior",
        theme.real,
        theme,
    )


SECTION = Section(
    SortingResult,
    "Sorting",
    GUIDE,
    body,
    subtitle="how far are the codes of held-out images from the prior? 0 is perfect",
    plots={
        "sorting": lambda result, _, theme: plot(result, theme),
        "codes": lambda result, results, theme: plot_codes(result, results.prior, theme) if results.prior else None,
    },
    headlines=headlines,
)

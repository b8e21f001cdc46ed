"""Sorting: whether the codes of held-out real images follow the assumed prior, each dimension alone."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter
from numpy.typing import NDArray
from scipy.special import ndtri

from semiray.evaluation import Results, SortingResult
from semiray.priors import JointPrior, factor_of
from semiray.report.section import MEASURES, Block, Guide, Headline, Picture, Section, assumed, cell, dimensions, html
from semiray.report.theme import Theme, blank, plot_dimensions, style

__all__ = ["SECTION", "plot_codes"]

Floats = NDArray[np.float64]


def _body(result: SortingResult, results: Results) -> Iterator[Block]:
    worst = max(_headlines(result, results), key=lambda one: one.value or 0.0)
    yield html(
        "Codes of {:,} held-out real images of {:,} patients. Worst: {}, <strong>{}</strong> on average, {}.",
        *(result.n_images, result.n_patients, worst.name, worst.figure, worst.beside),
    )
    yield assumed(results)
    yield Picture("sorting", "Less is better. Grey: 95 of 100 samples of the prior lie within it.", "small-figure")
    yield Picture(
        "codes",
        "Continuous factors: quantiles, on the dashed line if sorted; strong: leading dimension, faint: others. "
        "Discrete factors: bars are shares of values, lines across them those of the prior.",
    )
    rows = []
    for d in result.dimensions:
        floor = html("{:.3f} <small>(95 %: {:.3f})</small>", d.floor, d.floor_high)
        rows.append([d.name, MEASURES[d.measure], cell(d.value, d.low, d.high), floor])
    yield dimensions(["measure", "distance", "floor"], rows)


def _headlines(result: SortingResult, _: Results) -> Iterator[Headline]:
    for factor, mean in result.means.items():
        rows = [row for row in result.dimensions if factor_of(row.name) == factor]
        name, floor = f"{factor} ({MEASURES[rows[0].measure]})", float(np.mean([row.floor for row in rows]))
        yield Headline(name, mean, reference=floor, reference_name="floor")


def _plot(result: SortingResult, _: Results, theme: Theme) -> Figure:
    limits = (-0.004, max(0.25, *(row.high for row in result.dimensions)) * 1.02)
    return plot_dimensions("Distance from the prior", result.dimensions, limits, theme.real, theme)


def plot_codes(result: SortingResult, prior: JointPrior, theme: Theme) -> Figure:
    """Draw one panel per factor: quantiles of codes beside the prior's, or shares of values if it is discrete."""
    codes = prior.codes(torch.from_numpy(result.scores)).numpy().astype(np.float64)
    columns = min(2, len(prior.factors))
    lines = -(-len(prior.factors) // columns)
    figure = blank(3.6 * columns, 3.1 * lines, theme)
    for k, factor in enumerate(prior.factors):
        axes = figure.add_subplot(lines, columns, k + 1)
        part = prior.slices[factor.name]
        unit = f" ({factor.unit})" if factor.unit else ""
        style(axes, theme, factor.name)
        if bool(prior.discrete[part.start]):
            _draw_shares(axes, codes[:, part], _quantiles(prior, (np.arange(4000) + 0.5) / 4000)[:, part], theme)
            axes.set(xlabel=f"value{unit}", ylabel="share")
        else:
            u = np.linspace(0.01, 0.99, 99)
            _draw_quantiles(axes, u, codes[:, part], _quantiles(prior, u)[:, part].astype(np.float64), theme)
            axes.set(xlabel=f"prior quantile{unit}", ylabel=f"real images' codes{unit}")
    figure.tight_layout()
    return figure


def _quantiles(prior: JointPrior, u: Floats) -> NDArray[np.floating]:
    """The codes (N, M) at these levels (N,) of the prior."""
    return prior.codes(torch.from_numpy(np.tile(ndtri(u)[:, None], prior.dimensions))).numpy()


def _draw_quantiles(axes: Axes, u: Floats, codes: Floats, expected: Floats, theme: Theme) -> None:
    ends = [float(expected.min()), float(expected.max())]
    axes.plot(ends, ends, color=theme.faint, linewidth=0.9, linestyle=(0, (3, 3)))
    for j in reversed(range(codes.shape[1])):
        width, alpha = (0.9, 0.55) if j else (2.0, 1.0)
        found = np.quantile(codes[:, j], u)
        axes.plot(expected[:, j], found, color=theme.real, linewidth=width, alpha=alpha)


def _draw_shares(axes: Axes, codes: Floats, expected: NDArray[np.floating], theme: Theme) -> None:
    values = np.unique(np.concatenate([expected.ravel(), codes.ravel()]))
    width = 0.8 / codes.shape[1]
    for j in range(codes.shape[1]):
        share, want = ([np.isclose(one[:, j], v).mean() for v in values] for one in (codes, expected))
        at = np.arange(len(values)) - 0.4 + (j + 0.5) * width
        axes.bar(at, share, width * 0.9, color=theme.real, alpha=0.55 if j else 1.0, linewidth=0)
        axes.hlines(want, at - width / 2, at + width / 2, color=theme.ink, linewidth=1.2)
    axes.grid(visible=False)
    axes.set_xticks(np.arange(len(values)), [f"{v:g}" for v in values])
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))


SECTION = Section(
    SortingResult,
    "Sorting",
    Guide(
        "Do the codes of held-out real images, as the sorter estimates them, follow the assumed distributions?",
        "Kolmogorov-Smirnov (KS) distance, or total variation for discrete dimensions: the largest difference in "
        "probability. 0 is the prior itself.",
        "Floor: the same distance for as many samples of the prior; below it no difference is visible. Ceiling: 1.",
        "The sorter was trained to produce this distribution. These patients are new to it, but following a "
        "distribution doesn't make a name true. With few patients everything looks sorted.",
    ),
    _body,
    subtitle="how far are the codes of held-out images from the prior? 0 is perfect",
    plots={
        "sorting": _plot,
        "codes": lambda result, results, theme: plot_codes(result, results.prior, theme) if results.prior else None,
    },
    headlines=_headlines,
)

"""The report's figures, each drawn for a light and a dark page from the same typed results."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from semiray.evaluation.judgements.commitment import CommitmentResult
from semiray.evaluation.judgements.probe import ProbeResult
from semiray.evaluation.judgements.sorting import SortingResult
from semiray.evaluation.judgements.utility import UtilityResult
from semiray.evaluation.statistics.classification import ClassificationScores, Interval
from semiray.report.theme import LIGHT, Theme, blank, foot, legend, style

__all__ = [
    "CONDITIONS",
    "plot_commitment",
    "plot_confusion",
    "plot_images",
    "plot_per_class",
    "plot_probe",
    "plot_sorting",
]

Floats = NDArray[np.float64]
SYNTHETIC, REAL = "trained on synthetic", "trained on real"
CONDITIONS = {"clean": "Clean", "noise": "Noise", "half": "Half size", "jpeg": "JPEG"}


def plot_per_class(result: UtilityResult, theme: Theme = LIGHT) -> Figure:
    """Precision, recall, F1 and AUROC of every class with intervals, trained on synthetic beside trained on real."""
    measures = (("Precision", "precision"), ("Recall", "recall"), ("F1", "f1"), ("AUROC", "auroc"))
    count = len(result.classes)
    figure = blank(7.2, 1.5 + 2 * (0.42 * count + 0.35), theme)
    grid = figure.subplots(2, 2, sharey=True, sharex=True).ravel()
    for axes, (title, field) in zip(grid, measures, strict=True):
        style(axes, theme, title)
        for side, colour, offset in ((result.tstr, theme.synthetic, -0.14), (result.trtr, theme.real, 0.14)):
            intervals: list[Interval] = [getattr(scores, field) for scores in side.per_class]
            _whiskers(
                axes,
                np.array([x.mean for x in intervals]),
                np.array([x.low for x in intervals]),
                np.array([x.high for x in intervals]),
                np.arange(count, dtype=np.float64) + offset,
                colour,
            )
        floor = [getattr(scores.chance, field) for scores in result.tstr.per_class]
        places = np.arange(count)
        axes.vlines(floor, places - 0.36, places + 0.36, color=theme.faint, linewidth=1, linestyle=(0, (2, 1.5)))
        axes.set(xlim=(-0.02, 1.02), ylim=(count - 0.5, -0.5), yticks=range(count))
        axes.set_yticklabels(result.classes)
    legend(figure, theme, ((theme.synthetic, SYNTHETIC), (theme.real, REAL + " (ceiling)")))
    figure.tight_layout(rect=(0, 0, 1, 1 - 0.35 / figure.get_size_inches()[1]))
    return figure


def plot_confusion(scores: ClassificationScores, classes: Sequence[str], title: str, theme: Theme = LIGHT) -> Figure:
    """The confusion matrix in per cent of each true class, and in images, averaged over seeds."""
    from matplotlib.colors import LinearSegmentedColormap

    matrix = np.mean(scores.confusion, axis=0)
    share = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    count = len(classes)
    side = max(2.4, 0.95 * count)
    figure = blank(side + 1.5, side + 1.25, theme)
    axes = figure.add_subplot()
    style(axes, theme, title)
    axes.grid(visible=False)
    axes.imshow(share, cmap=LinearSegmentedColormap.from_list("ramp", theme.ramp), vmin=0, vmax=1)
    for i in range(count):
        for j in range(count):
            strong = share[i, j] > 0.75  # paler, and dark letters are easier to read
            colour = "#ffffff" if strong else theme.ink
            axes.text(j, i - 0.1, f"{share[i, j]:.0%}", ha="center", va="center", fontsize=12, color=colour)
            axes.text(j, i + 0.22, f"{matrix[i, j]:,.0f}", ha="center", va="center", fontsize=8.5, color=colour)
    axes.set(xticks=range(count), yticks=range(count), xlabel="predicted", ylabel="true")
    axes.set_xticklabels(classes, rotation=0 if count < 5 else 45, ha="center" if count < 5 else "right")
    axes.set_yticklabels(classes)
    axes.spines[:].set_visible(False)
    figure.tight_layout()
    return figure


def plot_commitment(result: CommitmentResult, theme: Theme = LIGHT) -> Figure:
    """How far every dimension is obeyed: value, interval, floor; the ceiling is 1."""
    rows = result.dimensions
    return _dimension_plot(
        [row.name for row in rows],
        np.array([[row.value, row.low, row.high] for row in rows]),
        [(0.0 if row.measure == "r2" else row.floor) for row in rows],
        (max(-1.0, min(0.0, *(row.low for row in rows))), 1.02),
        "Commitment",
        theme.synthetic,
        theme,
    )


def plot_probe(result: ProbeResult, sorter: CommitmentResult, theme: Theme = LIGHT, note: str = "") -> Figure:
    """How well a fresh probe reads every dimension, a panel a condition; rings: the sorter, on clean images."""
    names = [row.name for row in sorter.dimensions]
    panels = {title: result.conditions[key].dimensions for key, title in CONDITIONS.items()}
    lowest = min(min(row.low for row in rows) for rows in panels.values())
    limits = (max(-1.0, min(0.0, lowest)), 1.06)
    figure = blank(8.4, 1.3 + 0.19 * len(names), theme)
    bottom = foot(figure, theme, f"Dots: a fresh probe, R² or accuracy. Rings: the sorter. Grey: guessing. {note}")
    grid = figure.subplots(1, len(panels), sharey=True)
    for axes, (title, rows) in zip(grid, panels.items(), strict=True):
        style(axes, theme, title)
        floors = [(0.0 if row.measure == "r2" else row.floor) for row in rows]
        values = np.array([[row.value, row.low, row.high] for row in rows])
        _dimension_panel(axes, names, values, floors, limits, theme.synthetic, theme)
        if title == CONDITIONS["clean"]:
            read = [max(row.value, limits[0]) for row in sorter.dimensions]
            axes.plot(
                read, np.arange(len(names)), "o", markersize=7, markeredgecolor=theme.faint, color="none", zorder=3
            )
    figure.tight_layout(rect=(0, bottom, 1, 1), w_pad=0.6)
    return figure


def plot_sorting(result: SortingResult, theme: Theme = LIGHT) -> Figure:
    """How far the real images' codes are from the prior: distance, interval, floor."""
    rows = result.dimensions
    return _dimension_plot(
        [row.name for row in rows],
        np.array([[row.value, row.low, row.high] for row in rows]),
        [row.floor_high for row in rows],
        (-0.004, max(0.25, *(row.high for row in rows)) * 1.02),
        "Distance from the prior",
        theme.real,
        theme,
    )


def plot_images(
    real: Sequence[NDArray[np.uint8]],
    synthetic: Sequence[NDArray[np.uint8]],
    names: Sequence[str],
    theme: Theme = LIGHT,
) -> Figure:
    """Held-out real images, if any, above generated ones, class by class, so that an eye can judge too.

    Args:
        real: For every name (K, H, W) uint8; may be empty where there is no real image. Nothing at all: generated
            images are drawn alone.
        synthetic: Likewise.
        names: Class names; one empty name for an unlabelled run.
        theme: The page's colours.
    """
    columns = max(len(x) for x in (*real, *synthetic))
    rows = 2 if real else 1
    lines = rows * len(names)
    figure = blank(0.95 + 0.78 * columns, 0.78 * lines + 0.14 * len(names), theme)
    grid = figure.add_gridspec(
        len(names), 1, left=0.95 / figure.get_size_inches()[0], right=0.995, top=0.995, bottom=0.005, hspace=0.06
    )
    for k, name in enumerate(names):
        axes = grid[k].subgridspec(rows, columns, wspace=0.04, hspace=0.04).subplots(squeeze=False)
        sides = [("real", real[k], theme.real)] if real else []
        for row, (kind, images, colour) in enumerate([*sides, ("generated", synthetic[k], theme.synthetic)]):
            for column in range(columns):
                axes[row, column].axis("off")
                if column < len(images):
                    axes[row, column].imshow(images[column], cmap="gray", vmin=0, vmax=255, interpolation="lanczos")
            label = f"{name}\n{kind}" if name else kind
            axes[row, 0].text(-0.1, 0.5, label, transform=axes[row, 0].transAxes, ha="right", va="center",
                              fontsize=8, color=colour)  # fmt: skip
    return figure


def _dimension_plot(
    names: Sequence[str],
    values: Floats,
    floors: Sequence[float],
    limits: tuple[float, float],
    title: str,
    colour: str,
    theme: Theme,
) -> Figure:
    """One line a dimension: value and interval (rows of ``values``), the floor as a grey bar from the left."""
    figure = blank(5.2, 0.9 + 0.21 * len(names), theme)
    axes = figure.add_subplot()
    style(axes, theme, title)
    _dimension_panel(axes, names, values, floors, limits, colour, theme)
    figure.tight_layout()
    return figure


def _dimension_panel(
    axes: Axes,
    names: Sequence[str],
    values: Floats,
    floors: Sequence[float],
    limits: tuple[float, float],
    colour: str,
    theme: Theme,
) -> None:
    places = np.arange(len(names))
    left = min(0.0, limits[0])
    axes.barh(places, np.asarray(floors) - left, left=left, height=0.8, color=theme.floor, linewidth=0, zorder=1)
    _whiskers(axes, values[:, 0], values[:, 1], values[:, 2], places.astype(np.float64), colour)
    factors = [name.split("[")[0] for name in names]
    for i in range(1, len(names)):
        if factors[i] != factors[i - 1]:
            axes.axhline(i - 0.5, color=theme.rule, linewidth=0.8)
    axes.set(xlim=limits, ylim=(len(names) - 0.5, -0.5), yticks=places)
    axes.set_yticklabels(names)


def _whiskers(axes: Axes, mean: Floats, low: Floats, high: Floats, places: Floats, colour: str) -> None:
    axes.hlines(places, low, high, color=colour, linewidth=1.6, alpha=0.6, zorder=3)
    axes.plot(mean, places, "o", color=colour, markersize=5, zorder=4)

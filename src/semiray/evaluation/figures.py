"""The report's figures, each drawn for a light and a dark page from the same typed results."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter
from numpy.typing import NDArray
from scipy.special import ndtri

from semiray.evaluation.commitment import CommitmentResult
from semiray.evaluation.metrics import ClassificationScores, Interval
from semiray.evaluation.sorting import SortingResult
from semiray.evaluation.utility import UtilityResult
from semiray.priors import JointPrior

__all__ = [
    "DARK",
    "LIGHT",
    "Theme",
    "plot_codes",
    "plot_commitment",
    "plot_confusion",
    "plot_images",
    "plot_per_class",
    "plot_sorting",
]

Floats = NDArray[np.float64]
SYNTHETIC, REAL = "trained on synthetic", "trained on real"


@dataclass(frozen=True)
class Theme:
    """The colours of a page."""

    paper: str
    ink: str
    faint: str
    rule: str
    synthetic: str
    real: str
    floor: str
    ramp: tuple[str, str]  # from nothing to all, in confusion matrices


LIGHT = Theme("#ffffff", "#1b1f24", "#68707a", "#dfe3e8", "#c2571a", "#2f6db3", "#e9ecf0", ("#ffffff", "#2f6db3"))
DARK = Theme("#181b20", "#e8eaed", "#9aa3ad", "#363c45", "#f0965a", "#74aef0", "#2a2f37", ("#181b20", "#3f7fc9"))


def plot_per_class(result: UtilityResult, theme: Theme = LIGHT) -> Figure:
    """Precision, recall, F1 and AUROC of every class with intervals, trained on synthetic beside trained on real."""
    measures = (("Precision", "precision"), ("Recall", "recall"), ("F1", "f1"), ("AUROC", "auroc"))
    count = len(result.classes)
    figure = _figure(7.2, 1.5 + 2 * (0.42 * count + 0.35), theme)
    grid = figure.subplots(2, 2, sharey=True, sharex=True).ravel()
    for axes, (title, field) in zip(grid, measures, strict=True):
        _style(axes, theme, title)
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
    _legend(figure, theme, ((theme.synthetic, SYNTHETIC), (theme.real, REAL + " (ceiling)")))
    figure.tight_layout(rect=(0, 0, 1, 1 - 0.35 / figure.get_size_inches()[1]))
    return figure


def plot_confusion(scores: ClassificationScores, classes: Sequence[str], title: str, theme: Theme = LIGHT) -> Figure:
    """The confusion matrix in per cent of each true class, and in images, averaged over seeds."""
    from matplotlib.colors import LinearSegmentedColormap

    matrix = np.mean(scores.confusion, axis=0)
    share = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    count = len(classes)
    side = max(2.4, 0.95 * count)
    figure = _figure(side + 1.5, side + 1.25, theme)
    axes = figure.add_subplot()
    _style(axes, theme, title)
    axes.grid(visible=False)
    axes.imshow(share, cmap=LinearSegmentedColormap.from_list("ramp", theme.ramp), vmin=0, vmax=1)
    for i in range(count):
        for j in range(count):
            strong = share[i, j] > 0.55
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


def plot_codes(result: SortingResult, prior: JointPrior, theme: Theme = LIGHT) -> Figure:
    """Codes of held-out real images against the prior, a panel a factor: quantiles, or shares of values if discrete."""
    codes = prior.codes(torch.from_numpy(result.scores)).numpy().astype(np.float64)
    columns = min(2, len(prior.factors))
    lines = -(-len(prior.factors) // columns)
    figure = _figure(3.6 * columns, 3.1 * lines, theme)
    for k, factor in enumerate(prior.factors):
        axes = figure.add_subplot(lines, columns, k + 1)
        part = prior.slices[factor.name]
        unit = f" ({factor.unit})" if factor.unit else ""
        _style(axes, theme, factor.name)
        if bool(prior.discrete[part.start]):
            _draw_shares(axes, codes[:, part], prior, part, theme)
            axes.set(xlabel=f"value{unit}", ylabel="share")
        else:
            _draw_quantiles(axes, codes[:, part], prior, part, theme)
            axes.set(xlabel=f"prior quantile{unit}", ylabel=f"real images' codes{unit}")
    figure.tight_layout()
    return figure


def plot_images(
    real: Sequence[NDArray[np.uint8]],
    synthetic: Sequence[NDArray[np.uint8]],
    names: Sequence[str],
    theme: Theme = LIGHT,
) -> Figure:
    """Held-out real images above generated ones, class by class, so that an eye can judge too.

    Args:
        real: For every name (K, H, W) uint8; may be empty where there is no real image.
        synthetic: Likewise.
        names: Class names; one empty name for an unlabelled run.
        theme: The page's colours.
    """
    columns = max(len(x) for x in (*real, *synthetic))
    lines = 2 * len(names)
    figure = _figure(0.95 + 0.78 * columns, 0.78 * lines + 0.14 * len(names), theme)
    grid = figure.add_gridspec(
        len(names), 1, left=0.95 / figure.get_size_inches()[0], right=0.995, top=0.995, bottom=0.005, hspace=0.06
    )
    for k, name in enumerate(names):
        axes = grid[k].subgridspec(2, columns, wspace=0.04, hspace=0.04).subplots(squeeze=False)
        for row, (kind, images, colour) in enumerate(
            (("real", real[k], theme.real), ("generated", synthetic[k], theme.synthetic))
        ):
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
    figure = _figure(5.2, 0.9 + 0.21 * len(names), theme)
    axes = figure.add_subplot()
    _style(axes, theme, title)
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
    figure.tight_layout()
    return figure


def _draw_quantiles(axes: Axes, codes: Floats, prior: JointPrior, part: slice, theme: Theme) -> None:
    u = np.linspace(0.01, 0.99, 99)
    grid = torch.from_numpy(np.tile(ndtri(u)[:, None], prior.dimensions))
    expected = prior.codes(grid).numpy()[:, part].astype(np.float64)
    ends = [float(expected.min()), float(expected.max())]
    axes.plot(ends, ends, color=theme.faint, linewidth=0.9, linestyle=(0, (3, 3)))
    for j in reversed(range(codes.shape[1])):
        lead = j == 0
        axes.plot(
            expected[:, j],
            np.quantile(codes[:, j], u),
            color=theme.real,
            linewidth=2.0 if lead else 0.9,
            alpha=1.0 if lead else 0.55,
        )


def _draw_shares(axes: Axes, codes: Floats, prior: JointPrior, part: slice, theme: Theme) -> None:
    u = (np.arange(4000) + 0.5) / 4000
    expected = prior.codes(torch.from_numpy(np.tile(ndtri(u)[:, None], prior.dimensions))).numpy()[:, part]
    values = np.unique(np.concatenate([expected.ravel(), codes.ravel()]))
    places = np.arange(len(values))
    shares = np.array([[np.isclose(codes[:, j], v).mean() for v in values] for j in range(codes.shape[1])])
    wanted = np.array([[np.isclose(expected[:, j], v).mean() for v in values] for j in range(codes.shape[1])])
    width = 0.8 / len(shares)
    for j, (share, want) in enumerate(zip(shares, wanted, strict=True)):
        at = places - 0.4 + (j + 0.5) * width
        axes.bar(at, share, width * 0.9, color=theme.real, alpha=1.0 if j == 0 else 0.55, linewidth=0)
        axes.hlines(want, at - width / 2, at + width / 2, color=theme.ink, linewidth=1.2)
    axes.grid(visible=False)
    axes.set_xticks(places)
    axes.set_xticklabels([f"{v:g}" for v in values])
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))


def _whiskers(axes: Axes, mean: Floats, low: Floats, high: Floats, places: Floats, colour: str) -> None:
    axes.hlines(places, low, high, color=colour, linewidth=1.6, alpha=0.6, zorder=3)
    axes.plot(mean, places, "o", color=colour, markersize=5, zorder=4)


def _figure(width: float, height: float, theme: Theme) -> Figure:
    figure = Figure(figsize=(width, height), dpi=144, facecolor=theme.paper)
    FigureCanvasAgg(figure)
    return figure


def _style(axes: Axes, theme: Theme, title: str) -> None:
    axes.set_facecolor(theme.paper)
    axes.set_title(title, loc="left", fontsize=10, color=theme.ink, weight="bold")
    axes.tick_params(colors=theme.faint, labelcolor=theme.ink, labelsize=8.5, length=0)
    axes.xaxis.label.set_color(theme.faint)
    axes.yaxis.label.set_color(theme.faint)
    axes.xaxis.label.set_fontsize(8.5)
    axes.yaxis.label.set_fontsize(8.5)
    axes.grid(axis="x", color=theme.rule, linewidth=0.7)
    axes.set_axisbelow(True)
    for name, spine in axes.spines.items():
        spine.set_visible(name == "bottom")
        spine.set_color(theme.rule)


def _legend(figure: Figure, theme: Theme, entries: Sequence[tuple[str, str]]) -> None:
    from matplotlib.lines import Line2D

    handles = [Line2D([], [], color=colour, marker="o", markersize=5, linewidth=1.6) for colour, _ in entries]
    figure.legend(
        handles,
        [name for _, name in entries],
        loc="upper left",
        ncols=len(entries),
        frameon=False,
        fontsize=9,
        labelcolor=theme.ink,
    )

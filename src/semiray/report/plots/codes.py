"""Figures of the codes of held-out real images, as the sorter estimates them, beside the prior."""

from __future__ import annotations

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.axis import XAxis, YAxis
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator, PercentFormatter
from numpy.typing import NDArray
from scipy.special import ndtri

from semiray.evaluation import SortingResult
from semiray.priors import JointPrior, Marginal
from semiray.report.theme import Theme, blank, foot, style

__all__ = ["plot_codes", "plot_pairs"]

Floats = NDArray[np.float64]
MOST_PAIRED = 6
MOST_POINTS = 1500


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
            _draw_shares(axes, codes[:, part], prior, part, theme)
            axes.set(xlabel=f"value{unit}", ylabel="share")
        else:
            _draw_quantiles(axes, codes[:, part], prior, part, theme)
            axes.set(xlabel=f"prior quantile{unit}", ylabel=f"real images' codes{unit}")
    figure.tight_layout()
    return figure


def plot_pairs(result: SortingResult, prior: JointPrior, theme: Theme, note: str = "", seed: int = 0) -> Figure:
    """Draw codes and as many samples of the prior: leading dimensions in pairs, each one alone on the diagonal.

    Args:
        result: Whose scores are shown, at most 1,500 of them.
        prior: The assumed prior. With a single factor, its first dimensions are shown.
        theme: The page's colours.
        note: Below the figure.
        seed: Of the samples and of the choice of images.
    """
    leads = [part.start for part in prior.slices.values()]
    shown = (leads if len(leads) > 1 else list(range(prior.dimensions)))[:MOST_PAIRED]
    rng = np.random.default_rng(seed)
    chosen = rng.permutation(len(result.scores))[:MOST_POINTS]
    drawn = prior.sample_scores(len(chosen), torch.Generator().manual_seed(seed))
    real, assumed = (
        prior.codes(scores).numpy().astype(np.float64) for scores in (torch.from_numpy(result.scores[chosen]), drawn)
    )
    marginals = [prior.marginal(prior.names[j]) for j in shown]
    count = len(shown)
    figure = blank(max(3.6, 1.45 * count + 0.7), 1.45 * count + 0.9, theme)
    bottom = foot(figure, theme, note)
    grid = figure.subplots(count, count, squeeze=False)
    for i, row in enumerate(shown):
        for j, column in enumerate(shown):
            axes = grid[i, j]
            if j > i:
                axes.axis("off")
                continue
            style(axes, theme, "")
            axes.grid(visible=False)
            axes.set_xlim(*_span(marginals[j]))
            if i == j:
                _draw_margin(axes, marginals[j], real[:, column], assumed[:, column], theme)
            else:
                axes.set_ylim(*_span(marginals[i]))
                for codes, colour, strength in ((assumed, theme.faint, 0.35), (real, theme.real, 0.7)):
                    x, y = (_spread(codes[:, k], prior.marginal(prior.names[k]), rng) for k in (column, row))
                    axes.scatter(
                        x, y, s=4, color=colour, alpha=strength * min(1, 25 / len(x) ** 0.5), linewidths=0,
                        rasterized=True,
                    )  # fmt: skip
                _few_ticks(axes.yaxis, marginals[i])
            _few_ticks(axes.xaxis, marginals[j])
            axes.tick_params(labelsize=7.5, labelbottom=i == count - 1, labelleft=j == 0 < i)
            if i == count - 1:
                axes.set_xlabel(_label(marginals[j]))
            if j == 0 < i:
                axes.set_ylabel(_label(marginals[i]))
    marks = [
        Line2D([], [], color=colour, marker="o", markersize=5, linewidth=1.6) for colour in (theme.faint, theme.real)
    ]
    figure.legend(
        marks, ["samples of the prior", "held-out images"], loc="upper right", frameon=False, fontsize=8.5,
        labelcolor=theme.ink,
    )  # fmt: skip
    top = 1.0 if count > 1 else 1 - 0.45 / figure.get_size_inches()[1]
    figure.tight_layout(rect=(0, bottom, 1, top), h_pad=0.3, w_pad=0.3)
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


def _draw_margin(axes: Axes, marginal: Marginal, real: Floats, assumed: Floats, theme: Theme) -> None:
    """Draw both histograms, that of real images filled."""
    if marginal.discrete:
        values = np.asarray(marginal.values)
        width = 0.35 * float(np.diff(values).min())
        for codes, colour, side in ((assumed, theme.faint, -0.5), (real, theme.real, 0.5)):
            shares = [float(np.isclose(codes, value).mean()) for value in values]
            axes.bar(values + side * width, shares, width=width, color=colour, linewidth=0)
    else:
        edges = np.linspace(*_ends(marginal), 24)
        axes.stairs(np.histogram(real, edges)[0], edges, fill=True, color=theme.real, alpha=0.6)
        axes.stairs(np.histogram(assumed, edges)[0], edges, color=theme.faint, linewidth=1.2)
    axes.set_yticks([])


def _ends(marginal: Marginal) -> tuple[float, float]:
    """The support of a continuous dimension; where it is unbounded, the central 99 %."""
    tails = marginal.quantile(torch.tensor([0.005, 0.995])).tolist()
    low, high = (end if np.isfinite(end) else tail for end, tail in zip(marginal.support, tails, strict=True))
    return low, high


def _span(marginal: Marginal) -> tuple[float, float]:
    """The range to show: all values, with a margin."""
    if marginal.discrete:
        margin = 0.6 * float(np.diff(marginal.values).min())
        return marginal.values[0] - margin, marginal.values[-1] + margin
    low, high = _ends(marginal)
    return low - 0.04 * (high - low), high + 0.04 * (high - low)


def _spread(codes: Floats, marginal: Marginal, rng: np.random.Generator) -> Floats:
    """Jitter discrete codes, so that points don't hide each other."""
    if not marginal.discrete:
        return codes
    return codes + rng.uniform(-0.25, 0.25, len(codes)) * float(np.diff(marginal.values).min())


def _few_ticks(axis: XAxis | YAxis, marginal: Marginal) -> None:
    if marginal.discrete and len(marginal.values) <= 6:
        axis.set_ticks(list(marginal.values))
    else:
        axis.set_major_locator(MaxNLocator(3, steps=[1, 2, 5, 10]))


def _label(marginal: Marginal) -> str:
    name = marginal.name.removesuffix("[0]")
    return f"{name} ({marginal.unit})" if marginal.unit else name

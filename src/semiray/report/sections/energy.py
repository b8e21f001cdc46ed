"""The energy distance: whether the codes of held-out real images follow the prior in all dimensions together."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.axis import XAxis, YAxis
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from semiray.evaluation import EnergyResult, Results, SortingResult
from semiray.priors import JointPrior, Marginal
from semiray.report.section import Block, Guide, Headline, Picture, Section, assumed, html
from semiray.report.theme import Theme, blank, foot, legend, style

__all__ = ["SECTION", "plot_pairs"]

Floats = NDArray[np.float64]
MOST_PAIRED = 6
MOST_POINTS = 1500


def _body(result: EnergyResult, _: Results) -> Iterator[Block]:
    yield html(
        "Energy distance between the codes of {:,} patients, one image each, and as many samples of the prior: "
        "<strong>{:.3f}</strong> ({:.3f} to {:.3f}), which is <strong>{:.1f} times</strong> its floor of {:.3f} "
        "(95 % of pairs of samples of the prior stay below {:.3f}). p = {:.3f} ({:,} permutations).",
        *(result.n_patients, result.statistic, result.low, result.high, result.ratio, result.floor),
        *(result.floor_high, result.p_value, result.permutations),
    )
    yield Picture("pairs", "Leading dimensions in pairs and, on the diagonal, each one alone.")


def _headlines(result: EnergyResult, _: Results) -> Iterator[Headline]:
    low, high = result.low / result.floor, result.high / result.floor
    yield Headline("energy distance / floor", result.ratio, low, high, 1.0, "floor")


def _plot(_: EnergyResult, results: Results, theme: Theme) -> Figure | None:
    sorting = results.get(SortingResult)
    if not isinstance(sorting, SortingResult) or results.prior is None:
        return None
    return plot_pairs(sorting, results.prior, theme, assumed(results))


def plot_pairs(result: SortingResult, prior: JointPrior, theme: Theme, note: str = "") -> Figure:
    """Draw codes and as many samples of the prior: leading dimensions in pairs, each one alone on the diagonal.

    Args:
        result: Whose scores are shown, at most 1,500 of them.
        prior: The assumed prior. With a single factor, its first dimensions are shown.
        theme: The page's colours.
        note: Below the figure.
    """
    leads = [part.start for part in prior.slices.values()]
    shown = (leads if len(leads) > 1 else list(range(prior.dimensions)))[:MOST_PAIRED]
    rng = np.random.default_rng(0)
    chosen = rng.permutation(len(result.scores))[:MOST_POINTS]
    drawn = prior.sample_scores(len(chosen), torch.Generator().manual_seed(0))
    real, samples = (
        prior.codes(scores).numpy().astype(np.float64) for scores in (torch.from_numpy(result.scores[chosen]), drawn)
    )
    marginals = [prior.marginal(prior.names[j]) for j in shown]
    count = len(shown)
    figure = blank(max(3.6, 1.45 * count + 0.7), 1.45 * count + 0.9, theme)
    bottom = foot(figure, theme, note)
    grid = figure.subplots(count, count, squeeze=False)
    for i, down in enumerate(marginals):
        for j, across in enumerate(marginals):
            axes = grid[i, j]
            if j > i:
                axes.axis("off")
                continue
            style(axes, theme, "")
            axes.grid(visible=False)
            axes.set_xlim(*_span(across))
            if i == j:
                _draw_margin(axes, across, real[:, shown[j]], samples[:, shown[j]], theme)
            else:
                axes.set_ylim(*_span(down))
                for codes, colour, strength in ((samples, theme.faint, 0.35), (real, theme.real, 0.7)):
                    x, y = (_spread(codes[:, shown[k]], marginals[k], rng) for k in (j, i))
                    alpha = strength * min(1, 25 / len(x) ** 0.5)
                    axes.scatter(x, y, s=4, color=colour, alpha=alpha, linewidths=0, rasterized=True)
                _few_ticks(axes.yaxis, down)
            _few_ticks(axes.xaxis, across)
            axes.tick_params(labelsize=7.5, labelbottom=i == count - 1, labelleft=j == 0 < i)
            if i == count - 1:
                axes.set_xlabel(_label(across))
            if j == 0 < i:
                axes.set_ylabel(_label(down))
    entries = ((theme.faint, "samples of the prior"), (theme.real, "held-out images"))
    legend(figure, theme, entries, loc="upper right", ncols=1, fontsize=8.5)
    top = 1.0 if count > 1 else 1 - 0.45 / figure.get_size_inches()[1]
    figure.tight_layout(rect=(0, bottom, 1, top), h_pad=0.3, w_pad=0.3)
    return figure


def _draw_margin(axes: Axes, marginal: Marginal, real: Floats, assumed: Floats, theme: Theme) -> None:
    """Draw both histograms, that of real images filled."""
    if marginal.discrete:
        values, width = np.asarray(marginal.values), 0.35 * _step(marginal)
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


def _step(marginal: Marginal) -> float:
    """The smallest distance between two values of a discrete dimension."""
    return float(np.diff(marginal.values).min())


def _span(marginal: Marginal) -> tuple[float, float]:
    """The range to show: all values, with a margin."""
    if marginal.discrete:
        low, high, margin = marginal.values[0], marginal.values[-1], 0.6 * _step(marginal)
    else:
        low, high = _ends(marginal)
        margin = 0.04 * (high - low)
    return low - margin, high + margin


def _spread(codes: Floats, marginal: Marginal, rng: np.random.Generator) -> Floats:
    """Jitter discrete codes, so that points don't hide each other."""
    return codes + rng.uniform(-0.25, 0.25, len(codes)) * _step(marginal) if marginal.discrete else codes


def _few_ticks(axis: XAxis | YAxis, marginal: Marginal) -> None:
    if marginal.discrete and len(marginal.values) <= 6:
        axis.set_ticks(list(marginal.values))
    else:
        axis.set_major_locator(MaxNLocator(3, steps=[1, 2, 5, 10]))


def _label(marginal: Marginal) -> str:
    name = marginal.name.removesuffix("[0]")
    return f"{name} ({marginal.unit})" if marginal.unit else name


SECTION = Section(
    EnergyResult,
    "Joint sorting",
    Guide(
        "Do the codes follow the prior in all dimensions together, correlations included?",
        "The energy distance is read as a multiple of its floor; it grows with the number of patients. p is the share "
        "of random exchanges of patients and samples that give a distance at least as large: below 0.05, the codes "
        "differ significantly from the prior.",
        "Floor: the mean for two samples of the prior itself; 1 as a multiple. There is no ceiling.",
        "A large p-value does not prove that the codes follow the prior; with few patients it is always large.",
    ),
    _body,
    subtitle="all dimensions of the codes together",
    plots={"pairs": _plot},
    headlines=_headlines,
)

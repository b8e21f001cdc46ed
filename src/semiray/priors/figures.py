"""A prior as people see it: its marginal distributions, its dimensions in pairs, and its page in a notebook."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from semiray.escaping import shortened
from semiray.figures import SemirayFigure
from semiray.priors.copula import GaussianCopula
from semiray.priors.factors import factor_of
from semiray.priors.families.family import Marginal

__all__ = ["plot_marginals", "plot_pairs", "prior_html"]

_INK, _FILL, _LINE = "#333333", "#a8c5e2", "#1f4e8c"
_SMALL = {"labelsize": 8, "colors": _INK, "length": 2.5}
_MOST_PAIRS = 8
_MOST_POINTS = 3_000


def plot_marginals(prior: GaussianCopula, names: Sequence[str] | None = None) -> Figure:
    """One panel per dimension: the assumed density (line) or probabilities (dots) over a histogram of draws.

    The leads are shown unless names are given.
    """
    columns = [prior.index(name) for name in names] if names else [part.start for part in prior.slices.values()]
    codes = _draw(prior)
    across = min(len(columns), 4)
    down = -(-len(columns) // across)
    figure = SemirayFigure(figsize=(2.5 * across + 0.4, 2.2 * down + 0.5), layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    panels = list(figure.subplots(down, across, squeeze=False).flat)
    for panel, column in zip(panels, columns, strict=False):
        marginal = prior.marginal(prior.names[column])
        _draw_marginal(panel, marginal, codes[:, column])
        panel.set_xlabel(_label(marginal, lead_only=not names), fontsize=9, color=_INK)
    for panel in panels[len(columns) :]:
        panel.axis("off")
    figure.suptitle("The prior: assumed (line, dots) and drawn (bars)", fontsize=10, color=_INK)
    return figure


def plot_pairs(prior: GaussianCopula, names: Sequence[str] | None = None) -> Figure:
    """A grid of dimensions: marginals on the diagonal, draws of each pair below it, correlations of scores above.

    Unless names are given, each factor's lead and first companion are shown, or up to eight leads if these would be
    more than eight. The first 3,000 draws are points.
    """
    if names:
        columns = [prior.index(name) for name in names]
    else:
        columns = [i for part in prior.slices.values() for i in range(part.start, min(part.start + 2, part.stop))]
        if len(columns) > _MOST_PAIRS:
            columns = [part.start for part in prior.slices.values()][:_MOST_PAIRS]
    marginals = [prior.marginal(prior.names[column]) for column in columns]
    codes, count = _draw(prior), len(columns)
    side = min(1.15 * count + 0.6, 9.8)
    figure = SemirayFigure(
        figsize=(side, side),
        layout=ConstrainedLayoutEngine(w_pad=0.02, h_pad=0.02, wspace=0.0, hspace=0.0),
        facecolor="white",
    )
    FigureCanvasAgg(figure)
    grid = figure.subplots(count, count, squeeze=False)
    for i, (row, y) in enumerate(zip(columns, marginals, strict=True)):
        for j, (column, x) in enumerate(zip(columns, marginals, strict=True)):
            panel = grid[i, j]
            if i == j:
                _draw_marginal(panel, x, codes[:, column])
            elif i > j:
                _draw_pair(panel, x, y, codes[:, column], codes[:, row])
            else:
                _draw_correlation(panel, float(prior.correlation[row, column]))
            if i == count - 1:
                panel.set_xlabel(_label(x), fontsize=8, color=_INK)
            else:
                panel.set_xticklabels([])
            if j == 0:
                panel.set_ylabel(_label(y), fontsize=8, color=_INK)
            if j > 0 or i == 0:
                panel.set_yticklabels([])
    figure.suptitle("The prior in pairs; above the diagonal: correlation of scores", fontsize=10, color=_INK)
    return figure


def prior_html(prior: GaussianCopula) -> str:
    """HTML with a table of the factors and a figure of their leads, embedded as a PNG."""

    def row(tag: str, *cells: str) -> str:
        return "<tr>" + "".join(f"<{tag} style='text-align:left'>{html.escape(c)}</{tag}>" for c in cells) + "</tr>"

    head = row("th", "factor", "family", "parameters", "unit", "dimensions")
    rows = ""
    for f in prior.factors:
        parameters = ", ".join(f"{key} = {shortened(value)}" for key, value in f.parameters.items())
        rows += row("td", f.name, f.family, parameters, f.unit, str(f.dimensions))
    image = io.BytesIO()
    plot_marginals(prior).savefig(image, format="png", dpi=80)
    data = base64.b64encode(image.getvalue()).decode("ascii")
    return (
        f"<table><thead>{head}</thead><tbody>{rows}</tbody></table>"
        f"<img alt='The marginal distribution of each factor' src='data:image/png;base64,{data}'>"
    )


def _draw(prior: GaussianCopula) -> NDArray[np.float32]:
    return prior.sample(20_000, torch.Generator().manual_seed(0)).numpy()


def _draw_marginal(panel: Axes, marginal: Marginal, codes: NDArray[np.float32]) -> None:
    low, high = _span(marginal)
    if marginal.discrete:
        values = np.asarray(marginal.values)
        width = 0.5 * float(np.diff(values).min())
        shares = [float(np.isclose(codes, value).mean()) for value in values]
        panel.bar(values, shares, width=width, color=_FILL)
        panel.plot(values, marginal.probabilities, "o", color=_LINE, markersize=3.5)
        top = max(*marginal.probabilities, *shares)
    else:
        x = torch.linspace(low, high, 402, dtype=torch.float64)[1:-1]
        density = marginal.log_prob(x).exp().numpy()
        counts, edges = np.histogram(codes, bins=30, range=(low, high))
        heights = counts / (len(codes) * np.diff(edges))
        panel.stairs(heights, edges, fill=True, color=_FILL)
        panel.plot(x.numpy(), density, color=_LINE, linewidth=1.3)
        top = max(float(np.quantile(density, 0.995)), float(heights.max()))
    panel.set_ylim(0, 1.15 * top)
    _dress(panel, low, high)
    panel.set_yticks([])
    if marginal.discrete and len(marginal.values) <= 6:
        panel.set_xticks(list(marginal.values))


def _draw_pair(panel: Axes, x: Marginal, y: Marginal, a: NDArray[np.float32], b: NDArray[np.float32]) -> None:
    rng = np.random.default_rng(0)
    p, q = [
        codes + (rng.uniform(-0.22, 0.22, len(codes)) * np.diff(marginal.values).min() if marginal.discrete else 0.0)
        for marginal, codes in ((x, a[:_MOST_POINTS]), (y, b[:_MOST_POINTS]))
    ]
    panel.scatter(p, q, s=1.2, color=_LINE, alpha=min(1.0, 450 / len(p)), linewidths=0, rasterized=True)
    _dress(panel, *_span(x))
    panel.set_ylim(*_span(y))
    for marginal, axis in ((x, panel.xaxis), (y, panel.yaxis)):
        if marginal.discrete and len(marginal.values) <= 6:
            axis.set_ticks(list(marginal.values))


def _draw_correlation(panel: Axes, r: float) -> None:
    panel.set_facecolor(colormaps["RdBu_r"](0.5 + 0.4 * r))
    middle: Any = {"ha": "center", "va": "center", "transform": panel.transAxes}
    panel.text(0.5, 0.5, f"{round(r, 2) + 0.0:.2f}", fontsize=9, color=_INK, **middle)
    panel.set_xticks([])
    panel.set_yticks([])
    for spine in panel.spines.values():
        spine.set_visible(False)


def _span(marginal: Marginal) -> tuple[float, float]:
    """The range shown: all values, or the central 99.5 % if the support is unbounded."""
    if marginal.discrete:
        margin = 0.6 * float(np.diff(marginal.values).min())
        return marginal.values[0] - margin, marginal.values[-1] + margin
    low, high = marginal.support
    tails = marginal.quantile(torch.tensor([0.0025, 0.9975])).tolist()
    low, high = (low if np.isfinite(low) else tails[0]), (high if np.isfinite(high) else tails[1])
    return low, high


def _dress(panel: Axes, low: float, high: float) -> None:
    panel.set_xlim(low, high)
    panel.tick_params(axis="both", **_SMALL)
    for axis in (panel.xaxis, panel.yaxis):
        axis.set_major_locator(MaxNLocator(3, steps=[1, 2, 5, 10]))
    for name, spine in panel.spines.items():
        spine.set_visible(name in ("left", "bottom"))
        spine.set_color("#999999")


def _label(marginal: Marginal, *, lead_only: bool = False) -> str:
    name = factor_of(marginal.name) if lead_only else marginal.name
    return f"{name} ({marginal.unit})" if marginal.unit else name

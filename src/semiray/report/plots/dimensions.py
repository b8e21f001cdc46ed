"""Figures with one line per code dimension: value, 95 % interval and floor."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from semiray.priors import factor_of
from semiray.report.theme import Theme, blank, style

__all__ = ["draw_dimensions", "plot_dimensions", "whiskers"]

Values = Sequence[tuple[float, float, float]]
"""Value, lower end and upper end of its interval, one entry per line."""


def plot_dimensions(
    names: Sequence[str],
    values: Values,
    floors: Sequence[float],
    limits: tuple[float, float],
    title: str,
    colour: str,
    theme: Theme,
) -> Figure:
    """A figure of one such panel; see `draw_dimensions`."""
    figure = blank(5.2, 0.9 + 0.21 * len(names), theme)
    axes = figure.add_subplot()
    style(axes, theme, title)
    draw_dimensions(axes, names, values, floors, limits, colour, theme)
    figure.tight_layout()
    return figure


def draw_dimensions(
    axes: Axes,
    names: Sequence[str],
    values: Values,
    floors: Sequence[float],
    limits: tuple[float, float],
    colour: str,
    theme: Theme,
) -> None:
    """Draw one line per dimension: value and interval, and the floor as a grey bar from the left."""
    places = np.arange(len(names))
    left = min(0.0, limits[0])
    axes.barh(places, np.asarray(floors) - left, left=left, height=0.8, color=theme.floor, linewidth=0, zorder=1)
    whiskers(axes, values, places, colour)
    for i in range(1, len(names)):
        if factor_of(names[i]) != factor_of(names[i - 1]):
            axes.axhline(i - 0.5, color=theme.rule, linewidth=0.8)
    axes.set(xlim=limits, ylim=(len(names) - 0.5, -0.5), yticks=places)
    axes.set_yticklabels(names)


def whiskers(axes: Axes, values: Values, places: ArrayLike, colour: str) -> None:
    """Draw values as dots and their intervals as lines, at these heights."""
    mean, low, high = np.asarray(values, np.float64).reshape(-1, 3).T
    axes.hlines(places, low, high, color=colour, linewidth=1.6, alpha=0.6, zorder=3)
    axes.plot(mean, places, "o", color=colour, markersize=5, zorder=4)

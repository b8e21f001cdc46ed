"""The look of the report's figures: a light and a dark page, and the parts that several figures are made of."""

from __future__ import annotations

import io
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.lines import Line2D
from numpy.typing import ArrayLike
from PIL import Image

from semiray.evaluation.judgements.commitment import DimensionCommitment
from semiray.evaluation.judgements.sorting import DimensionSorting
from semiray.figures import SemirayFigure
from semiray.priors import factor_of
from semiray.radiographs.pixels.marks import png_text

__all__ = ["DARK", "LIGHT", "Theme", "blank", "colour_bar", "draw_dimensions", "foot", "image", "legend"]
__all__ += ["panel", "plot_dimensions", "png", "row_name", "style", "whiskers"]

Dimensions = Sequence[DimensionCommitment | DimensionSorting]


@dataclass(frozen=True)
class Theme:
    """The colours of a page."""

    paper: str
    ink: str
    faint: str
    rule: str
    synthetic: str
    real: str
    third: str  # where synthetic and real are not enough
    floor: str
    ramp: tuple[str, str]  # from nothing to all, in confusion matrices


LIGHT = Theme(
    "#ffffff", "#1b1f24", "#68707a", "#dfe3e8", "#c2571a", "#2f6db3", "#4a8a3c", "#e9ecf0", ("#ffffff", "#2f6db3")
)
DARK = Theme(
    "#181b20", "#e8eaed", "#9aa3ad", "#363c45", "#f0965a", "#74aef0", "#86c978", "#2a2f37", ("#181b20", "#3f7fc9")
)


def blank(width: float, height: float, theme: Theme) -> Figure:
    """An empty figure of this size in inches, outside of pyplot."""
    figure = SemirayFigure(figsize=(width, height), dpi=144, facecolor=theme.paper)
    FigureCanvasAgg(figure)
    return figure


def style(axes: Axes, theme: Theme, title: str) -> None:
    """Apply the colours, a bold title on the left, thin vertical rules, and a frame at the bottom only."""
    axes.set_facecolor(theme.paper)
    axes.set_title(title, loc="left", fontsize=10, color=theme.ink, weight="bold")
    axes.tick_params(colors=theme.faint, labelcolor=theme.ink, labelsize=8.5, length=0)
    for axis in (axes.xaxis, axes.yaxis):
        axis.label.set(color=theme.faint, fontsize=8.5)
    axes.grid(axis="x", color=theme.rule, linewidth=0.7)
    axes.set_axisbelow(True)
    axes.spines[:].set_color(theme.rule)
    axes.spines[["left", "right", "top"]].set_visible(False)


def legend(figure: Figure, theme: Theme, entries: Sequence[tuple[str, str]], **look: Any) -> None:
    """Draw a legend of (colour, name) pairs, at the top left unless ``look`` says otherwise."""
    handles = [Line2D([], [], color=colour, marker="o", markersize=5, linewidth=1.6) for colour, _ in entries]
    look = {"loc": "upper left", "ncols": len(entries), "fontsize": 9, "frameon": False, **look}
    figure.legend(handles, [name for _, name in entries], labelcolor=theme.ink, **look)


def foot(figure: Figure, theme: Theme, text: str) -> float:
    """Write a note below the figure; returns the share of the height that it takes."""
    width, height = figure.get_size_inches()
    lines = textwrap.wrap(text, int(16 * width)) if text else []
    figure.text(0.08 / width, 0.06 / height, "\n".join(lines), fontsize=7.5, color=theme.faint, va="bottom")
    return float((0.14 * len(lines) + 0.1) / height)


def panel(figure: Figure, theme: Theme, left: float, top: float, width: float, height: float) -> Axes:
    """Add axes without ticks at this place, in inches from the top left corner."""
    across, down = figure.get_size_inches()
    axes: Axes = figure.add_axes((left / across, 1 - (top + height) / down, width / across, height / down))
    axes.set(xticks=[], yticks=[], facecolor=theme.paper)
    axes.spines[:].set_color(theme.rule)
    return axes


def image(figure: Figure, theme: Theme, pixels: ArrayLike, left: float, top: float, side: float) -> Axes:
    """Show a grey image, 0 to 255, in a panel."""
    axes = panel(figure, theme, left, top, side, side)
    axes.imshow(pixels, cmap="gray", vmin=0, vmax=255, interpolation="lanczos")
    return axes


def row_name(axes: Axes, theme: Theme, name: str) -> None:
    """Write what a row of panels shows, left of its first one."""
    axes.set_ylabel(name, rotation=0, ha="right", va="center", fontsize=9, color=theme.ink, labelpad=6)


def colour_bar(axes: Axes, theme: Theme, shown: AxesImage, ticks: Sequence[float] | None = None) -> None:
    """Draw the scale of an image's colours into these axes."""
    bar = axes.figure.colorbar(shown, cax=axes, ticks=ticks)
    bar.outline.set_visible(False)
    axes.tick_params(colors=theme.faint, labelcolor=theme.ink, labelsize=7.5, length=0)


def whiskers(axes: Axes, values: Sequence[tuple[float, float, float]], places: ArrayLike, colour: str) -> None:
    """Draw values as dots and their intervals as lines, at these heights; ``values``: figure, lower, upper end."""
    mean, low, high = np.asarray(values, np.float64).reshape(-1, 3).T
    axes.hlines(places, low, high, color=colour, linewidth=1.6, alpha=0.6, zorder=3)
    axes.plot(mean, places, "o", color=colour, markersize=5, zorder=4)


def draw_dimensions(axes: Axes, rows: Dimensions, limits: tuple[float, float], colour: str, theme: Theme) -> None:
    """Draw one line per dimension: value and interval, and as a grey bar from the left what chance reaches."""
    names, places, left = [row.name for row in rows], np.arange(len(rows)), min(0.0, limits[0])
    floors = np.array([row.floor_high if isinstance(row, DimensionSorting) else row.floor for row in rows])
    axes.barh(places, floors - left, left=left, height=0.8, color=theme.floor, linewidth=0, zorder=1)
    whiskers(axes, [(row.value, row.low, row.high) for row in rows], places, colour)
    for i in range(1, len(names)):
        if factor_of(names[i]) != factor_of(names[i - 1]):
            axes.axhline(i - 0.5, color=theme.rule, linewidth=0.8)
    axes.set(xlim=limits, ylim=(len(names) - 0.5, -0.5))
    axes.set_yticks(places, names)


def plot_dimensions(title: str, rows: Dimensions, limits: tuple[float, float], colour: str, theme: Theme) -> Figure:
    """A figure of one such panel; see `draw_dimensions`."""
    figure = blank(5.2, 0.9 + 0.21 * len(rows), theme)
    axes = figure.add_subplot()
    style(axes, theme, title)
    draw_dimensions(axes, rows, limits, colour, theme)
    figure.tight_layout()
    return figure


def png(figure: Figure) -> bytes:
    """A figure as PNG; the same figure always gives the same bytes."""
    drawn, buffer = io.BytesIO(), io.BytesIO()
    figure.savefig(drawn, format="rgba")
    pixels = Image.frombytes("RGBA", figure.canvas.get_width_height(), drawn.getvalue()).convert("RGB")
    pixels.save(buffer, "PNG", optimize=True, pnginfo=png_text())
    return buffer.getvalue()

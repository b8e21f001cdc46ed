"""The look of the report's figures: a light and a dark page, and what every figure starts from."""

from __future__ import annotations

import io
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from PIL import Image, PngImagePlugin

__all__ = ["DARK", "LIGHT", "Theme", "blank", "foot", "legend", "png", "style"]


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
    figure = Figure(figsize=(width, height), dpi=144, facecolor=theme.paper)
    FigureCanvasAgg(figure)
    return figure


def style(axes: Axes, theme: Theme, title: str) -> None:
    """Apply the colours, a bold title on the left, thin vertical rules, and a frame at the bottom only."""
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


def legend(figure: Figure, theme: Theme, entries: Sequence[tuple[str, str]]) -> None:
    """Draw a legend at the top left: (colour, name) pairs."""
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


def foot(figure: Figure, theme: Theme, text: str) -> float:
    """Write a note below the figure; returns the share of the height that it takes."""
    width, height = figure.get_size_inches()
    lines = textwrap.wrap(text, int(16 * width)) if text else []
    figure.text(0.08 / width, 0.06 / height, "\n".join(lines), fontsize=7.5, color=theme.faint, va="bottom")
    return float((0.14 * len(lines) + 0.1) / height)


def png(figure: Figure) -> bytes:
    """A figure as PNG; the same figure always gives the same bytes."""
    drawn, buffer = io.BytesIO(), io.BytesIO()
    figure.savefig(drawn, format="rgba")
    width, height = figure.canvas.get_width_height()
    about = PngImagePlugin.PngInfo()
    about.add_text("Software", "semiray")
    image = Image.frombytes("RGBA", (width, height), drawn.getvalue()).convert("RGB")
    image.save(buffer, "PNG", optimize=True, pnginfo=about)
    return buffer.getvalue()

"""The figure of visible effects: by how many grey levels each dimension moves an image, and where."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from semiray.evaluation.judgements.effect import EffectResult
from semiray.report.theme import LIGHT, Theme, blank, foot

__all__ = ["plot_effect"]

SIDE, LEFT, RIGHT, ABOVE = 1.05, 1.0, 1.25, 0.24  # inches: a map, the factors' names, the key, a map's figure
MOST_ACROSS = 8


def plot_effect(result: EffectResult, theme: Theme = LIGHT, note: str = "") -> Figure:
    """A map a dimension, a line a factor, on one scale of grey levels; beside them the mean image."""
    lines: list[tuple[str, list[int]]] = []
    for k, row in enumerate(result.dimensions):
        factor = row.name.rsplit("[", 1)[0]
        if not lines or lines[-1][0] != factor or len(lines[-1][1]) == MOST_ACROSS:
            lines.append((factor, []))
        lines[-1][1].append(k)
    across, down = max(len(members) for _, members in lines), len(lines)
    pitch = SIDE + ABOVE
    width, height = max(LEFT + across * (SIDE + 0.08) + RIGHT, 4.5), max(down * pitch, 2 * pitch) + 0.55
    figure = blank(width, height, theme)
    foot(figure, theme, f"Mean absolute change of generated images as one dimension alone moves. {note}")

    def panel(left: float, top: float, wide: float, high: float) -> Axes:
        axes: Axes = figure.add_axes((left / width, 1 - (top + high) / height, wide / width, high / height))
        axes.set(xticks=[], yticks=[], facecolor=theme.paper)
        for spine in axes.spines.values():
            spine.set_color(theme.rule)
        return axes

    ramp = LinearSegmentedColormap.from_list("effect", (theme.paper, theme.synthetic, theme.ink))
    most = max(1.0, float(np.quantile(result.maps, 0.999)))
    for i, (factor, members) in enumerate(lines):
        for j, k in enumerate(members):
            axes = panel(LEFT + j * (SIDE + 0.08), i * pitch + ABOVE, SIDE, SIDE)
            shown = axes.imshow(result.maps[k], cmap=ramp, vmin=0, vmax=most, interpolation="nearest")
            row = result.dimensions[k]
            place = row.name[len(factor) :]
            axes.set_title(f"{place}  {row.value:.1f}", loc="left", fontsize=8, color=theme.ink, pad=2.5)
            if j == 0:
                axes.set_ylabel(factor, rotation=0, ha="right", va="center", fontsize=9, color=theme.ink, labelpad=6)
    left = width - RIGHT + 0.15
    axes = panel(left, ABOVE, SIDE, SIDE)
    axes.imshow(result.mean_image, cmap="gray", vmin=0, vmax=255, interpolation="lanczos")
    axes.set_title("mean image", loc="left", fontsize=8, color=theme.faint, pad=2.5)
    axes = panel(left, pitch + ABOVE + 0.1, 0.12, SIDE - 0.1)
    bar = figure.colorbar(shown, cax=axes)
    bar.outline.set_visible(False)
    axes.tick_params(colors=theme.faint, labelcolor=theme.ink, labelsize=7.5, length=0)
    axes.set_title("grey levels", loc="left", fontsize=8, color=theme.faint, pad=4)
    return figure

"""The visible effect: by how many grey levels each dimension changes an image, and where."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from semiray.evaluation import EffectResult, Results
from semiray.generation.figures import text_width
from semiray.priors import factor_of
from semiray.report.blocks import Block, Details, Paragraph, Picture, Table, html
from semiray.report.section import Guide, Headline, Section, assumed_note
from semiray.report.theme import Theme, blank, foot

__all__ = ["MOST_ACROSS", "SECTION", "plot_effect"]

SIDE, RIGHT, ABOVE = 1.05, 1.25, 0.24  # inches: a map, the key, the figure above a map
MOST_ACROSS = 8


GUIDE = Guide(
    "How much does a code change an image, and where? One dimension alone moves from its 5 % to its 95 % quantile "
    "(a discrete one from its lowest to its highest value) while everything else is held.",
    "Mean absolute change of a pixel, in grey levels of 255. In the maps, an even tint is a veil, a regular "
    "pattern a grid: codes that are followed in this way are of no use.",
    "Floor: 0. To compare: the difference between two generated patients of the same class.",
    "A large effect is not a correct one: exposure and framing change many pixels, too.",
)


def body(result: EffectResult, _: Results) -> Iterator[Block]:
    """Maps and table of all dimensions."""
    yield Paragraph(
        f"Mean over {result.n_patients:,} generated patients. Two patients of the same class differ by "
        f"{result.between:.1f} grey levels."
    )
    yield Picture("effect", "Where each dimension changes the image.")
    rows = [[d.name, html("{:.1f} <small>{:.1f}–{:.1f}</small>", d.value, d.low, d.high)] for d in result.dimensions]
    yield Details("All dimensions", (Table(["dimension", "effect, grey levels"], rows),), "dimensions")


def headlines(result: EffectResult, _: Results) -> Iterator[Headline]:
    """The least visible dimension."""
    least = min(result.dimensions, key=lambda row: row.value)
    name, figures = "change by the least visible dimension", (least.value, least.low, least.high)
    yield Headline(name, *figures, result.between, "two patients", unit=f"grey levels, {least.name}", digits=1)


def plot_effect(result: EffectResult, results: Results, theme: Theme) -> Figure:
    """One map per dimension, one line per factor, on one scale of grey levels; beside them the mean image."""
    lines: list[tuple[str, list[int]]] = []
    for k, row in enumerate(result.dimensions):
        factor = factor_of(row.name)
        if not lines or lines[-1][0] != factor or len(lines[-1][1]) == MOST_ACROSS:
            lines.append((factor, []))
        lines[-1][1].append(k)
    across, down = max(len(members) for _, members in lines), len(lines)
    names = max(text_width(factor, 9) for factor, _ in lines) + 0.25
    pitch = SIDE + ABOVE
    width, height = max(names + across * (SIDE + 0.08) + RIGHT, 4.5), max(down * pitch, 2 * pitch) + 0.55
    figure = blank(width, height, theme)
    foot(figure, theme, f"Mean absolute change of generated images when one dimension moves. {assumed_note(results)}")

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
            axes = panel(names + j * (SIDE + 0.08), i * pitch + ABOVE, SIDE, SIDE)
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


SECTION = Section(
    EffectResult,
    "Visible effect",
    GUIDE,
    body,
    subtitle="how much one code alone changes an image",
    plots={"effect": plot_effect},
    headlines=headlines,
)

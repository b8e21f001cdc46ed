"""The visible effect: by how many grey levels each dimension changes an image, and where."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from semiray.evaluation import EffectResult, Results
from semiray.generation.figures import text_width
from semiray.priors import factor_of
from semiray.report.section import Block, Guide, Headline, Picture, Section, assumed, dimensions, html
from semiray.report.theme import Theme, blank, colour_bar, foot, image, panel, row_name

__all__ = ["MOST_ACROSS", "SECTION", "plot_effect"]

SIDE, RIGHT, ABOVE = 1.05, 1.25, 0.24  # inches: a map, the key, the figure above a map
MOST_ACROSS = 8


def _body(result: EffectResult, _: Results) -> Iterator[Block]:
    yield (
        f"Mean over {result.n_patients:,} generated patients. Two patients of the same class differ by "
        f"{result.between:.1f} grey levels."
    )
    yield Picture("effect", "Where each dimension changes the image.")
    rows = [[d.name, html("{:.1f} <small>{:.1f}–{:.1f}</small>", d.value, d.low, d.high)] for d in result.dimensions]
    yield dimensions(["effect, grey levels"], rows)


def _headlines(result: EffectResult, _: Results) -> Iterator[Headline]:
    least = min(result.dimensions, key=lambda row: row.value)
    name, figures = "change by the least visible dimension", (least.value, least.low, least.high)
    yield Headline(name, *figures, result.between, "two patients", unit=f"grey levels, {least.name}", digits=1)


def plot_effect(result: EffectResult, results: Results, theme: Theme) -> Figure:
    """One map per dimension, one line per factor, on one scale of grey levels; beside them the mean image."""
    maps = zip(result.dimensions, result.maps, strict=True)
    factors = [(name, list(members)) for name, members in groupby(maps, key=lambda pair: factor_of(pair[0].name))]
    lines = [(name, one[k : k + MOST_ACROSS]) for name, one in factors for k in range(0, len(one), MOST_ACROSS)]
    across, down = max(len(members) for _, members in lines), len(lines)
    names = max(text_width(factor, 9) for factor, _ in lines) + 0.25
    pitch = SIDE + ABOVE
    width, height = max(names + across * (SIDE + 0.08) + RIGHT, 4.5), max(down * pitch, 2 * pitch) + 0.55
    figure = blank(width, height, theme)
    foot(figure, theme, f"Mean absolute change of generated images when one dimension moves. {assumed(results)}")
    ramp = LinearSegmentedColormap.from_list("effect", (theme.paper, theme.synthetic, theme.ink))
    most = max(1.0, float(np.quantile(result.maps, 0.999)))
    for i, (factor, members) in enumerate(lines):
        for j, (row, pixels) in enumerate(members):
            axes = panel(figure, theme, names + j * (SIDE + 0.08), i * pitch + ABOVE, SIDE, SIDE)
            shown = axes.imshow(pixels, cmap=ramp, vmin=0, vmax=most, interpolation="nearest")
            title = f"{row.name[len(factor) :]}  {row.value:.1f}"
            axes.set_title(title, loc="left", fontsize=8, color=theme.ink, pad=2.5)
            if j == 0:
                row_name(axes, theme, factor)
    left = width - RIGHT + 0.15
    axes = image(figure, theme, result.mean_image, left, ABOVE, SIDE)
    axes.set_title("mean image", loc="left", fontsize=8, color=theme.faint, pad=2.5)
    axes = panel(figure, theme, left, pitch + ABOVE + 0.1, 0.12, SIDE - 0.1)
    colour_bar(axes, theme, shown)
    axes.set_title("grey levels", loc="left", fontsize=8, color=theme.faint, pad=4)
    return figure


SECTION = Section(
    EffectResult,
    "Visible effect",
    Guide(
        "How much does a code change an image, and where? One dimension alone moves from its 5 % to its 95 % quantile "
        "(a discrete one from its lowest to its highest value) while everything else is held.",
        "Mean absolute change of a pixel, in grey levels of 255. Codes that show in the maps as an even tint "
        "or as a regular pattern are of no use.",
        "Floor: 0. To compare: the difference between two generated patients of the same class.",
        "A large effect is not a correct one: exposure and framing change many pixels, too.",
    ),
    _body,
    subtitle="how much one code alone changes an image",
    plots={"effect": plot_effect},
    headlines=_headlines,
)

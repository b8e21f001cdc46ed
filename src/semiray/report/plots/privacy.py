"""The figure of closest pairs: what a generator may have remembered, for the eye to decide."""

from __future__ import annotations

from matplotlib.figure import Figure

from semiray.evaluation.judgements.privacy import PrivacyResult
from semiray.radiographs.pixels.copies import COPY
from semiray.report.theme import LIGHT, Theme, blank, foot

__all__ = ["plot_closest"]

SIDE, LEFT, ABOVE, BELOW, GAP = 1.0, 0.85, 0.3, 0.4, 0.06  # inches


def plot_closest(result: PrivacyResult, theme: Theme = LIGHT) -> Figure:
    """The synthetic images nearest to a training image above it; below 0.6 they are copies."""
    count = len(result.closest)
    width, height = max(LEFT + count * (SIDE + GAP), 4.5), ABOVE + 2 * SIDE + GAP + BELOW
    figure = blank(width, height, theme)
    foot(figure, theme, f"Distance, in parts of that to the nearest other patient; below {COPY}: a copy.")
    for j, (pair, ratio) in enumerate(zip(result.closest, result.closest_ratios, strict=True)):
        for i, (image, name) in enumerate(zip(pair, ("synthetic", "trained on"), strict=True)):
            left, top = LEFT + j * (SIDE + GAP), ABOVE + i * (SIDE + GAP)
            axes = figure.add_axes((left / width, 1 - (top + SIDE) / height, SIDE / width, SIDE / height))
            axes.imshow(image, cmap="gray", vmin=0, vmax=255, interpolation="lanczos")
            axes.set(xticks=[], yticks=[])
            for spine in axes.spines.values():
                spine.set_color(theme.rule)
            if not i:
                colour = theme.synthetic if ratio < COPY else theme.ink
                axes.set_title(f"{ratio:.2f}", fontsize=9, color=colour, pad=3)
            if not j:
                axes.set_ylabel(name, rotation=0, ha="right", va="center", fontsize=9, color=theme.ink, labelpad=6)
    return figure

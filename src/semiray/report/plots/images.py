"""The figure of real and generated images, class by class, so that an eye can judge too."""

from __future__ import annotations

from matplotlib.figure import Figure

from semiray.evaluation import ImageSamples
from semiray.generation.figures import text_width
from semiray.report.theme import Theme, blank

__all__ = ["plot_images"]

SIZE = 8  # of the letters, in points
SIDE, GAP, BETWEEN = 0.76, 0.03, 0.09  # inches: an image, between images, between classes


def plot_images(samples: ImageSamples, theme: Theme, *, real_images: bool = True) -> Figure:
    """Draw held-out real images above generated ones, or generated ones alone."""
    kinds = [("generated", samples.synthetic, theme.synthetic)]
    if real_images:
        kinds.insert(0, ("real", samples.real, theme.real))
    left = max(text_width(line, SIZE) for line in ("generated", *samples.names)) + 0.2
    columns = max(len(images) for _, sides, _ in kinds for images in sides)
    pitch = len(kinds) * (SIDE + GAP) + BETWEEN
    width, height = left + columns * (SIDE + GAP), len(samples.names) * pitch
    figure = blank(width, height, theme)
    for k, name in enumerate(samples.names):
        for row, (kind, sides, colour) in enumerate(kinds):
            top = k * pitch + row * (SIDE + GAP)
            label = f"{name}\n{kind}" if name else kind
            place = ((left - 0.1) / width, 1 - (top + SIDE / 2) / height)
            figure.text(*place, label, ha="right", va="center", fontsize=SIZE, color=colour)
            for column, image in enumerate(sides[k]):
                x, y = left + column * (SIDE + GAP), height - top - SIDE
                axes = figure.add_axes((x / width, y / height, SIDE / width, SIDE / height))
                axes.imshow(image, cmap="gray", vmin=0, vmax=255, interpolation="lanczos")
                axes.axis("off")
    return figure

"""Figures of a run: a sheet of its samples, and its networks layer by layer."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.textpath import TextPath
from numpy.typing import NDArray
from PIL import Image

from semiray.errors import SemirayError
from semiray.escaping import in_terminal, shortened
from semiray.figures import SemirayFigure
from semiray.generation.sampling import BLOCK, generate
from semiray.networks.presets import LayerRow, describe

if TYPE_CHECKING:
    from semiray.training.run import Run

__all__ = [
    "FAINT",
    "INK",
    "THUMB",
    "blank_figure",
    "enlarge",
    "mosaic",
    "plot_networks",
    "plot_samples",
    "row_labels",
    "show",
    "text_width",
]

INK = "#1b1f24"
FAINT = "#68707a"
THUMB = 0.72  # a thumbnail's side in inches
_DPI = 150
_MOST_TILES = 100
_THUMB_PIXELS = round(THUMB * _DPI)
_BARS = ("#3a6ea5", "#b5651d")  # generator, discriminator


_MARKS = {
    "png": ({"Synthetic": "true"}, "Description"),
    "pdf": ({"Keywords": "synthetic"}, "Subject"),
    "svg": ({"Keywords": "synthetic"}, "Description"),
}


class SyntheticFigure(SemirayFigure):
    """A figure of generated images, whose files say so whoever saves them."""

    note = "Shows images that a generator made; no patient's radiographs."

    def marks(self, kind: str) -> dict[str, str]:
        """Return the metadata of a file of a kind, which say that it is synthetic."""
        said, place = _MARKS.get(kind, ({}, ""))
        return super().marks(kind) | said | ({place: self.note} if place else {})


def blank_figure(width: float, height: float, kind: type[SemirayFigure] = SyntheticFigure) -> Figure:
    """A white figure of this size in inches, not registered with pyplot."""
    figure = kind(figsize=(width, height), dpi=_DPI, facecolor="white")
    FigureCanvasAgg(figure)
    return figure


def mosaic(images: NDArray[np.uint8], *, gap: int | None = None, group: int | None = None) -> NDArray[np.uint8]:
    """Tile images (R, C, H, W) on white, ``gap`` pixels between them, and two more gaps after every ``group`` rows."""
    rows, columns, height, width = images.shape
    gap = max(1, width // 24) if gap is None else gap
    tops = [r * (height + gap) + 2 * gap * (r // (group or rows)) for r in range(rows)]
    sheet = np.full((tops[-1] + height, columns * (width + gap) - gap), 255, np.uint8)
    for r, top in enumerate(tops):
        for c in range(columns):
            left = c * (width + gap)
            sheet[top : top + height, left : left + width] = images[r, c]
    return sheet


def enlarge(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Images (..., H, W) at a thumbnail's size in print, each by itself, so that none bleeds into its neighbours."""
    height, width = images.shape[-2:]
    if width >= _THUMB_PIXELS:
        return images
    size = (_THUMB_PIXELS, round(height * _THUMB_PIXELS / width))
    one_by_one = images.reshape(-1, height, width)
    large = [np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BICUBIC)) for image in one_by_one]
    return np.stack(large).reshape(*images.shape[:-2], size[1], size[0])


def row_labels(names: Sequence[str], size: float = 9) -> tuple[list[str], float]:
    """Names to stand left of rows of thumbnails, in lines of about twelve letters, and their width in inches."""
    broken = [re.sub(r"(?<=[_/-])(?=.)", " ", name) for name in names]  # a line may also end after one of these
    labels = [textwrap.fill(name, 12, break_long_words=False, break_on_hyphens=False) for name in broken]
    labels = [re.sub(r"(?<=[_/-]) ", "", label) for label in labels]
    lines = [line for label in labels for line in label.splitlines() if line.strip()]
    return labels, max((text_width(line, size) for line in lines), default=0.0)


def text_width(text: str, size: float) -> float:
    """The width of a line of text, in inches, at this size in points."""
    shown = in_terminal(text).replace("$", r"\$")  # as a `SemirayFigure` shows it: no formula
    return float(TextPath((0, 0), shown, size=size).get_extents().width / 72) if text.strip() else 0.0


def plot_samples(run: Run, *, columns: int = 10, rows: int = 2, where: str | None = None, seed: int = 0) -> Figure:
    """Draw generated images, ``rows`` rows of ``columns`` for each class of the run.

    The other arguments are those of `semiray.generation.generate`.

    Raises:
        SemirayError: Fewer than one row or column, an event that can't be read or never happens.

    Examples:
        ``plot_samples(run).savefig("samples.png")``
    """
    if not (1 <= columns <= _MOST_TILES and 1 <= rows <= _MOST_TILES):
        raise SemirayError(
            f"columns = {shortened(columns)}, rows = {shortened(rows)}: ask for 1 to {_MOST_TILES} of each."
        )
    labels: tuple[str | None, ...] = run.classes or (None,)
    per_class, side = rows * columns, run.resolution
    # Each class from its own indices, on block boundaries: no image of one class shares its noise with another's.
    stride = -(-per_class // BLOCK) * BLOCK
    samples = [
        generate(run, per_class, label=label, where=where, seed=seed, start=k * stride).images
        for k, label in enumerate(labels)
    ]
    sheets = [mosaic(enlarge(images.reshape(rows, columns, side, side))) for images in samples]
    high, wide = sheets[0].shape
    scale = THUMB * columns / wide  # inches a pixel
    names, margin = row_labels(run.classes)
    left, top, between = (margin + 0.2 if names else 0.05), 0.34, 0.12
    width, height = left + wide * scale + 0.05, top + len(sheets) * (high * scale + between)
    figure = blank_figure(width, height)
    title = "Generated images" + (f", {where}" if where else "")
    figure.text(left / width, 1 - 0.12 / height, title, fontsize=10, weight="bold", color=INK, va="top")
    for k, sheet in enumerate(sheets):
        bottom = height - top - (k + 1) * high * scale - k * between
        axes = figure.add_axes((left / width, bottom / height, wide * scale / width, high * scale / height))
        show(axes, sheet)
        if names:
            axes.set_yticks([sheet.shape[0] / 2], [names[k]], fontsize=9, color=INK)
    return figure


def show(axes: Axes, sheet: NDArray[np.uint8]) -> None:
    """Show a grey sheet 0..255 without frame and ticks."""
    axes.imshow(sheet, cmap="gray", vmin=0, vmax=255, aspect="auto")
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)


def plot_networks(run: Run) -> Figure:
    """Draw the layers of generator and discriminator in the order in which they run, with shapes and parameters.

    A bar shows each layer's share of its network's parameters. Shapes are (channels, height, width) or (features,).

    Examples:
        ``plot_networks(run).savefig("networks.png")``
    """
    tables = [describe(run.generator), describe(run.discriminator)]
    shape = run.generator.shape
    classes = f"label ({len(run.classes)} classes)" if run.classes else "no label"
    pixels = f"image (1, {shape.resolution}, {shape.resolution})"
    wires = [
        (f"noise ({shape.noise},)   codes ({shape.codes},)   {classes}", f"{pixels} in [-1, 1]"),
        (f"{pixels}   {classes}", f"critic: real or not   sorter: scores ({shape.codes},)"),
    ]
    lines = max(len(table) for table in tables) + 4
    figure = blank_figure(12.5, 0.19 * lines + 0.1, SemirayFigure)
    for k, (title, table) in enumerate(zip(("Generator", "Discriminator"), tables, strict=True)):
        axes = figure.add_axes((0.01 + 0.5 * k, 0.01, 0.48, 0.98))
        axes.set(xlim=(0, 1), ylim=(lines, 0))
        axes.axis("off")
        _draw_network(axes, title, table, wires[k], _BARS[k])
    return figure


def _draw_network(axes: Axes, title: str, table: list[LayerRow], wires: tuple[str, str], colour: str) -> None:
    total = sum(row.parameters for row in table)
    largest = max(row.parameters for row in table)
    axes.text(0, 0.6, title, fontsize=11, weight="bold", color=INK, va="center")
    axes.text(1, 0.6, f"{total:,} parameters", fontsize=9, color=INK, va="center", ha="right")
    axes.text(0, 1.8, "in:  " + wires[0], fontsize=8, color=FAINT, va="center")
    axes.plot((0, 1), (2.4, 2.4), color=FAINT, linewidth=0.6)
    for i, row in enumerate(table):
        y = 3.0 + i
        axes.text(0, y, row.name, fontsize=7.5, color=INK, va="center", family="DejaVu Sans Mono")
        axes.text(0.34, y, row.kind, fontsize=7.5, color=FAINT, va="center")
        axes.text(0.53, y, f"({', '.join(map(str, row.output))})", fontsize=7.5, color=INK, va="center")
        axes.text(0.79, y, f"{row.parameters:,}", fontsize=7.5, color=INK, va="center", ha="right")
        axes.barh(y, 0.19 * row.parameters / largest, left=0.81, height=0.6, color=colour, linewidth=0)
    end = 3.0 + len(table)
    axes.plot((0, 1), (end - 0.4, end - 0.4), color=FAINT, linewidth=0.6)
    axes.text(0, end + 0.2, "out:  " + wires[1], fontsize=8, color=FAINT, va="center")

"""The figure of a re-presented image: the original, what the generator makes of it, and the factor's move."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image

from semiray.generation.figures import FAINT, INK, SyntheticFigure, blank_figure, show
from semiray.generation.representation import Representation
from semiray.generation.traversal import name_standing

if TYPE_CHECKING:
    from semiray.training.run import Run

__all__ = ["plot_representation"]

_SIDE, _GAP = 1.3, 0.08  # inches
_LEFT, _TOP, _BETWEEN, _LINE = 0.15, 0.5, 0.3, 0.27  # margin, above the first row, above the others, under a row
_COLUMNS = 8
_PIXELS = 216  # a picture's side in print, where the image is smaller


class _Mixed(SyntheticFigure):
    note = "Shows one image that was given, and images that a generator made after it."


def plot_representation(run: Run, represented: Representation) -> Figure:
    """Draw the original, its reconstruction, their difference in grey levels, and the images of the move.

    Under each step stands the value of what moves (of the lead dimension, where a factor does), under the
    reconstruction the value that the sorter read. The caption says whether the factor is grounded: if not, its name is
    assumed.

    Args:
        run: The run that ``represented`` was made with.
        represented: What :func:`semiray.generation.represent` returned.

    Returns:
        A matplotlib figure; ``figure.savefig("figure.png")`` writes it. It shows the original: guard it as you do that.

    Example:
        ``plot_representation(run, represent(run, "patient.png", move="texture")).savefig("texture.png")``
    """
    column = run.prior.index(represented.move)
    factor = next(
        f for f in run.prior.factors if run.prior.slices[f.name].start <= column < run.prior.slices[f.name].stop
    )
    unit = f" {factor.unit}" if factor.unit else ""
    steps = len(represented.images)
    rows = -(-steps // _COLUMNS)
    width = 2 * _LEFT + max(5, min(steps, _COLUMNS)) * (_SIDE + _GAP)
    caption = textwrap.fill(_caption(run, represented, factor.name), int((width - 2 * _LEFT) * 15.5))
    foot = 0.16 * (caption.count("\n") + 1) + 0.15
    height = _TOP + _SIDE + _LINE + rows * (_BETWEEN + _SIDE + _LINE) + foot
    figure = blank_figure(width, height, _Mixed)

    def place(row: int, position: float) -> Axes:
        bottom = height - _TOP - _SIDE - row * (_SIDE + _LINE + _BETWEEN)
        left = _LEFT + position * (_SIDE + _GAP)
        return figure.add_axes((left / width, bottom / height, _SIDE / width, _SIDE / height))

    given = place(0, 0)
    _picture(given, represented.original, "as given")
    given.set_title("Original", fontsize=9, color=INK)
    made = place(0, 1)
    _picture(made, represented.reconstruction, f"read: {represented.codes[column]:.3g}{unit}")
    made.set_title("Reconstruction\n(synthetic)", fontsize=9, color=INK)
    _difference(place(0, 2), represented)
    figure.text(
        (_LEFT + 3.6 * (_SIDE + _GAP)) / width,
        1 - _TOP / height,
        _facts(represented),
        fontsize=8,
        color=INK,
        va="top",
        linespacing=1.6,
    )
    for step, (image, codes) in enumerate(zip(represented.images, represented.moved, strict=True)):
        axes = place(1 + step // _COLUMNS, step % _COLUMNS)
        _picture(axes, image, f"{codes[column]:.3g}{unit}")
        if step == 0:
            axes.set_title(f"{represented.move} moves (synthetic)", fontsize=9, color=INK, loc="left", weight="bold")
    figure.text(_LEFT / width, 0.08 / height, caption, fontsize=8, color=FAINT, va="bottom", linespacing=1.3)
    return figure


def _picture(axes: Axes, image: NDArray[np.uint8], below: str) -> None:
    side = max(image.shape[0], _PIXELS)
    show(axes, np.asarray(Image.fromarray(image).resize((side, side), Image.Resampling.BICUBIC)))
    axes.set_xlabel(below, fontsize=8, color=INK)


def _difference(axes: Axes, represented: Representation) -> None:
    """Original minus reconstruction, in colours whose scale stands beside it."""
    difference = represented.original.astype(np.float32) - represented.reconstruction
    limit = max(10.0, float(np.ceil(np.abs(difference).max() / 10)) * 10)
    picture = axes.imshow(difference, cmap="RdBu_r", vmin=-limit, vmax=limit, interpolation="nearest", aspect="auto")
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_visible(False)
    axes.set_title("Difference,\ngrey levels of 255", fontsize=9, color=INK)
    axes.set_xlabel("original - reconstruction", fontsize=8, color=INK)
    bar = axes.inset_axes((1.04, 0.0, 0.06, 1.0))
    scale = axes.figure.colorbar(picture, cax=bar, ticks=[-limit, 0, limit])
    scale.ax.tick_params(labelsize=7, colors=INK, length=2)
    scale.outline.set_visible(False)


def _facts(represented: Representation) -> str:
    lines = [
        f"SSIM {represented.ssim:.3f} (by noise alone {represented.noise_ssim:.3f})",
        f"mean error {represented.error:.1f} grey levels of 255",
    ]
    if represented.label is not None:
        lines.append(f"class: {represented.label}, {'guessed by the sorter' if represented.label_guessed else 'given'}")
    return "\n".join(lines)


def _caption(run: Run, represented: Representation, factor: str) -> str:
    whole = represented.move == factor and run.prior.slices[factor].stop - run.prior.slices[factor].start > 1
    what = f"all dimensions of {factor} move together, its lead's value is shown" if whole else "nothing else moves"
    return (
        "Only the original is a given image; all others are synthetic: no radiographs, no forecast. Codes are the "
        f"sorter's reading; noise, offsets, class and all other codes stay: {what}." + name_standing(run, (factor,))
    )

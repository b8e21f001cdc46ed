"""Re-present one real patient: the generator's image of them, and the same while one factor moves; its figure."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image

from semiray.errors import SemirayError
from semiray.escaping import shortened
from semiray.files import user_path
from semiray.generation.encoding import discriminate, encode
from semiray.generation.figures import FAINT, INK, SyntheticFigure, blank_figure, show
from semiray.generation.inversion import STEPS, invert
from semiray.generation.sampling import class_index
from semiray.generation.similarity import ssim
from semiray.generation.traversal import MOST_STEPS, factor_path, name_standing
from semiray.radiographs.pixels.framing import read_radiograph

if TYPE_CHECKING:
    from semiray.priors import JointPrior
    from semiray.training.run import Run

__all__ = ["Representation", "guess_class", "image_error", "moved_codes", "plot_representation", "represent"]

_SIDE, _GAP = 1.3, 0.08  # inches
_LEFT, _TOP, _BETWEEN, _LINE = 0.15, 0.5, 0.3, 0.27  # margin, above the first row, above the others, under a row
_COLUMNS = 8
_PIXELS = 216  # a picture's side in print, where the image is smaller


@dataclass(frozen=True)
class Representation:
    """One image, what the run makes of it, and what it makes of it when a factor moves.

    Attributes:
        original: (H, W) uint8, the image that was given, as the run's data were framed.
        reconstruction: (H, W) uint8, generated from ``codes``, ``z``, ``label`` and the patient's offsets.
        codes: (M,) float32, estimated from the original, in the factors' own units; ``names`` are the dimensions.
        z: (Z,) float32, the noise that was found.
        label: The class, None where the run knows no classes; the sorter's estimate if ``label_guessed``.
        images: (S, H, W) uint8, generated; only ``move`` differs from the reconstruction.
        moved: (S, M) float32, the codes of ``images``.
        error: Mean absolute difference of original and reconstruction, in grey levels of 255.
        ssim: Their structural similarity, 1 when equal.
        noise_ssim: The structural similarity that noise without offsets reached.
        offset: Root mean square of the offsets: how far the generator was changed for this patient.
    """

    original: NDArray[np.uint8]
    reconstruction: NDArray[np.uint8]
    codes: NDArray[np.float32]
    z: NDArray[np.float32]
    label: str | None
    label_guessed: bool
    move: str
    images: NDArray[np.uint8]
    moved: NDArray[np.float32]
    names: tuple[str, ...]
    error: float
    ssim: float
    noise_ssim: float
    offset: float
    seed: int = 0


def represent(
    run: Run,
    image: Path | str | NDArray[np.uint8],
    *,
    move: str,
    steps: int = 8,
    label: str | None = None,
    seed: int = 0,
    search_steps: tuple[int, int] = STEPS,
    progress: Callable[[int, int], None] | None = None,
) -> Representation:
    """Find what the generator makes an image from, then move one factor with everything else held.

    Codes are estimated by the sorter and stay as estimated; noise and offsets are searched for
    (`semiray.generation.invert`). A factor moves with all its dimensions along its quantiles, as in
    `semiray.generation.traverse`; a single dimension, such as ``"duration[3]"``, moves alone.

    Args:
        run: A trained run.
        image: A file, read and framed as the run's data were; or (H, W) uint8 at the run's resolution.
        move: The factor, or the dimension.
        steps: At least 2; a discrete factor takes as many as it has values, up to this.
        label: The image's class; None takes the sorter's guess.
        seed: Of the search's starts, 0 <= seed < 2**64.
        search_steps: Steps of the search for noise, and of that for offsets.
        progress: Called with (steps of the search done, steps).

    Returns:
        The representation; the same call gives the same numbers, on the same kind of machine.

    Raises:
        SemirayError: A file that can't be read, an image of another size, an unknown factor or class, fewer than two
            steps, or no label where the run's sorter never learned classes.

    Examples:
        ``represent(Run.load("RUN"), "patient.png", move="presentation").ssim``
    """
    requested = None if label is None else class_index(run.classes, label)
    original = _read(run, user_path(image)) if isinstance(image, Path | str) else np.asarray(image)
    if original.ndim != 2:
        raise SemirayError(f"the image is {original.shape}: expected one image (H, W), uint8, 0..255.")
    codes = encode(run, original[None])[0]
    moved = moved_codes(run.prior, codes, move, steps)
    number = guess_class(run, original) if requested is None else requested
    found = invert(run, original, codes, number, seed=seed, steps=search_steps, progress=progress)
    images = found.render(np.concatenate([codes[None], moved]))
    grey, similarity = image_error(original, images[0])
    return Representation(
        original=original,
        reconstruction=images[0],
        codes=codes,
        z=found.z,
        label=run.classes[number] if run.classes else None,
        label_guessed=bool(run.classes) and label is None,
        move=move,
        images=images[1:],
        moved=moved,
        names=run.prior.names,
        error=grey,
        ssim=similarity,
        noise_ssim=found.noise_ssim,
        offset=found.offset,
        seed=seed,
    )


def image_error(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> tuple[float, float]:
    """Mean absolute difference in grey levels, and structural similarity, of two images (H, W) uint8."""
    x, y = (torch.from_numpy(image.astype(np.float64))[None, None] for image in (a, b))
    return float((x - y).abs().mean()), float(ssim(x, y, data_range=255))


def moved_codes(prior: JointPrior, codes: NDArray[np.float32], move: str, steps: int) -> NDArray[np.float32]:
    """Codes (S, M) float32: ``codes`` (M,) except for one factor, or one dimension, which moves in ``steps``."""
    lead = prior.index(move)
    if not 2 <= steps <= MOST_STEPS:
        raise SemirayError(f"steps = {shortened(steps)}: a move takes 2 to {MOST_STEPS}.")
    factor, whole = next((name, part) for name, part in prior.slices.items() if part.start <= lead < part.stop)
    path = factor_path(prior, factor, steps).numpy()
    columns = whole if move == factor else slice(lead, lead + 1)
    moved = np.tile(codes, (len(path), 1))
    moved[:, columns] = path[:, columns.start - whole.start : columns.stop - whole.start]
    return moved


def _read(run: Run, path: Path) -> NDArray[np.uint8]:
    if path.is_dir():
        raise SemirayError(f"{path} is a folder: name one image in it.")
    if not path.exists():
        raise SemirayError(f"{path}: there is no such file. Name a PNG, JPEG, TIFF, BMP or WebP image.")
    return read_radiograph(path, run.resolution, run.settings.data.framing)


def guess_class(run: Run, image: NDArray[np.uint8]) -> int:
    """The class in ``run.classes`` that the sorter estimates for an image (H, W) uint8; -1 where there are none."""
    if not run.classes:
        return -1
    if run.settings.objectives.classify == 0:
        raise SemirayError(
            "this run's sorter was not trained to classify (objectives.classify is 0): give the image's class, "
            f"one of {', '.join(run.classes)}."
        )
    _, output = next(discriminate(run, image[None], np.zeros(1, np.int64)))
    return int(output.classes[0].argmax())


class _Mixed(SyntheticFigure):
    note = "Shows one image that was given, and images that a generator made after it."


def plot_representation(run: Run, represented: Representation) -> Figure:
    """Draw the original, its reconstruction, their difference in grey levels, and the images of the move.

    Under each step stands the value of what moves (of the lead dimension, where a factor does), under the
    reconstruction the value that the sorter estimated. The caption says whether the factor is grounded: if not, its
    name is assumed. The figure shows the original: guard it as you do that.

    Args:
        run: The run that ``represented`` was made with.
        represented: What `semiray.generation.represent` returned.

    Examples:
        ``plot_representation(run, represent(run, "patient.png", move="texture")).savefig("texture.png")``
    """
    column, slices = run.prior.index(represented.move), run.prior.slices
    factor = next(f for f in run.prior.factors if slices[f.name].start <= column < slices[f.name].stop)
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

    _picture(place(0, 0), represented.original, "as given").set_title("Original", fontsize=9, color=INK)
    made = _picture(place(0, 1), represented.reconstruction, f"read: {represented.codes[column]:.3g}{unit}")
    made.set_title("Reconstruction\n(synthetic)", fontsize=9, color=INK)
    _difference(place(0, 2), represented)
    left, top = (_LEFT + 3.6 * (_SIDE + _GAP)) / width, 1 - _TOP / height
    figure.text(left, top, _facts(represented), fontsize=8, color=INK, va="top", linespacing=1.6)
    for step, (image, codes) in enumerate(zip(represented.images, represented.moved, strict=True)):
        axes = _picture(place(1 + step // _COLUMNS, step % _COLUMNS), image, f"{codes[column]:.3g}{unit}")
        if step == 0:
            axes.set_title(f"{represented.move} moves (synthetic)", fontsize=9, color=INK, loc="left", weight="bold")
    figure.text(_LEFT / width, 0.08 / height, caption, fontsize=8, color=FAINT, va="bottom", linespacing=1.3)
    return figure


def _picture(axes: Axes, image: NDArray[np.uint8], below: str) -> Axes:
    side = max(image.shape[0], _PIXELS)
    show(axes, np.asarray(Image.fromarray(image).resize((side, side), Image.Resampling.BICUBIC)))
    axes.set_xlabel(below, fontsize=8, color=INK)
    return axes


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
        lines.append(
            f"class: {represented.label}, {'estimated by the sorter' if represented.label_guessed else 'given'}"
        )
    return "\n".join(lines)


def _caption(run: Run, represented: Representation, factor: str) -> str:
    columns = run.prior.slices[factor]
    whole = represented.move == factor and columns.stop - columns.start > 1
    what = f"all dimensions of {factor} move together, its lead's value is shown" if whole else "nothing else moves"
    return (
        "Only the original is a given image; all others are synthetic: no radiographs, no forecast. Codes are the "
        f"sorter's reading; noise, offsets, class and all other codes stay: {what}." + name_standing(run, (factor,))
    )

"""Traversals: images of the same patients while one factor at a time moves, the study's results figure."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from matplotlib.figure import Figure
from numpy.typing import NDArray
from torch import Tensor

from semiray.errors import SemirayError
from semiray.escaping import shortened
from semiray.generation.figures import FAINT, INK, THUMB, blank_figure, enlarge, mosaic, row_labels, show
from semiray.generation.sampling import BLOCK, draw_block, render

if TYPE_CHECKING:
    from semiray.priors import JointPrior
    from semiray.training.run import Run

__all__ = [
    "MOST_STEPS",
    "Traversal",
    "factor_path",
    "measure_traversal",
    "name_standing",
    "plot_traversal",
    "traversal_images",
    "traverse",
]

MOST_STEPS = 100
"""Steps of a move, and rows of a class, that a figure can show."""

_MOST_COLUMNS = 16  # thumbnails side by side that a page still shows
_GAP, _TOP, _BOTTOM = 0.3, 0.4, 0.5  # inches


@dataclass(frozen=True)
class Traversal:
    """Images of the same patients while one factor at a time moves: the data of the figure.

    `panels` are, per factor, the images (K patients, S, H, W) uint8 and codes (K patients, S, M) of
    `traversal_images`; `patients` is their number per class; the rest is as in `Run`.
    """

    panels: Mapping[str, tuple[NDArray[np.uint8], NDArray[np.float32]]]
    patients: int
    prior: JointPrior
    classes: tuple[str, ...]
    grounded: Mapping[str, int]
    measured: Mapping[str, str]


def factor_path(prior: JointPrior, factor: str, steps: int) -> Tensor:
    """The codes of one factor as it moves, all its dimensions together.

    A continuous factor goes through its quantiles from 5 % to 95 % in equal steps of probability; a discrete one
    through its values, at most ``steps`` of them, the first and the last among them.

    Returns:
        (S, d) float32 in the factor's own units; S = ``steps``, or fewer values where it is discrete.
    """
    where = prior.slices[factor]
    names = prior.names[where]
    if not bool(prior.discrete[where].any()):
        u = torch.linspace(0.05, 0.95, steps, dtype=torch.float64)
        return torch.stack([prior.quantile(name, u) for name in names], dim=1).float()
    # Dimensions may have other values each: value number j of S goes with value number j of S.
    grid = torch.arange(0.0005, 1, 0.001, dtype=torch.float64)
    values = [torch.unique(prior.quantile(name, grid)) for name in names]
    count = min(steps, max(len(v) for v in values))
    place = torch.linspace(0, 1, count, dtype=torch.float64)
    return torch.stack([v[(place * (len(v) - 1)).round().long()] for v in values], dim=1).float()


def traversal_images(
    run: Run, factor: str, *, patients: int = 2, steps: int = 7, seed: int = 0
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Images of the same patients while one factor moves; noise, label and all other codes stay.

    Patients are drawn as `semiray.generation.generate` draws images: ``patients`` per class, classes one after
    another. Arguments and errors are those of `traverse`, for one factor.

    Returns:
        Images (K patients, S, H, W) uint8 and the requested codes (K patients, S, M) float32.
    """
    _check(run.prior, (factor,), patients, steps)
    path = factor_path(run.prior, factor, steps)
    count = patients * max(1, len(run.classes))
    blocks = [draw_block(run, run.prior, seed, block) for block in range(-(-count // BLOCK))]
    z = torch.cat([z for z, _ in blocks])[:count]
    codes = torch.cat([c for _, c in blocks])[:count, None].repeat(1, len(path), 1)
    codes[:, :, run.prior.slices[factor]] = path
    labels = np.repeat(np.arange(max(1, len(run.classes)), dtype=np.int64), patients * len(path))
    images = render(run, z.repeat_interleave(len(path), dim=0), codes.flatten(0, 1), labels)
    side = run.resolution
    return images.reshape(count, len(path), side, side), codes.numpy()


def traverse(
    run: Run, *, patients: int = 2, steps: int = 7, factors: Sequence[str] | None = None, seed: int = 0
) -> Figure:
    """Draw the study's results figure: for each disease one row per patient, for each factor a panel in which it moves.

    A panel's columns are labelled with the values of the factor's lead dimension, in its units. The caption says which
    factors are grounded: the name of any other is assumed.

    Args:
        run: A trained run.
        patients: Rows per class, at least 1.
        steps: Columns per panel, at least 2; a discrete factor has as many as it has values, up to this.
        factors: Names of the factors to show, in this order; None shows all.
        seed: As in `semiray.generation.generate`.

    Raises:
        SemirayError: An unknown factor, fewer than one patient, fewer than two steps.

    Examples:
        ``traverse(Run.load("RUN"), patients=3, factors=["duration"]).savefig("duration.png")``
    """
    return plot_traversal(measure_traversal(run, patients=patients, steps=steps, factors=factors, seed=seed))


def measure_traversal(
    run: Run, *, patients: int = 2, steps: int = 7, factors: Sequence[str] | None = None, seed: int = 0
) -> Traversal:
    """Generate the images of `traverse` as arrays. Arguments and errors are those of `traverse`."""
    names = tuple(factor.name for factor in run.prior.factors) if factors is None else tuple(factors)
    _check(run.prior, names, patients, steps)
    panels = {name: traversal_images(run, name, patients=patients, steps=steps, seed=seed) for name in names}
    return Traversal(panels, patients, run.prior, run.classes, run.grounded, run.measured)


def plot_traversal(traversal: Traversal) -> Figure:
    """Draw the figure of `traverse` from its arrays."""
    prior, classes, panels = traversal.prior, traversal.classes, traversal.panels
    lines = _flow({name: images.shape[1] for name, (images, _) in panels.items()})
    units = {factor.name: factor.unit for factor in prior.factors}
    labels, margin = row_labels(classes)
    margin += 0.2
    rows = traversal.patients * max(1, len(classes))
    high = rows * THUMB
    inner = max(sum(panels[name][0].shape[1] * THUMB for name in line) + _GAP * (len(line) - 1) for line in lines)
    width = max(margin + inner + 0.1, 5.0)
    words = (
        "Generated images, not patients' radiographs. Each row is one generated patient: noise and all other codes "
        "stay, all dimensions of the panel's factor move together; its lead dimension's values are shown."
        + name_standing(traversal, tuple(panels))
    )
    caption = textwrap.fill(words, int((width - margin) * 15))
    foot = 0.15 * (caption.count("\n") + 1) + 0.1
    height = len(lines) * (_TOP + high + _BOTTOM) + foot
    figure = blank_figure(width, height)
    figure.text(margin / width, 0.08 / height, caption, fontsize=8, color=FAINT, va="bottom", linespacing=1.3)
    for row, line in enumerate(lines):
        bottom, left = height - row * (_TOP + high + _BOTTOM) - _TOP - high, margin
        for column, name in enumerate(line):
            images, codes = panels[name]
            wide = images.shape[1] * THUMB
            axes = figure.add_axes((left / width, bottom / height, wide / width, high / height))
            sheet = mosaic(enlarge(images), group=traversal.patients)
            show(axes, sheet)
            axes.set_title(name, fontsize=11, weight="bold", color=INK, loc="left", pad=5)
            lead = codes[0, :, prior.slices[name].start]
            places = (np.arange(len(lead)) + 0.5) * sheet.shape[1] / len(lead) - 0.5
            axes.set_xticks(places, [f"{value:.3g}" for value in lead], fontsize=8, color=INK)
            unit = f"{units[name]}, " if units[name] else ""
            values = "its values" if bool(prior.discrete[prior.slices[name]].any()) else "5th to 95th percentile"
            axes.set_xlabel(unit + values, fontsize=8, color=FAINT)
            if column == 0 and classes:
                middle = (np.arange(len(classes)) + 0.5) * sheet.shape[0] / len(classes) - 0.5
                axes.set_yticks(middle, labels, fontsize=9, color=INK)
            left += wide + _GAP
    return figure


def _check(prior: JointPrior, names: Sequence[str], patients: int, steps: int) -> None:
    known = [factor.name for factor in prior.factors]
    for name in names:
        if name not in known:
            raise SemirayError(f"factor {name!r} is not in the run's prior ({', '.join(known)}).")
    if not names:
        raise SemirayError(f"no factor to show: choose among {', '.join(known)}.")
    if not (1 <= patients <= MOST_STEPS and 2 <= steps <= MOST_STEPS):
        raise SemirayError(
            f"patients = {shortened(patients)}, steps = {shortened(steps)}: 1 to {MOST_STEPS} patients and 2 to "
            f"{MOST_STEPS} steps make a figure."
        )


def _flow(columns: dict[str, int]) -> list[list[str]]:
    """Break panels into lines as even as their order allows, of at most _MOST_COLUMNS thumbnails where a panel fits."""

    def fill(limit: int) -> list[list[str]]:
        lines: list[list[str]] = [[]]
        for name, count in columns.items():
            if lines[-1] and sum(columns[other] for other in lines[-1]) + count > limit:
                lines.append([])
            lines[-1].append(name)
        return lines

    widest = max(columns.values())
    fewest = len(fill(max(widest, _MOST_COLUMNS)))
    return next(lines for limit in range(widest, sum(columns.values()) + 1) if len(lines := fill(limit)) <= fewest)


def name_standing(run: Run | Traversal, names: Sequence[str]) -> str:
    """Which of some factors are grounded and which are assumed, in sentences that begin with a space."""
    counts = {name: f"{run.grounded[name]:,} images" for name in names if run.grounded.get(name)}
    grounded = [f"{name} (grounded on {images})" for name, images in counts.items() if name not in run.measured]
    measured = [f"{name} ({run.measured[name]} of {counts[name]})" for name in counts if name in run.measured]
    assumed = [name for name in names if not run.grounded.get(name)]
    known = f" Grounded in metadata: {', '.join(grounded)}." if grounded else ""
    known += f" Grounded in pixels, not in metadata: {', '.join(measured)}." if measured else ""
    return known + (f" Assumed, grounded on no image: {', '.join(assumed)}." if assumed else "")

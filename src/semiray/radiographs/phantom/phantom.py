"""Phantoms: toy chest radiographs with known factors, rendered from codes, for demos and as ground truth.

``geometry`` computes rays, ``disease`` the signs of disease and ``anatomy`` the organs; this file contains the
detector, the public functions and the output files.
"""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import uniform_filter1d

from semiray.errors import SemirayError
from semiray.escaping import shortened
from semiray.files import user_path
from semiray.memory import keep_freed_memory
from semiray.radiographs.phantom.anatomy import attenuation
from semiray.radiographs.phantom.disease import Draws, Signs
from semiray.radiographs.phantom.folders import new_folder, save_png
from semiray.radiographs.phantom.geometry import Array, per_image

__all__ = ["PHANTOM_CLASSES", "check_amount", "check_codes", "phantom_labels", "render", "render_phantoms"]
__all__ += ["save_phantoms", "signs_of"]

PHANTOM_CLASSES = ("normal", "lobar", "diffuse")
FACTORS = ("survival", "duration", "presentation", "texture")
DIMENSIONS = 5
CODES = DIMENSIONS * len(FACTORS)
RANGES = ("0 or 1", "0 days or more", "between -1 and 1", "between -1 and 1")
RESOLUTIONS = (16, 1024)
BURDEN_DAYS = 12.0  # burden = 1 - exp(-days / 12): disease saturates as it fills the lungs
LETTER = ("111", "101", "111", "100", "100")  # the lead marker P: phantom
MARK_GREY = 245
_MOST_PIXELS = 2**33  # of all phantoms together: 8 GB
CHUNK = 16  # patients rendered at once by a thread


def phantom_labels(n: int, seed: int = 0) -> NDArray[np.int64]:
    """Draw labels of ``n`` phantoms: equally many of each class (up to one), in random order.

    Args:
        n: number of phantoms, 0 or more.
        seed: the same seed gives the same labels.

    Returns:
        Indices into ``PHANTOM_CLASSES``, shape (n,), int64.
    """
    if n < 0:
        raise SemirayError(f"phantom_labels: n is {n}, but must be 0 or more")
    return np.random.default_rng(seed).permutation(np.arange(n, dtype=np.int64) % len(PHANTOM_CLASSES))


def render_phantoms(
    codes: ArrayLike,
    labels: ArrayLike,
    resolution: int,
    seed: int,
    *,
    first: int = 0,
    workers: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> NDArray[np.uint8]:
    """Render phantoms, each from its own codes and label.

    Anatomy, exposure and photon noise of image i depend only on ``(seed, first + i)``: any split into batches gives the
    same bytes.

    Args:
        codes: (N, 20) in own units: survival x 5 (0 or 1), duration x 5 (days, >= 0), presentation x 5 and texture x 5
            (both -1 to 1); the lead of each factor first.
        labels: (N,) indices into ``PHANTOM_CLASSES``.
        resolution: side of the images in pixels, 16 to 1024.
        seed: 0 or more.
        first: index of the first image, for rendering a large set in parts.
        workers: number of threads; None for one per core. The images don't depend on it.
        progress: called with (done, total) from time to time.

    Returns:
        Images (N, resolution, resolution), uint8, with the letter P bright in the upper left corner.

    Raises:
        SemirayError: if a shape, a code or a label is invalid.

    Examples:
        >>> images = render_phantoms([[1] * 5 + [10] * 5 + [0] * 10], [2], resolution=64, seed=0)
        >>> images.shape
        (1, 64, 64)
    """
    table, classes = check_codes(codes, labels)
    return render(
        lambda rows: signs_of(table[rows], classes[rows]),
        len(table),
        resolution,
        seed,
        first=first,
        workers=workers,
        progress=progress,
    )


def signs_of(codes: NDArray[np.float32], labels: NDArray[np.int64]) -> Signs:
    """What codes (N, 20) and labels (N,) request."""
    survival, duration, place, texture = np.split(codes.astype(np.float64), len(FACTORS), axis=1)
    burden = 1.0 - np.exp(-duration / BURDEN_DAYS)
    return Signs(labels, absent=1.0 - survival, burden=burden, place=place, texture=texture)


def render(
    signs: Callable[[slice], Signs],
    total: int,
    resolution: int,
    seed: int,
    *,
    first: int = 0,
    workers: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> NDArray[np.uint8]:
    """Render ``total`` patients, whose ``signs`` are asked for in slices; arguments as for `render_phantoms`."""
    low, high = RESOLUTIONS
    if not low <= resolution <= high:
        raise SemirayError(f"phantom resolution {resolution} is outside {low} to {high} pixels")
    if not (0 <= seed < 2**64 and 0 <= first < 2**63):
        raise SemirayError(
            f"phantom seed {shortened(seed)} and first index {shortened(first)} must be 0 or more, and below 2**63"
        )
    check_amount(total, resolution)
    images = np.empty((total, resolution, resolution), dtype=np.uint8)

    def render_chunk(start: int) -> int:
        stop = min(start + CHUNK, total)
        generators = [np.random.default_rng((seed, first + i)) for i in range(start, stop)]
        images[start:stop] = _detect(signs(slice(start, stop)), generators, resolution)
        return stop - start

    keep_freed_memory()
    starts, done = range(0, total, CHUNK), 0
    with ThreadPoolExecutor(max_workers=workers or os.cpu_count() or 1) as pool:
        for count in pool.map(render_chunk, starts):
            done += count
            if progress is not None:
                progress(done, total)
    return images


def check_amount(n: int, resolution: int) -> None:
    """Raise SemirayError where so many images of this side don't fit into a computer's memory."""
    most = _MOST_PIXELS // max(1, resolution) ** 2
    if not 0 <= n <= most:
        raise SemirayError(
            f"n = {shortened(n)}: at most {most:,} phantoms of {resolution} pixels can be rendered at once; make "
            "several folders with other seeds."
        )


def save_phantoms(
    out: str | Path, images: ArrayLike, codes: ArrayLike, labels: ArrayLike, names: Sequence[str]
) -> None:
    """Write phantoms as OUT/<class>/phantom_000001.png and their factors as OUT/factors.csv.

    The text metadata of every PNG mark it as a phantom (Phantom, Synthetic, Software, Label, Codes). The table has the
    columns path (relative to ``out``), label, patient (one per image) and one per code. The folder is written
    completely or not at all.

    Args:
        out: a folder that doesn't exist yet, or is empty.
        images: (N, H, W) uint8.
        codes: (N, 20) in own units.
        labels: (N,) indices into ``PHANTOM_CLASSES``.
        names: the 20 names of the codes, such as "survival[0]".

    Raises:
        SemirayError: if shapes or values are invalid, or ``out`` isn't empty.
    """
    out = user_path(out).resolve()
    table, classes = check_codes(codes, labels)
    stack = np.asarray(images)
    if stack.ndim != 3 or stack.dtype != np.uint8 or len(stack) != len(table):
        raise SemirayError(
            f"phantom images have shape {stack.shape} and type {stack.dtype}, but ({len(table)}, H, W) uint8 is needed"
        )
    if len(names) != CODES or len(set(names)) != CODES:
        raise SemirayError(
            f"names= must be {CODES} different names of codes, not {len(set(names))} different of {len(names)}"
        )
    with (
        new_folder(out, PHANTOM_CLASSES, "factors.csv") as folder,
        (folder / "factors.csv").open("w", newline="", encoding="utf-8") as file,
    ):
        writer = csv.writer(file)
        writer.writerow(["path", "label", "patient", *names])
        for i, (image, row, label) in enumerate(zip(stack, table, classes, strict=True), start=1):
            name, patient = PHANTOM_CLASSES[label], f"phantom_{i:06d}"
            values = [str(value) for value in row]  # the shortest text that reads back as the same float32
            said = json.dumps(dict(zip(names, map(float, values), strict=True)))
            save_png(folder / name / f"{patient}.png", image, {"Label": name, "Codes": said})
            writer.writerow([f"{name}/{patient}.png", name, patient, *values])


def check_codes(codes: ArrayLike, labels: ArrayLike) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """The codes as (N, 20) float32 and the labels as (N,) int64, or an error that names row and column."""
    table, classes = np.asarray(codes, dtype=np.float32), np.asarray(labels)
    if table.ndim != 2 or table.shape[1] != CODES:
        raise SemirayError(
            f"phantom codes have shape {table.shape}, but (N, {CODES}) is needed: {' x 5, '.join(FACTORS)} x 5"
        )
    if classes.shape != (len(table),) or (classes.size and classes.dtype.kind not in "iu"):
        raise SemirayError(
            f"phantom labels have shape {classes.shape} and type {classes.dtype}, but must be {len(table)} integers"
        )
    blocks = table.reshape(-1, len(FACTORS), DIMENSIONS)
    wrong = ~np.isfinite(blocks)
    wrong[:, 0] |= (blocks[:, 0] != 0) & (blocks[:, 0] != 1)
    wrong[:, 1] |= blocks[:, 1] < 0
    wrong[:, 2:] |= np.abs(blocks[:, 2:]) > 1
    if wrong.any():
        row, factor, k = (int(i) for i in np.argwhere(wrong)[0])
        raise SemirayError(
            f"phantom codes row {row}: {FACTORS[factor]}[{k}] is {blocks[row, factor, k]}, but must be {RANGES[factor]}"
        )
    unknown = (classes < 0) | (classes >= len(PHANTOM_CLASSES))
    if unknown.any():
        row = int(np.argmax(unknown))
        known = ", ".join(f"{i} {name}" for i, name in enumerate(PHANTOM_CLASSES))
        raise SemirayError(f"phantom labels row {row}: {classes[row]} is no class; the classes are {known}")
    return table, classes.astype(np.int64)


def _detect(signs: Signs, generators: list[np.random.Generator], resolution: int) -> NDArray[np.uint8]:
    """Anatomy, then the detector: Beer-Lambert law, pixel area, photon noise, digital processing, the mark."""
    draws = Draws(generators)
    fine = max(1, 128 // resolution)  # a detector pixel collects the photons of its whole area
    signal = attenuation(signs, draws, resolution * fine)
    np.negative(signal, out=signal)
    np.exp(signal, out=signal)
    signal = _pooled(_pooled(signal, fine, axis=1), fine, axis=2)
    low, high = np.array([(0.6, 1.10, 2.40, 1.50), (1.6, 1.22, 2.60, 1.70)])
    dose, steep, middle, local = (low + (high - low) * draws.exposure).T
    photons = dose * (1.5e5 * (64 / resolution) ** 2 + 2e4)
    signal *= per_image(photons / fine**2)
    # Density is the logarithm of exposure relative to open air; log(photons) is a constant.
    density = np.stack([g.poisson(s) for g, s in zip(generators, signal, strict=True)]).astype(np.float32)
    density += np.float32(1.0)
    np.log(density, out=density)
    density -= per_image(np.log(photons))
    # Digital systems compress the wide range between lung and spine, and raise local detail (unsharp masking).
    broad = _smoothed(density)
    density *= per_image(local * steep)
    broad *= per_image((0.72 - local) * steep)
    density += broad
    # The characteristic curve: a logistic function of density, dense tissue bright.
    density += per_image(0.72 * middle * steep)
    np.exp(density, out=density)
    density += np.float32(1.0)
    np.divide(np.float32(255.0), density, out=density)
    density += np.float32(0.5)
    images = density.astype(np.uint8)
    _mark(images)
    return images


def _pooled(images: Array, by: int, axis: int) -> Array:
    """The sums of ``by`` neighbours each along an axis."""
    parts = [images[(slice(None),) * axis + (slice(k, None, by),)] for k in range(by)]
    total = parts[0].copy()
    for part in parts[1:]:
        total += part
    return total


def _smoothed(images: Array) -> Array:
    """Images smoothed roughly by a Gaussian of deviation 5 % of a side: a box filter, twice along each axis."""
    size = 2 * round(0.06 * images.shape[1]) + 1
    for axis in (1, 1, 2, 2):
        images = uniform_filter1d(images, size, axis=axis, mode="nearest")
    return images


def _mark(images: NDArray[np.uint8]) -> None:
    """Draw a bright P into the upper left corners, like a lead marker, in place."""
    resolution = images.shape[1]
    scale, at = max(1, resolution // 56), resolution // 20
    letter = np.array([[cell == "1" for cell in row] for row in LETTER]).repeat(scale, axis=0).repeat(scale, axis=1)
    images[:, at : at + letter.shape[0], at : at + letter.shape[1]][:, letter] = MARK_GREY

"""Phantoms of findings: an effusion, a haze, a lobar opacity and a round density, each there or not, as is known.

They have no class. What else differs between patients follows the codes, as in the phantoms of three classes.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from semiray.errors import SemirayError
from semiray.files import user_path
from semiray.radiographs.phantom.disease import SIDES, Signs
from semiray.radiographs.phantom.folders import new_folder, save_png
from semiray.radiographs.phantom.phantom import check_codes, render, signs_of

__all__ = ["PHANTOM_FINDINGS", "read_findings", "render_findings", "save_findings"]

PHANTOM_FINDINGS = ("effusion", "haze", "lobar opacity", "density")
FOLDER, TABLE = "images", "findings.csv"
BLANK, READERS = 1, 2  # added to the seed


def render_findings(
    codes: ArrayLike,
    findings: ArrayLike,
    resolution: int,
    seed: int,
    *,
    first: int = 0,
    workers: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> NDArray[np.uint8]:
    """Render phantoms that show findings; the same patient without them is rendered from the same codes and seed.

    Args:
        codes: (N, 20) of which `survival[0]` has no effect, and `duration[0]` little.
        findings: (N, 4) 0 or 1, in the order of ``PHANTOM_FINDINGS``.
        resolution: side of the images in pixels.
        seed: 0 or more.
        first: as in `render_phantoms`.
        workers: as there.
        progress: as there.

    Returns:
        Images (N, resolution, resolution), uint8.

    Raises:
        SemirayError: if a shape, a code or a finding is invalid.

    Examples:
        >>> render_findings([[1] * 5 + [10] * 5 + [0] * 10], [[1, 0, 0, 1]], resolution=32, seed=0).shape
        (1, 32, 32)
    """
    shown = _checked(findings)
    table, _ = check_codes(codes, np.zeros(len(shown), np.int64))

    def signs(rows: slice) -> Signs:
        effusion, haze, opacity, density = shown[rows].T
        one = signs_of(table[rows], opacity.astype(np.int64))
        burden, place = one.burden[:, 0].copy(), one.place[:, 0].copy()
        # Whether a finding is there must be visible: nothing lies between a little haze and much, or between two lungs.
        haziness = np.where(haze, 0.48 + 0.12 * burden, 0.10 * burden)
        one.absent[:, 0] = effusion
        one.burden[:, 0] = 0.4 + 0.5 * burden
        one.place[:, 0] = np.where(place < 0, -0.6, 0.6) + 0.4 * place
        one.texture[:, 0] *= 0.5
        veil = haziness[:, None] + 0.05 * (1 + place[:, None] * np.array(SIDES))
        return replace(one, fluid=effusion, veil=veil, round=density)

    return render(signs, len(shown), resolution, seed, first=first, workers=workers, progress=progress)


def read_findings(
    findings: ArrayLike, *, blanks: float = 0.0, disagreement: float = 0.0, seed: int = 0
) -> list[NDArray[np.int8]]:
    """What readers write down of findings: one who sees everything, or two who disagree now and then.

    Args:
        findings: (N, 4) the truth, 0 or 1.
        blanks: share of all cells that are left empty.
        disagreement: share of all cells in which a second reader writes the contrary; 0: there is one reader.
        seed: the same seed gives the same cells.

    Returns:
        A table (N, 4) for each reader: 1, 0, or -2 for an empty cell, which is empty in all.

    Examples:
        >>> [table.tolist() for table in read_findings([[1, 0, 0, 1]], disagreement=1.0)]
        [[[1, 0, 0, 1]], [[0, 1, 1, 0]]]
    """
    shown = _checked(findings)
    for name, share in (("blanks", blanks), ("disagreement", disagreement)):
        if not 0 <= share <= 1:
            raise SemirayError(f"{name} = {share:g}: a share lies between 0 and 1.")
    empty = np.random.default_rng((seed, BLANK)).random(shown.shape) < blanks
    contrary = np.random.default_rng((seed, READERS)).random(shown.shape) < disagreement
    tables = [shown, shown ^ contrary] if disagreement else [shown]
    return [np.where(empty, -2, table).astype(np.int8) for table in tables]


def save_findings(out: str | Path, images: ArrayLike, findings: ArrayLike, readings: list[NDArray[np.int8]]) -> None:
    """Write phantoms as OUT/images/phantom_000001.png, and what readers say of them as OUT/findings.csv.

    The table has the columns path (relative to ``out``), patient (one per image), reader and one per finding, and a row
    for each image and reader. The truth is in the text metadata of each PNG (Findings).

    Args:
        out: a folder that doesn't exist yet, or is empty.
        images: (N, H, W) uint8.
        findings: (N, 4) the truth, 0 or 1.
        readings: of `read_findings`.

    Raises:
        SemirayError: if shapes or values are invalid, or ``out`` isn't empty.
    """
    shown, stack = _checked(findings), np.asarray(images)
    if stack.ndim != 3 or stack.dtype != np.uint8 or any(len(table) != len(stack) for table in (shown, *readings)):
        raise SemirayError(f"phantom images have shape {stack.shape}, but findings of {len(shown)} were given")
    words = {1: "1", 0: "0", -2: ""}
    with (
        new_folder(user_path(out), (FOLDER,), TABLE) as folder,
        (folder / TABLE).open("w", newline="", encoding="utf-8") as file,
    ):
        writer = csv.writer(file)
        writer.writerow(["path", "patient", "reader", *PHANTOM_FINDINGS])
        for i, image in enumerate(stack):
            patient = f"phantom_{i + 1:06d}"
            truth = dict(zip(PHANTOM_FINDINGS, map(int, shown[i]), strict=True))
            save_png(folder / FOLDER / f"{patient}.png", image, {"Findings": json.dumps(truth)})
            for reader, table in enumerate(readings, start=1):
                cells = [words[int(state)] for state in table[i]]
                writer.writerow([f"{FOLDER}/{patient}.png", patient, f"reader {reader}", *cells])


def _checked(findings: ArrayLike) -> NDArray[np.bool_]:
    table = np.asarray(findings)
    if table.ndim != 2 or table.shape[1] != len(PHANTOM_FINDINGS):
        raise SemirayError(
            f"phantom findings have shape {table.shape}, but (N, {len(PHANTOM_FINDINGS)}) is needed: "
            f"{', '.join(PHANTOM_FINDINGS)}"
        )
    if not np.isin(table, (0, 1)).all():
        row, column = (int(i) for i in np.argwhere(~np.isin(table, (0, 1)))[0])
        raise SemirayError(f"phantom findings row {row}: {PHANTOM_FINDINGS[column]} must be 0 or 1")
    return table.astype(bool)

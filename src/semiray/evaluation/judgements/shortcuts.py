"""Shortcuts: can classes, or sources, be distinguished by something that is no sign of a disease?

A classifier uses whatever separates its classes: another hospital's collimation, its exposure, its letters in a corner
(Zech et al. 2018, doi 10.1371/journal.pmed.1002683; DeGrave et al. 2021, doi 10.1038/s42256-021-00338-7). So logistic
regression classifies each pair of groups from one poor view of the image alone:

- *border*: a frame of a sixteenth of the side, where no lung is;
- *intensities*: the histogram of grey levels. It has no locations; but a disease that whitens lungs may change it;
- *thumbnail*: 8 x 8 pixels, which show the patient's position and the crop, and whether a lung is white.

Figures are areas under the ROC curve for patients that the regression was not trained on, in five folds by patient,
over pairs of images of one fold; 0.5 means that the view shows nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from pydantic import computed_field
from pydantic.dataclasses import dataclass
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from semiray.errors import SemirayError
from semiray.evaluation.context import Context
from semiray.evaluation.progress import Progress
from semiray.evaluation.results import Result
from semiray.evaluation.statistics.intervals import Interval, PatientBootstrap
from semiray.evaluation.statistics.ranking import Ranking
from semiray.radiographs import ImageArray
from semiray.radiographs.pixels.images import shrink

__all__ = ["FLAG", "FOLDS", "VIEWS", "PairShortcut", "ShortcutResult", "cost", "measure", "measure_shortcuts"]

Floats = NDArray[np.float32]
FLAG = 0.85  # a border whose interval lies above this separates two groups without the lungs
FOLDS = 5
MOST = 1500  # images per group: more would take longer and change nothing
BINS = 32
COST = 40  # per class, in steps of utility's training
RIDGE = 100.0  # weight of the squared coefficients of standardised pixels


@dataclass(frozen=True)
class PairShortcut(Result):
    """How well each poor view alone separates two groups.

    Attributes:
        auroc: View (``border``, ``intensities``, ``thumbnail``) -> area under the ROC curve; floor 0.5.
    """

    groups: tuple[str, str]
    auroc: dict[str, Interval]
    n_images: tuple[int, int]
    n_patients: tuple[int, int]

    @computed_field  # type: ignore[prop-decorator]
    @property
    def flagged(self) -> bool:
        """Whether the border alone separates the two."""
        return self.auroc["border"].low > FLAG


@dataclass(frozen=True)
class ShortcutResult(Result):
    """Every pair of groups with enough patients, and the groups that were left out for fewer than five patients."""

    pairs: tuple[PairShortcut, ...]
    left_out: tuple[str, ...]


def cost(context: Context) -> int:
    """The regressions of every pair of classes."""
    return COST * len(context.real.classes)


def measure(context: Context) -> ShortcutResult | None:
    """The shortcuts among the real images; nothing where there are no two classes."""
    data, told = context.real, context.stages["shortcuts"]
    if len(data.classes) < 2:
        return None
    return measure_shortcuts(data.images, data.labels, data.classes, data.patients, progress=told)


def measure_shortcuts(
    images: ImageArray,
    groups: NDArray[np.int64],
    names: Sequence[str],
    patients: NDArray[np.str_],
    *,
    resamples: int = 500,
    seed: int = 0,
    progress: Progress | None = None,
) -> ShortcutResult:
    """Classify each pair of groups from the border, the intensities and an 8 x 8 thumbnail.

    Args:
        images: (N, H, W) uint8, sides of at least 16 pixels.
        groups: (N,) positions in ``names``; -1: none, left out.
        names: The groups: classes, or sources.
        patients: (N,) ids.
        resamples: Draws of the bootstrap over patients.
        seed: Of the choice of images, the folds and the draws.
        progress: Called with (pairs done, pairs).

    Raises:
        SemirayError: If images are smaller than 16 px.
    """
    if min(images.shape[1:]) < 16:
        raise SemirayError(
            f"Images of {images.shape[1]} x {images.shape[2]} px are too small to have a border: use 16 px or more."
        )
    rng = np.random.default_rng(seed)
    members = [rng.permutation(np.flatnonzero(groups == k))[:MOST] for k in range(len(names))]
    counts = [len(np.unique(patients[rows])) for rows in members]
    chosen = list(combinations([k for k, count in enumerate(counts) if count >= FOLDS], 2))
    views = [{name: view(images[rows]) for name, view in VIEWS.items()} if len(rows) else {} for rows in members]
    pairs: list[PairShortcut] = []
    for a, b in chosen:
        rows = np.concatenate([members[a], members[b]])
        second = np.repeat([False, True], [len(members[a]), len(members[b])])
        folds = _folds(second, patients[rows], seed)
        bootstrap = PatientBootstrap(patients[rows], second.astype(np.int64), resamples=resamples, seed=seed)
        everyone = np.ones((1, len(rows)))
        auroc = {}
        for name in VIEWS:
            score = _held_out_scores(np.concatenate([views[a][name], views[b][name]]), second, folds)
            value, draws = (_auroc_within(folds, second, score, weights) for weights in (everyone, bootstrap.images))
            auroc[name] = bootstrap.interval(value.tolist(), draws[:, None])
        sizes = (len(members[a]), len(members[b]))
        pairs.append(PairShortcut((names[a], names[b]), auroc, sizes, (counts[a], counts[b])))
        if progress is not None:
            progress(len(pairs), len(chosen))
    return ShortcutResult(tuple(pairs), tuple(names[k] for k, count in enumerate(counts) if count < FOLDS))


def _folds(second: NDArray[np.bool_], patients: NDArray[np.str_], seed: int) -> NDArray[np.int64]:
    """The fold (N,) of each image, its patient's."""
    fold = np.zeros(len(second), np.int64)
    parts = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=seed).split(fold, second, patients)
    for k, (_, held) in enumerate(parts):
        fold[held] = k
    return fold


def _held_out_scores(view: Floats, second: NDArray[np.bool_], folds: NDArray[np.int64]) -> NDArray[np.float64]:
    """How much each image (N,) looks like one of the second group, by a regression without its patient."""
    scores = np.zeros(len(view))
    for k in range(FOLDS):
        train, held = folds != k, folds == k
        if held.any() and 0 < second[train].sum() < train.sum():
            model = make_pipeline(
                StandardScaler(), LogisticRegression(C=1 / RIDGE, max_iter=2000, class_weight="balanced")
            )
            scores[held] = model.fit(view[train], second[train]).decision_function(view[held])
    return scores


def _auroc_within(
    folds: NDArray[np.int64], second: NDArray[np.bool_], scores: NDArray[np.float64], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Area under the ROC curve (R,) over pairs of images of one fold: scores of two regressions are not compared."""
    area, pairs = np.zeros(len(weights)), np.zeros(len(weights))
    for k in range(FOLDS):
        held = folds == k
        own = weights[:, held]
        count = (own * second[held]).sum(axis=1) * (own * ~second[held]).sum(axis=1)
        area += np.nan_to_num(Ranking(second[held], scores[held], own).auroc()) * count
        pairs += count
    with np.errstate(invalid="ignore"):
        within: NDArray[np.float64] = area / pairs
    return within


def _border(images: NDArray[np.uint8]) -> Floats:
    small = shrink(images, 16)
    frame = np.ones(small.shape[1:], bool)
    frame[1:-1, 1:-1] = False
    return small[:, frame]


def _intensities(images: NDArray[np.uint8]) -> Floats:
    """Square roots of the shares of 32 bins, so that their spread hardly depends on the share."""
    counts = np.stack([np.bincount(image.ravel() // (256 // BINS), minlength=BINS) for image in images])
    shares: Floats = np.sqrt(counts / images[0].size).astype(np.float32)
    return shares


def _thumbnail(images: NDArray[np.uint8]) -> Floats:
    return shrink(images, 8).reshape(len(images), -1)


VIEWS = {"border": _border, "intensities": _intensities, "thumbnail": _thumbnail}

"""Utility: is a classifier trained on the synthetic images good on real ones? (TSTR, beside TRTR, its ceiling.)

Train on synthetic, test on real (Esteban, Hyland, Rätsch 2017, arXiv 1706.02633). Everything except the training images
is the same on both sides: network, steps, batches, augmentation, seeds, test patients.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic.dataclasses import dataclass

from semiray.devices import choose_device
from semiray.errors import SemirayError
from semiray.evaluation.context import Context
from semiray.evaluation.judges.store import train_classifiers
from semiray.evaluation.options import UtilitySettings
from semiray.evaluation.progress import Progress
from semiray.evaluation.results import Result, Skipped
from semiray.evaluation.statistics.classification import ClassificationScores, ratio_interval, score_predictions
from semiray.evaluation.statistics.intervals import Interval, PatientBootstrap
from semiray.networks.classifier import Classifier
from semiray.radiographs import RadiographSet

__all__ = ["UtilityResult", "cost", "measure", "measure_utility"]


@dataclass(frozen=True)
class UtilityResult(Result):
    """Both classifiers and their ratio.

    Attributes:
        tstr: Trained on synthetic images, tested on real ones.
        trtr: Trained on real images, tested on the same real ones: the ceiling.
        ratio: Balanced accuracy of TSTR divided by that of TRTR.
        auroc_ratio: The same of AUROC, whose floor, 0.5 / TRTR, is higher.
        chance: Balanced accuracy at chance level, 1 / C: the floor.
        n_train_patients: Patients behind the real training images.
    """

    classes: tuple[str, ...]
    tstr: ClassificationScores
    trtr: ClassificationScores
    ratio: Interval
    auroc_ratio: Interval
    chance: float
    settings: UtilitySettings
    n_train_patients: int


def cost(context: Context) -> int:
    """The trainings on synthetic images; those on real ones are shared."""
    return 0 if context.obstacle else context.options.seeds * context.options.steps


def measure(context: Context) -> UtilityResult | Skipped:
    """The utility of a run's images, or of a folder's; why not, where there are no classes to learn."""
    if context.obstacle:
        return Skipped(context.obstacle)
    return measure_utility(
        context.synthetic.images,
        context.synthetic.labels,
        context.train,
        context.test,
        context.options.utility,
        real_classifiers=context.real_classifiers,
        store=context.store,
        device=context.device,
        progress=context.stages["utility"],
    )


def measure_utility(
    synthetic_images: NDArray[np.uint8],
    synthetic_labels: NDArray[np.int64],
    train: RadiographSet,
    test: RadiographSet,
    settings: UtilitySettings,
    *,
    real_classifiers: Sequence[Classifier] | None = None,
    store: Path | None = None,
    device: str | torch.device | None = "auto",
    progress: Progress | None = None,
) -> UtilityResult:
    """Train classifiers on synthetic and on real images, and test both on real patients that neither has seen.

    Args:
        synthetic_images: (N, H, W) uint8; labels as positions in ``train.classes``.
        synthetic_labels: (N,) int64.
        train: Real labelled images of the training patients.
        test: Real labelled images of other patients.
        settings: How the classifiers are trained.
        real_classifiers: Those trained on ``train`` by these settings, if there are some already.
        store: Folder that keeps the classifiers, so that an interrupted evaluation continues; None keeps nothing.
        device: Where they are trained.
        progress: Called with (steps done, steps) of the trainings on synthetic images.

    Raises:
        SemirayError: If a patient is on both sides, an image is unlabelled, or a class is missing on one side.
    """
    both = np.intersect1d(train.patients, test.patients)
    if len(both):
        raise SemirayError(
            f"{len(both)} patients are in training and test images, among them {str(both[0])!r}: split by patient."
        )
    classes = train.classes
    if len(classes) < 2:
        raise SemirayError(f"Utility needs at least two classes; the data has {len(classes)}.")
    for side, labels in (("synthetic", synthetic_labels), ("real training", train.labels), ("real test", test.labels)):
        if (labels < 0).any():
            raise SemirayError(f"{int((labels < 0).sum())} {side} images have no label: leave them out.")
        missing = [name for k, name in enumerate(classes) if not (labels == k).any()]
        if missing:
            raise SemirayError(f"There is no {side} image of class {', '.join(map(repr, missing))}.")
    place = choose_device(device)
    on_synthetic = train_classifiers(
        synthetic_images, synthetic_labels, len(classes), settings, store=store, device=place, progress=progress
    )
    on_real = real_classifiers or train_classifiers(
        train.images, train.labels, len(classes), settings, store=store, device=place
    )
    bootstrap = PatientBootstrap(
        test.patients, test.labels, n_seeds=settings.seeds, resamples=settings.resamples, seed=0
    )
    tstr, trtr = (
        score_predictions(
            [classifier.predict_probabilities(test.images) for classifier in classifiers],
            test.labels,
            classes,
            bootstrap,
            n_train=classifiers[0].n_train,
            patients=test.patients,
        )
        for classifiers in (on_synthetic, on_real)
    )
    return UtilityResult(
        classes,
        tstr,
        trtr,
        ratio=ratio_interval(tstr.balanced_accuracy, trtr.balanced_accuracy),
        auroc_ratio=ratio_interval(tstr.auroc, trtr.auroc),
        chance=1 / len(classes),
        settings=settings,
        n_train_patients=len(np.unique(train.patients)),
    )

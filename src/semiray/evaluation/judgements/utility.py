"""Utility: is a classifier trained on the synthetic images good on real ones? (TSTR, beside TRTR, its ceiling.)

Train on synthetic, test on real (Esteban, Hyland, Rätsch 2017, arXiv 1706.02633). Everything but the training images is
the same on both sides: network, steps, batches, augmentation, seeds, test patients.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from semiray.errors import SemirayError
from semiray.evaluation.judges.classifier import Classifier, train_classifier
from semiray.evaluation.judges.classifier_store import ClassifierStore
from semiray.evaluation.statistics.classification import (
    ClassificationScores,
    Interval,
    PatientBootstrap,
    ratio_interval,
    score_predictions,
)
from semiray.radiographs import RadiographSet

__all__ = ["UtilityResult", "UtilitySettings", "measure_utility"]


@dataclass(frozen=True)
class UtilitySettings:
    """How the judge is trained; fixed beforehand and the same for synthetic and real images.

    Attributes:
        seeds: Trainings a side, with seeds 0, 1, ...
        steps: Batches a training.
        batch: Images a batch.
        n_synthetic: Synthetic images to train on, classes in equal shares.
        resamples: Draws of the bootstrap.
    """

    seeds: int = 3
    steps: int = 600
    batch: int = 96
    n_synthetic: int = 6000
    resamples: int = 1000

    def __post_init__(self) -> None:
        for name in ("seeds", "steps", "batch", "n_synthetic", "resamples"):
            if getattr(self, name) < 1:
                raise SemirayError(f"{name} = {getattr(self, name)}: must be at least 1.")

    def quick(self) -> UtilitySettings:
        """A first look, with wider error: at most 1 seed, 200 steps, 1,800 images."""
        return replace(
            self,
            seeds=1,
            steps=min(self.steps, 200),
            n_synthetic=min(self.n_synthetic, 1800),
            resamples=min(self.resamples, 300),
        )


@dataclass(frozen=True)
class UtilityResult:
    """The two judgements and their ratio.

    Attributes:
        classes: C names.
        tstr: Trained on synthetic images, tested on real ones.
        trtr: Trained on real images, tested on the same real ones: the ceiling.
        ratio: Balanced accuracy of TSTR over that of TRTR.
        chance: Balanced accuracy of guessing: 1 / C, the floor.
        settings: How the classifiers were trained.
        n_train_patients: Patients behind the real training images.
        judge: The first of the classifiers trained on real images.
    """

    classes: tuple[str, ...]
    tstr: ClassificationScores
    trtr: ClassificationScores
    ratio: Interval
    chance: float
    settings: UtilitySettings
    n_train_patients: int
    judge: Classifier


def measure_utility(
    synthetic_images: NDArray[np.uint8],
    synthetic_labels: NDArray[np.int64],
    train: RadiographSet,
    test: RadiographSet,
    settings: UtilitySettings,
    *,
    store: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> UtilityResult:
    """Trains the judge on synthetic and on real images and tests both on real patients that neither has seen.

    Args:
        synthetic_images: (N, H, W) uint8; labels as positions in ``train.classes``.
        synthetic_labels: (N,) int64.
        train: Real labelled images of the training patients.
        test: Real labelled images of other patients.
        settings: How the judge is trained.
        store: Folder that keeps the classifiers, so that a judgement that was killed goes on; None keeps nothing.
        progress: Called with (steps done, steps of all trainings).

    Raises:
        SemirayError: If a patient is on both sides, an image is unlabelled, or a class is missing on one side.
    """
    _check_parts(train, test)
    classes = train.classes
    for side, labels in (("synthetic", synthetic_labels), ("real training", train.labels), ("real test", test.labels)):
        _check_labels(side, labels, classes)
    total = 2 * settings.seeds * settings.steps

    def told(before: int) -> Callable[[int], None]:
        return lambda done: None if progress is None else progress(before + done, total)

    kept = None if store is None else ClassifierStore(store)
    of_synthetic = _train(synthetic_images, synthetic_labels, len(classes), settings, kept, told(0))
    of_real = _train(train.images, train.labels, len(classes), settings, kept, told(total // 2))
    bootstrap = PatientBootstrap(
        test.patients, test.labels, n_seeds=settings.seeds, resamples=settings.resamples, seed=0
    )
    tstr, trtr = (
        score_predictions(
            [judge.predict_probabilities(test.images) for judge in judges],
            test.labels,
            classes,
            bootstrap,
            n_train=judges[0].n_train,
            patients=test.patients,
        )
        for judges in (of_synthetic, of_real)
    )
    n_train_patients = len(np.unique(train.patients))
    ratio = ratio_interval(tstr, trtr)
    return UtilityResult(classes, tstr, trtr, ratio, 1 / len(classes), settings, n_train_patients, of_real[0])


def _train(
    images: NDArray[np.uint8],
    labels: NDArray[np.int64],
    n_classes: int,
    settings: UtilitySettings,
    store: ClassifierStore | None,
    told: Callable[[int], None],
) -> list[Classifier]:
    """A classifier a seed, from the store where it has them; ``told`` the steps done."""
    judges = []
    for seed in range(settings.seeds):
        key = "" if store is None else store.key(images, labels, [seed, settings.steps, settings.batch])
        judge = None if store is None else store.read(key, n_classes, images.shape[1], len(images), seed)
        if judge is None:
            before = seed * settings.steps
            judge = train_classifier(
                images,
                labels,
                n_classes=n_classes,
                seed=seed,
                steps=settings.steps,
                batch=settings.batch,
                progress=lambda step, _, before=before: told(before + step),  # type: ignore[misc]
            )
            if store is not None:
                store.write(key, judge)
        told((seed + 1) * settings.steps)
        judges.append(judge)
    return judges


def _check_parts(train: RadiographSet, test: RadiographSet) -> None:
    both = set(train.patients.tolist()) & set(test.patients.tolist())
    if both:
        raise SemirayError(
            f"{len(both)} patients are in training and test images, among them {min(both)!r}: split by patient."
        )


def _check_labels(side: str, labels: NDArray[np.int64], classes: Sequence[str]) -> None:
    if len(classes) < 2:
        raise SemirayError(f"Utility needs at least two classes; the data has {len(classes)}.")
    if (labels < 0).any():
        raise SemirayError(f"{int((labels < 0).sum())} {side} images have no label: leave them out.")
    missing = [name for k, name in enumerate(classes) if not (labels == k).any()]
    if missing:
        raise SemirayError(f"There is no {side} image of class {', '.join(map(repr, missing))}.")

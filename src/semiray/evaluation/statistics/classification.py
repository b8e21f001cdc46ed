"""The figures of a classifier's predictions: scikit-learn's, each with a 95 % interval over patients and seeds."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from pydantic.dataclasses import dataclass
from scipy.stats import norm
from scipy.stats import t as student
from sklearn.metrics import (
    accuracy_score,
    balanced_accuracy_score,
    classification_report,
    confusion_matrix,
    precision_recall_fscore_support,
)

from semiray.errors import SemirayError
from semiray.evaluation.results import Counts, Result
from semiray.evaluation.statistics.intervals import ENDS, LEVEL, Interval, PatientBootstrap
from semiray.evaluation.statistics.ranking import Ranking

__all__ = [
    "ClassScores",
    "ClassificationScores",
    "calibration_error",
    "difference_interval",
    "ratio_interval",
    "score_predictions",
]

Floats = NDArray[np.float64]
BINS = 15  # of calibration
SPECIFICITY = 0.9  # at which a class's recall is given, whatever the classifier's own threshold


@dataclass(frozen=True)
class Chance(Result):
    """The chance level of one class, where every class is guessed equally often: the floor of its figures.

    Precision is the class's share of the test images, recall the share of guesses, F1 their harmonic mean.
    """

    precision: float
    recall: float
    f1: float
    average_precision: float
    auroc: float = 0.5
    recall_at_specificity: float = 1 - SPECIFICITY


@dataclass(frozen=True)
class ClassScores(Result):
    """The figures of one class against the rest; ``recall_at_specificity`` where 90 % of the rest are recognised."""

    name: str
    precision: Interval
    recall: Interval
    f1: Interval
    auroc: Interval
    average_precision: Interval
    recall_at_specificity: Interval
    chance: Chance
    n_images: int
    n_patients: int


@dataclass(frozen=True)
class ClassificationScores(Result):
    """The figures of one classifier, trained with several seeds, on one test set.

    Attributes:
        accuracy: Share of images classified correctly.
        balanced_accuracy: Mean recall over classes; chance level 1 / C.
        auroc: Mean over classes of the area under the curve of class against rest; chance level 0.5.
        average_precision: Mean over classes of the average precision of class against rest; chance level 1 / C.
        calibration_error: Expected calibration error; 0 is calibrated.
        confusion: One (C, C) matrix per seed, in images; rows are true classes, columns predicted ones.
        reports: scikit-learn's classification report, one text per seed.
        n_train: Images that the classifier was trained on; the other two counts are of those tested.
    """

    accuracy: Interval
    balanced_accuracy: Interval
    auroc: Interval
    average_precision: Interval
    calibration_error: Interval
    per_class: tuple[ClassScores, ...]
    confusion: tuple[Counts, ...]
    reports: tuple[str, ...]
    n_train: int
    n_images: int
    n_patients: int
    specificity: float = SPECIFICITY


def score_predictions(
    probabilities: Sequence[NDArray[np.float32]],
    labels: NDArray[np.int64],
    classes: Sequence[str],
    bootstrap: PatientBootstrap,
    *,
    n_train: int,
    patients: NDArray[np.str_],
) -> ClassificationScores:
    """All figures of one classifier trained with several seeds.

    Args:
        probabilities: For every seed (N, C), rows summing to 1; the greatest is the prediction.
        labels: (N,) integers in 0..C-1; every class must occur.
        classes: C names.
        bootstrap: The draws for these images and this number of seeds.
        n_train: Images that the classifier was trained on.
        patients: (N,) ids, to count patients per class.

    Raises:
        SemirayError: If a class has no test image, so that it has no recall.
    """
    n_classes = len(classes)
    support = np.bincount(labels, minlength=n_classes)
    if (support == 0).any():
        raise SemirayError(f"Class {classes[int(np.argmin(support))]!r} has no image to test the classifier on.")
    everyone, guess = list(range(n_classes)), 1 / n_classes
    predictions = [p.argmax(axis=1) for p in probabilities]
    matrices = np.stack([_weighted_confusion(labels, p, n_classes, bootstrap.images) for p in predictions], axis=1)
    table = [precision_recall_fscore_support(labels, p, labels=everyone, zero_division=0) for p in predictions]
    once = np.ones((1, len(labels)))
    ranked = np.concatenate([_rank(p, labels, once) for p in probabilities], axis=1)[0]  # (S, C, figures)
    ranked_draws = np.concatenate([_rank(p, labels, bootstrap.images) for p in probabilities], axis=1)
    error = [calibration_error(p, labels, once)[0] for p in probabilities]
    error_draws = np.stack([calibration_error(p, labels, bootstrap.images) for p in probabilities], axis=1)
    precision, recall, f1 = _per_class(matrices)
    hits = np.trace(matrices, axis1=2, axis2=3) / matrices.sum(axis=(2, 3))

    def of_class(k: int, row: int, draws: Floats) -> Interval:
        return bootstrap.interval([float(t[row][k]) for t in table], draws[..., k])

    def of_ranking(k: int, figure: int) -> Interval:
        return bootstrap.interval(ranked[:, k, figure].tolist(), ranked_draws[:, :, k, figure])

    per_class = tuple(
        ClassScores(
            name=name,
            precision=of_class(k, 0, precision),
            recall=of_class(k, 1, recall),
            f1=of_class(k, 2, f1),
            auroc=of_ranking(k, 0),
            average_precision=of_ranking(k, 1),
            recall_at_specificity=of_ranking(k, 2),
            chance=Chance(share, guess, 2 * share * guess / (share + guess), share),
            n_images=int(support[k]),
            n_patients=len(np.unique(patients[labels == k])),
        )
        for k, (name, share) in enumerate(zip(classes, (support / len(labels)).tolist(), strict=True))
    )
    balanced = np.nanmean(recall, axis=-1)
    return ClassificationScores(
        accuracy=bootstrap.interval([accuracy_score(labels, p) for p in predictions], hits),
        balanced_accuracy=bootstrap.interval([balanced_accuracy_score(labels, p) for p in predictions], balanced),
        auroc=bootstrap.interval(ranked[..., 0].mean(axis=1).tolist(), np.nanmean(ranked_draws[..., 0], axis=-1)),
        average_precision=bootstrap.interval(
            ranked[..., 1].mean(axis=1).tolist(), np.nanmean(ranked_draws[..., 1], axis=-1)
        ),
        calibration_error=bootstrap.interval(error, error_draws),
        per_class=per_class,
        confusion=tuple(confusion_matrix(labels, p, labels=everyone) for p in predictions),
        reports=tuple(
            str(
                classification_report(labels, p, labels=everyone, target_names=list(classes), digits=3, zero_division=0)
            )
            for p in predictions
        ),
        n_train=n_train,
        n_images=len(labels),
        n_patients=bootstrap.n_patients,
    )


def ratio_interval(above: Interval, below: Interval) -> Interval:
    """One figure divided by another, over the same draws; ``seeds`` pairs them in order."""
    low, high = np.nanquantile(above.draws / below.draws, ENDS).tolist()
    pairs = zip(above.seeds, below.seeds, strict=True)
    return Interval(above.mean / below.mean, low, high, tuple(a / b for a, b in pairs))


def difference_interval(above: Interval, below: Interval, *, level: float = LEVEL) -> Interval:
    """One figure minus another, over the same draws; ``seeds`` pairs them in order.

    A bootstrap of few seeds gives intervals that are too narrow: its draws can't leave the range of the seeds. So the
    variance of the draws is split, var(draws) = patients + s² (S - 1) / S² for S seeds of variance s², and the
    half-width is the square root of z² patients + t² s² / S, with the t quantile of S - 1 degrees of freedom. A single
    seed says nothing about the chance of training: then the interval covers the chance of patients only.
    """
    seeds = np.array(above.seeds) - np.array(below.seeds)
    count, difference = len(seeds), above.mean - below.mean
    spread = float(seeds.var(ddof=1)) if count > 1 else 0.0
    of_patients = max(float(np.nanvar(above.draws - below.draws)) - spread * (count - 1) / count**2, 0.0)
    z, t = norm.ppf((1 + level) / 2), (student.ppf((1 + level) / 2, count - 1) if count > 1 else 0.0)
    half = float(np.sqrt(z**2 * of_patients + t**2 * spread / count))
    return Interval(difference, difference - half, difference + half, tuple(seeds.tolist()))


def _rank(probabilities: NDArray[np.float32], labels: NDArray[np.int64], weights: Floats) -> Floats:
    """(R, 1, C, 3): of each class against the rest AUROC, average precision, recall at a fixed specificity."""
    table = []
    for k in range(probabilities.shape[1]):
        ranking = Ranking(labels == k, probabilities[:, k], weights)
        table.append([ranking.auroc(), ranking.average_precision(), ranking.recall_at(1 - SPECIFICITY)])
    return np.moveaxis(np.array(table), 2, 0)[:, None]


def _weighted_confusion(
    labels: NDArray[np.int64], predictions: NDArray[np.int64], n_classes: int, weights: Floats
) -> Floats:
    """(R, C, C) confusion matrices of (N,) labels and predictions under weights (R, N)."""
    cells = np.zeros((len(labels), n_classes * n_classes))
    cells[np.arange(len(labels)), labels * n_classes + predictions] = 1.0
    return np.asarray((weights @ cells).reshape(-1, n_classes, n_classes))


def _per_class(matrices: Floats) -> tuple[Floats, Floats, Floats]:
    """Precision, recall and F1 (..., C) of matrices (..., C, C); precision is 0 where nothing was predicted."""
    right = np.diagonal(matrices, axis1=-2, axis2=-1)
    predicted, true = matrices.sum(axis=-2), matrices.sum(axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        recall = right / true
    return right / np.maximum(predicted, 1e-12), recall, 2 * right / np.maximum(predicted + true, 1e-12)


def calibration_error(
    probabilities: NDArray[np.float32], labels: NDArray[np.int64], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Expected calibration error of the predicted class, for many weightings at once.

    Images are put into 15 bins of equal width by their greatest probability. The error is the mean over images of
    |accuracy - mean probability| of their bin (Guo et al. 2017, arXiv 1706.04599, equation 3); 0 is calibrated. It is
    biased upwards, more so with fewer images per bin: compare it only for equal numbers of images.

    Args:
        probabilities: (N, C), rows summing to 1.
        labels: (N,) integers in 0..C-1.
        weights: (R, N), at least 0.
    """
    confidence = probabilities.max(axis=1).astype(np.float64)
    surplus = (probabilities.argmax(axis=1) == labels) - confidence
    bins = np.minimum((confidence * BINS).astype(np.int64), BINS - 1)
    table = np.zeros((len(labels), BINS))
    table[np.arange(len(labels)), bins] = surplus
    return np.asarray(np.abs(weights @ table).sum(axis=1) / weights.sum(axis=1))

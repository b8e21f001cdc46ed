"""95 % intervals that respect patients: the bootstrap, and intervals of ratios and differences.

Intervals are percentile bootstraps (Efron 1979) with two sources of chance: which patients happened to be tested, and
which seed the classifier happened to be trained with. Each of ``resamples`` draws takes as many patients as there are,
with replacement, class by class (stratified), all images of a patient together; and as many of the seeds as there are,
with replacement. The figure is the mean over the seeds drawn. Draws are paired: two classifiers tested on the same
patients use the same draws, so that their ratio and their difference have intervals of their own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from pydantic.dataclasses import dataclass
from scipy.stats import norm
from scipy.stats import t as student

from semiray.evaluation.results import Number, Result
from semiray.evaluation.statistics.patients import patient_classes

__all__ = ["ENDS", "LEVEL", "Interval", "PatientBootstrap", "Scored", "difference_interval", "ratio_interval"]

Floats = NDArray[np.float64]
LEVEL = 0.95
ENDS = ((1 - LEVEL) / 2, (1 + LEVEL) / 2)
"""The quantiles at which an interval ends."""


@dataclass(frozen=True)
class Interval(Result):
    """A figure with its 95 % interval.

    Attributes:
        mean: Mean over seeds, on the whole test set.
        low: Lower end of the interval.
        high: Upper end.
        seeds: The figure for every seed; their mean is ``mean``.
    """

    mean: Number
    low: Number
    high: Number
    seeds: tuple[Number, ...]


class Scored(Protocol):
    """The scores of a classifier, as far as intervals of ratios and differences need them."""

    @property
    def balanced_accuracy(self) -> Interval:
        """The figure that is compared."""

    @property
    def draws(self) -> Floats:
        """(R,) its values over the bootstrap's draws."""


class PatientBootstrap:
    """The draws of patients and seeds, made once and shared by all classifiers tested on the same images.

    A patient with images of several classes belongs to the stratum of the class of most of them.

    Args:
        patients: (N,) ids.
        labels: (N,) integers from 0.
        n_seeds: Number of trained classifiers S.
        resamples: Number of draws R.
        seed: Seed of the draws.

    Attributes:
        images: (R, N) how often each image was drawn.
        seeds: (R, S) how often each seed was drawn.
        n_patients: Number of patients.
    """

    def __init__(
        self,
        patients: NDArray[np.str_],
        labels: NDArray[np.int64],
        *,
        n_seeds: int = 1,
        resamples: int = 1000,
        seed: int = 0,
    ) -> None:
        rng = np.random.default_rng(seed)
        patient, counts, stratum = patient_classes(patients, labels)
        drawn = np.zeros((resamples, len(counts)), np.float64)
        for value in np.unique(stratum):
            members = np.flatnonzero(stratum == value)
            drawn[:, members] = rng.multinomial(len(members), np.full(len(members), 1 / len(members)), resamples)
        self.images: Floats = drawn[:, patient]
        self.seeds: Floats = rng.multinomial(n_seeds, np.full(n_seeds, 1 / n_seeds), resamples).astype(np.float64)
        self.n_patients = len(counts)

    def interval(self, estimates: Sequence[float], draws: Floats) -> Interval:
        """The interval of a figure from its estimates (S,) and its values for all draws and seeds (R, S)."""
        low, high = np.nanquantile(self.over_seeds(draws), ENDS)
        return Interval(float(np.mean(estimates)), float(low), float(high), tuple(float(x) for x in estimates))

    def over_seeds(self, draws: Floats) -> Floats:
        """Mean (R,) over the seeds drawn of values (R, S)."""
        means: Floats = (draws * self.seeds).sum(axis=1) / self.seeds.sum(axis=1)
        return means


def ratio_interval(above: Scored, below: Scored) -> Interval:
    """Balanced accuracy of one divided by that of another, over the same draws; ``seeds`` pairs them in order."""
    low, high = np.nanquantile(above.draws / below.draws, ENDS)
    pairs = zip(above.balanced_accuracy.seeds, below.balanced_accuracy.seeds, strict=True)
    ratio = above.balanced_accuracy.mean / below.balanced_accuracy.mean
    return Interval(ratio, float(low), float(high), tuple(a / b for a, b in pairs))


def difference_interval(above: Scored, below: Scored, *, level: float = LEVEL) -> Interval:
    """Balanced accuracy of one minus that of another, over the same draws; ``seeds`` pairs them in order.

    A bootstrap of few seeds gives intervals that are too narrow: its draws can't leave the range of the seeds. So the
    variance of the draws is split, var(draws) = patients + s² (S - 1) / S² for S seeds of variance s², and the
    half-width is the square root of z² patients + t² s² / S, with the t quantile of S - 1 degrees of freedom. A single
    seed says nothing about the chance of training: then the interval covers the chance of patients only.
    """
    pairs = zip(above.balanced_accuracy.seeds, below.balanced_accuracy.seeds, strict=True)
    seeds = np.array([a - b for a, b in pairs])
    count, difference = len(seeds), above.balanced_accuracy.mean - below.balanced_accuracy.mean
    spread = float(seeds.var(ddof=1)) if count > 1 else 0.0
    of_patients = max(float(np.var(above.draws - below.draws)) - spread * (count - 1) / count**2, 0.0)
    z, t = norm.ppf((1 + level) / 2), (student.ppf((1 + level) / 2, count - 1) if count > 1 else 0.0)
    half = float(np.sqrt(z**2 * of_patients + t**2 * spread / count))
    return Interval(difference, difference - half, difference + half, tuple(float(x) for x in seeds))

"""95 % intervals that respect patients, whose images depend on each other: the bootstrap.

Intervals are percentile bootstraps (Efron 1979) with two sources of chance: which patients happened to be tested, and
which seed the classifier happened to be trained with. Each of ``resamples`` draws takes as many patients as there are,
with replacement, class by class (stratified), all images of a patient together; and as many of the seeds as there are,
with replacement. The figure is the mean over the seeds drawn. Draws are paired: two classifiers tested on the same
patients use the same draws, so that their ratio and their difference have intervals of their own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass as plain
from dataclasses import field

import numpy as np
from numpy.typing import NDArray
from pydantic.dataclasses import dataclass

from semiray.evaluation.results import Hidden, Number, Result

__all__ = ["ENDS", "LEVEL", "Comparison", "Interval", "PatientBootstrap", "one_per_patient", "patient_classes"]

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]
LEVEL = 0.95
ENDS = ((1 - LEVEL) / 2, (1 + LEVEL) / 2)
"""The quantiles at which an interval ends."""


@dataclass(frozen=True)
class Interval(Result):
    """A figure with its 95 % interval.

    Attributes:
        mean: Mean over seeds, on the whole test set.
        seeds: The figure for every seed; their mean is ``mean``.
        draws: (R,) its values in the bootstrap, for paired comparisons; not written.
    """

    mean: Number
    low: Number
    high: Number
    seeds: tuple[Number, ...]
    draws: Hidden = field(default_factory=lambda: np.zeros(0), compare=False, repr=False)


class PatientBootstrap:
    """The draws of patients and seeds, made once and shared by all classifiers tested on the same images.

    A patient with images of several classes belongs to the stratum of the class of most of them.

    Args:
        patients: (N,) ids.
        labels: (N,) integers from 0.
        n_seeds: Number of trained classifiers S.
        resamples: Number of draws R.
        seed: Of the draws.

    Attributes:
        images: (R, N) how often each image was drawn.
        seeds: (R, S) how often each seed was drawn.
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
        drawn = self.over_seeds(draws)
        low, high = np.nanquantile(drawn, ENDS).tolist()
        return Interval(float(np.mean(estimates)), low, high, tuple(map(float, estimates)), drawn)

    def over_seeds(self, draws: Floats) -> Floats:
        """Mean (R,) over the seeds drawn of values (R, S)."""
        return np.asarray((draws * self.seeds).sum(axis=1) / self.seeds.sum(axis=1))


@plain(frozen=True)
class Comparison:
    """A figure of real and synthetic images, and how it changes with them.

    To first order, a figure of two distributions changes by the mean of its influence function over what is added (von
    Mises; Hampel 1974, doi 10.1080/01621459.1974.10482962). So the bootstrap doesn't compute the figure again for every
    draw: the weights of the drawn images, times their influence, give that of the draw (the linearised bootstrap; its
    spread is that of the infinitesimal jackknife, Efron 1982). It also avoids a flaw of the true bootstrap for
    distances between neighbours, where an image drawn twice is its own nearest neighbour.

    Attributes:
        value: The figure.
        of_real: (N,) influence of every real image, with mean 0; zeros where the figure doesn't depend on them.
        of_synthetic: (M,) the same of every synthetic image.
    """

    value: float
    of_real: Floats
    of_synthetic: Floats

    def interval(self, real: PatientBootstrap, synthetic: PatientBootstrap) -> tuple[float, float]:
        """The ends of the figure's 95 % interval, from equally many draws of real and of synthetic images."""
        of_real = real.images @ self.of_real / real.images.sum(axis=1)
        of_synthetic = synthetic.images @ self.of_synthetic / synthetic.images.sum(axis=1)
        low, high = np.quantile(self.value + (of_real + of_synthetic), ENDS)
        return float(low), float(high)


def patient_classes(patients: NDArray[np.str_], labels: Rows) -> tuple[Rows, Rows, Rows]:
    """The class of most of a patient's images: the stratum in which the patient is drawn.

    Of ids (N,) and labels (N,) from 0: the position of each image's patient (N,) among the P distinct ids in order, the
    number of images of every patient and class (P, C), and the class of most of each patient's images (P,).
    """
    _, patient = np.unique(patients, return_inverse=True)
    counts = np.zeros((int(patient.max(initial=-1)) + 1, int(labels.max(initial=0)) + 1), np.int64)
    np.add.at(counts, (patient, labels), 1)
    return patient, counts, counts.argmax(axis=1)


def one_per_patient(patients: NDArray[np.str_], rng: np.random.Generator) -> Rows:
    """The position of one image of every patient, chosen at random; (P,), in the order of the ids."""
    order = rng.permutation(len(patients))
    _, first = np.unique(patients[order], return_index=True)
    return np.asarray(order[first], np.int64)

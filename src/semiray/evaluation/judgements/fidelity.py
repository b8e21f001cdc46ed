"""Fidelity and coverage: are synthetic images similar to real ones, and is there one similar to each real one?

Figures of two sets of features (`statistics.features`) and of the images themselves (`statistics.images`) mean little
alone: they depend on the feature space and on the number of images. So half of the held-out patients, one image each,
are the reference. Both the synthetic images and as many real ones of the other half, class by class, are compared with
it: the real ones show what a perfect generator reaches.
"""

from __future__ import annotations

from dataclasses import replace
from math import inf

import numpy as np
from numpy.typing import NDArray
from pydantic.dataclasses import dataclass

from semiray.evaluation.context import Context
from semiray.evaluation.judges.feature_spaces import FeatureSpace
from semiray.evaluation.results import Number, Result, Skipped
from semiray.evaluation.statistics.features import NEIGHBOURS, frechet_distance, kernel_distance, neighbourhood
from semiray.evaluation.statistics.images import pair_similarity, sliced_distance
from semiray.evaluation.statistics.intervals import Comparison, PatientBootstrap, one_per_patient
from semiray.evaluation.statistics.spectrum import spectrum_distance
from semiray.radiographs import RadiographSet, near_duplicates, unite_patients
from semiray.radiographs.splits import split_ids

__all__ = ["MEASURES", "FidelityMeasure", "FidelityResult", "measure", "measure_fidelity"]

Images = NDArray[np.uint8]
Floats = NDArray[np.float64]
Rows = NDArray[np.int64]
MEASURES = (
    "frechet",
    "kernel",
    "precision",
    "recall",
    "density",
    "coverage",
    "sliced",  # Wasserstein distance
    "spectrum",
    "pair_similarity",
)
SHARES = ("precision", "recall", "coverage")
LEAST = 4 * NEIGHBOURS  # images of each of the three sets


@dataclass(frozen=True)
class FidelityMeasure(Result):
    """One figure of synthetic images, and the same figure of as many real ones.

    Attributes:
        value: Of synthetic images, compared with the reference; its 95 % interval is over patients and images.
        real: Of real images of other patients, compared with the reference: the floor of a distance, otherwise the
            ceiling.
    """

    value: Number
    low: Number
    high: Number
    real: Number
    real_low: Number
    real_high: Number


@dataclass(frozen=True)
class FidelityResult(Result):
    """All figures in one feature space.

    Attributes:
        space: The feature space's name; the last three measures need none.
        dimensions: Its size.
        measures: Entry of ``MEASURES`` -> figures.
        n_reference: Held-out patients, one image each, that both sets are compared with.
        n_compared: Images in each of the two sets; the real ones are of as many other patients.
    """

    space: str
    dimensions: int
    measures: dict[str, FidelityMeasure]
    n_reference: int
    n_compared: int


def measure(context: Context) -> FidelityResult | Skipped:
    """The fidelity of a run's images, or of a folder's, in the space named or that of the TRTR classifier."""
    labels, test, space = context.synthetic.labels, context.reference, context.space
    if space is None:
        return Skipped(context.obstacle)
    if context.obstacle:  # sets whose classes can't be matched are compared as a whole
        labels, test = np.full(len(labels), -1), replace(test, labels=np.full(len(test), -1))
    return measure_fidelity(context.synthetic.images, labels, test, space)


def measure_fidelity(
    synthetic: Images,
    labels: NDArray[np.int64],
    held_out: RadiographSet,
    space: FeatureSpace,
    *,
    resamples: int = 1000,
    seed: int = 0,
) -> FidelityResult | Skipped:
    """Compare synthetic and held-out real images in a feature space.

    Args:
        synthetic: (N, H, W) uint8.
        labels: (N,) positions in ``held_out.classes``; -1 without classes.
        held_out: Real images that neither the generator nor the feature space was trained on.
        space: Where they are compared.
        resamples: Draws of the bootstrap.
        seed: Of the halves, of the choice of images, and of the draws.

    Returns:
        The figures, or why not: fewer than 20 images would be left in a set.
    """
    reference, real = _halves(held_out, seed)
    if min(len(reference), len(real)) < LEAST:
        return Skipped(f"neighbours need {2 * LEAST} held-out patients; there are {len(reference) + len(real)}.")
    rows = _alike(labels, held_out.labels[real], seed)
    if len(rows[0]) < LEAST:
        return Skipped(
            f"only {len(rows[0])} synthetic images are left when classes have the shares of real ones: neighbours need "
            f"at least {LEAST}."
        )
    real = real[rows[1]]
    images = [held_out.images[reference], synthetic[rows[0]], held_out.images[real]]
    features = [space.extract(side).astype(np.float64) for side in images]
    of_reference, of_other = (
        PatientBootstrap(
            np.arange(len(side)).astype(np.str_), np.zeros(len(side), np.int64), resamples=resamples, seed=seed + i
        )
        for i, side in enumerate((reference, real))
    )
    found, floor = (
        _compare((features[0], features[side]), (images[0], images[side]), classes)
        for side, classes in ((1, labels[rows[0]]), (2, held_out.labels[real]))
    )
    measures = {}
    for name in MEASURES:  # intervals are cut to the range of the figure, which their approximation can leave
        least, most = -inf if name == "kernel" else 0.0, 1.0 if name in SHARES else inf
        figures = []
        for compared in (found[name], floor[name]):
            low, high = compared.interval(of_reference, of_other)
            figures += [compared.value, max(least, low), min(most, high)]
        measures[name] = FidelityMeasure(*figures)
    return FidelityResult(space.name, features[0].shape[1], measures, len(reference), len(real))


def _compare(features: tuple[Floats, Floats], images: tuple[Images, Images], labels: Rows) -> dict[str, Comparison]:
    """Entry of ``MEASURES`` -> figure; the reference stands first, the labels are the other's."""
    return {
        "frechet": frechet_distance(*features),
        "kernel": kernel_distance(*features),
        **vars(neighbourhood(*features)),
        "sliced": sliced_distance(*images),
        "spectrum": spectrum_distance(*images),
        "pair_similarity": pair_similarity(images[1], labels, len(images[0])),
    }


def _halves(held_out: RadiographSet, seed: int) -> tuple[Rows, Rows]:
    """Rows of one half of the patients and of the other, classes in equal shares, one image per patient."""
    patients = unite_patients(held_out.patients, near_duplicates(held_out.images))
    rows = np.sort(one_per_patient(patients, np.random.default_rng(seed)))
    if len(rows) < 2 * LEAST:
        return rows, rows[:0]
    split = split_ids(patients[rows], held_out.labels[rows], fractions=(0.5, 0.0, 0.5), seed=seed)
    return rows[split.train], rows[split.test]


def _alike(labels: Rows, wanted: Rows, seed: int) -> tuple[Rows, Rows]:
    """Rows of both sets with equally many of every class, in the shares of ``wanted``, as many as possible."""
    rng = np.random.default_rng(seed)
    classes, counts = np.unique(wanted, return_counts=True)
    share = min(1.0, *((labels == k).sum() / count for k, count in zip(classes, counts, strict=True)))
    taken = {k: int(share * count) for k, count in zip(classes, counts, strict=True) if share * count >= 2}  # for pairs

    def choose(side: Rows) -> Rows:
        chosen = [rng.permutation(np.flatnonzero(side == k))[:count] for k, count in taken.items()]
        return np.sort(np.concatenate([np.zeros(0, np.int64), *chosen]))

    return choose(labels), choose(wanted)

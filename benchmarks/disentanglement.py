"""Disentanglement: has every true factor a code of its own? For images whose true factors are known, such as phantoms.

Three published scores, each from 0 to 1, of codes (N, M) against true factors (N, K). None depends on the codes' order:

- MIG, the mutual information gap (Chen et al. 2018, arXiv 1802.04942, equation 6);
- DCI, disentanglement, completeness, informativeness (Eastwood and Williams 2018, openreview By-7dz-AZ, section 2);
- SAP, separated attribute predictability (Kumar et al. 2018, arXiv 1711.00848, section 3).

A factor of at most 20 values is discrete. Factors that depend on each other share information, so that even perfect
codes don't reach 1: read every score beside that of the factors themselves.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import entropy
from sklearn.ensemble import GradientBoostingClassifier, GradientBoostingRegressor
from sklearn.metrics import balanced_accuracy_score, mutual_info_score
from sklearn.tree import DecisionTreeClassifier

from semiray.errors import SemirayError
from semiray.generation import encode_scores
from semiray.radiographs import RadiographSet
from semiray.training import Run

__all__ = [
    "DCI",
    "MIG",
    "SAP",
    "Disentanglement",
    "PhantomDisentanglement",
    "dci",
    "measure_disentanglement",
    "measure_phantoms",
    "mig",
    "sap",
]

Floats = NDArray[np.float64]
BINS = 20
FEWEST_IMAGES = 5 * BINS


@dataclass(frozen=True)
class MIG:
    """The mutual information gap.

    Attributes:
        value: Mean over factors.
        per_factor: (K,) the gap between the two codes that know most about a factor, over the factor's entropy.
        information: (M, K) mutual information in nats.
    """

    value: float
    per_factor: Floats
    information: Floats


@dataclass(frozen=True)
class DCI:
    """Disentanglement, completeness and informativeness.

    Attributes:
        disentanglement: 1 if every code serves one factor, weighted by the codes' importance.
        completeness: 1 if every factor is served by one code, mean over factors.
        informativeness: R² of predicting a factor from all codes, or accuracy if discrete, on images not trained on;
            mean over factors. (The paper gives the error.)
        importance: (M, K) a code's share in predicting a factor; columns sum to 1.
    """

    disentanglement: float
    completeness: float
    informativeness: float
    importance: Floats


@dataclass(frozen=True)
class SAP:
    """Separated attribute predictability.

    Attributes:
        value: Mean over factors.
        per_factor: (K,) the gap between the two codes that predict a factor best.
        scores: (M, K) R² of a line from one code to one factor; for a discrete factor, balanced accuracy of thresholds
            on one code, on images not fitted to.
    """

    value: float
    per_factor: Floats
    scores: Floats


@dataclass(frozen=True)
class Disentanglement:
    """All three scores of the same codes and factors."""

    mig: MIG
    dci: DCI
    sap: SAP
    n_images: int


@dataclass(frozen=True)
class PhantomDisentanglement:
    """Disentanglement of a run's sorter on phantoms.

    Attributes:
        measured: Of the scores that the sorter reads.
        floor: Of the same scores, dealt to the images at random.
        ceiling: Of the true factors in place of scores.
        names: The K true factors' names.
    """

    measured: Disentanglement
    floor: Disentanglement
    ceiling: Disentanglement
    names: tuple[str, ...]


def measure_disentanglement(codes: ArrayLike, factors: ArrayLike, *, seed: int = 0) -> Disentanglement:
    """MIG, DCI and SAP at once; arguments and errors as :func:`mig` and :func:`dci`."""
    return Disentanglement(
        mig(codes, factors), dci(codes, factors, seed=seed), sap(codes, factors, seed=seed), len(np.asarray(codes))
    )


def mig(codes: ArrayLike, factors: ArrayLike) -> MIG:
    """The mutual information gap: 1/K sum_k (I(c_1; v_k) - I(c_2; v_k)) / H(v_k), c_1 and c_2 knowing most of v_k.

    Continuous columns are cut into 20 classes of equal size. That makes the score independent of units and of monotone
    maps, as mutual information is; disentanglement_lib's 20 bins of equal width depend on both.

    Args:
        codes: (N, M), M >= 2, N >= 100.
        factors: (N, K), each taking at least two values twice.

    Raises:
        SemirayError: If shapes don't fit, a number is not finite, or a factor doesn't vary.

    Example:
        >>> v = np.random.default_rng(0).random((500, 3))
        >>> round(mig(v[:, ::-1], v).value, 1)
        0.9
    """
    c, v = _checked(codes, factors)
    c_binned, v_binned = ([_binned(column) for column in table.T] for table in (c, v))
    information = np.array([[mutual_info_score(b, a) for b in v_binned] for a in c_binned])
    gaps = _gaps(information) / np.array([mutual_info_score(b, b) for b in v_binned])
    return MIG(float(gaps.mean()), gaps, information)


def dci(codes: ArrayLike, factors: ArrayLike, *, seed: int = 0) -> DCI:
    """Disentanglement, completeness, informativeness, from how much each code helps gradient-boosted trees.

    With importance R (M, K): D_i = 1 - H_K(R_i. / sum), weighted by the codes' shares of R; C_j = 1 - H_M(R_.j / sum).
    Trees as in disentanglement_lib (sklearn's defaults); regressors for continuous factors, classifiers for discrete
    ones; one half of the images trains, the other tests.

    Args:
        codes: (N, M), M >= 2, N >= 100.
        factors: (N, K), K >= 2.
        seed: Of the halves and the trees.

    Raises:
        SemirayError: As :func:`mig`, or if there is one factor only.
    """
    c, v = _checked(codes, factors)
    if v.shape[1] < 2:
        raise SemirayError("DCI tells factors apart: it needs at least two, and got one.")
    importance, informed = np.empty((c.shape[1], v.shape[1])), np.empty(v.shape[1])
    for k, factor in enumerate(v.T):
        train, test = _halves(factor, seed)
        kind = GradientBoostingClassifier if _discrete(factor) else GradientBoostingRegressor
        trees = kind(random_state=seed).fit(c[train], factor[train])
        importance[:, k] = trees.feature_importances_
        informed[k] = trees.score(c[test], factor[test])
    used = importance.sum(axis=1)
    served = 1 - entropy(importance + 1e-12, axis=1, base=v.shape[1])
    complete = 1 - entropy(importance + 1e-12, axis=0, base=c.shape[1])
    weights = used / max(used.sum(), 1e-12)
    return DCI(float(weights @ served), float(complete.mean()), float(informed.mean()), importance)


def sap(codes: ArrayLike, factors: ArrayLike, *, seed: int = 0) -> SAP:
    """Separated attribute predictability: how much better the best code predicts a factor than the second best.

    Continuous factors: squared correlation. Discrete ones: balanced accuracy of thresholds (a tree with as many leaves
    as the factor has values, classes weighing the same), fitted to one half of the images and measured on the other.

    Args:
        codes: (N, M), M >= 2, N >= 100.
        factors: (N, K).
        seed: Of the halves.

    Raises:
        SemirayError: As :func:`mig`.
    """
    c, v = _checked(codes, factors)
    scores = np.empty((c.shape[1], v.shape[1]))
    centred = c - c.mean(axis=0)
    norms = np.sqrt((centred**2).sum(axis=0))
    for k, factor in enumerate(v.T):
        if not _discrete(factor):
            target = factor - factor.mean()
            with np.errstate(invalid="ignore", divide="ignore"):
                r = (target @ centred) / (norms * np.sqrt((target**2).sum()))
            scores[:, k] = np.where(norms > 1e-12, r**2, 0.0)
            continue
        values = np.unique(factor, return_inverse=True)[1]
        train, test = _halves(factor, seed)
        for i, code in enumerate(c.T):
            tree = DecisionTreeClassifier(max_leaf_nodes=int(values.max()) + 1, class_weight="balanced", random_state=0)
            tree.fit(code[train, None], values[train])
            scores[i, k] = balanced_accuracy_score(values[test], tree.predict(code[test, None]))
    gaps = _gaps(scores)
    return SAP(float(gaps.mean()), gaps, scores)


def measure_phantoms(run: Run, phantoms: RadiographSet, *, seed: int = 0) -> PhantomDisentanglement:
    """The three scores of a run's sorter on phantoms, whose true factors their table tells.

    Args:
        run: A trained run, grounded or not.
        phantoms: Phantoms that the run was not trained on, at its resolution, loaded from a folder that
            `semiray data phantom` wrote, with its factors.csv; a minute for 1,000 of them.
        seed: Of the halves, the trees and the dealing.

    Raises:
        SemirayError: If an image has no factors beside it.

    Example:
        ``measure_phantoms(run, data.take(Split.load(run.path / "split.json", data.keys).test)).measured.mig``
    """
    names = run.prior.names
    try:
        factors = np.array([[float(row[name]) for name in names] for row in phantoms.metadata])
    except (KeyError, ValueError) as error:
        raise SemirayError(
            f"The images' table lacks true factors ({error}): they come as factors.csv in the folder that "
            "`semiray data phantom` writes; load that folder."
        ) from error
    scores = encode_scores(run, phantoms.images)
    dealt = scores[np.random.default_rng(seed).permutation(len(scores))]
    measured, floor, ceiling = (
        measure_disentanglement(codes, factors, seed=seed) for codes in (scores, dealt, factors)
    )
    return PhantomDisentanglement(measured, floor, ceiling, names)


def _checked(codes: ArrayLike, factors: ArrayLike) -> tuple[Floats, Floats]:
    c, v = np.asarray(codes, np.float64), np.asarray(factors, np.float64)
    if c.ndim != 2 or v.ndim != 2 or len(c) != len(v) or c.shape[1] < 2 or v.shape[1] < 1:
        raise SemirayError(
            f"Codes {c.shape} and true factors {v.shape}: expected (images, codes) and (images, factors) of the same "
            "images, at least two codes."
        )
    if len(c) < FEWEST_IMAGES:
        raise SemirayError(f"Disentanglement needs at least {FEWEST_IMAGES} images; got {len(c)}.")
    if not (np.isfinite(c).all() and np.isfinite(v).all()):
        raise SemirayError("A code or a true factor is not a finite number.")
    for k, factor in enumerate(v.T):
        if _discrete(factor) and (np.unique(factor, return_counts=True)[1] >= 2).sum() < 2:
            raise SemirayError(f"True factor {k} doesn't vary: it must take at least two values, each twice.")
    return c, v


def _discrete(factor: Floats) -> bool:
    return len(np.unique(factor)) <= BINS


def _binned(column: Floats) -> NDArray[np.int64]:
    """Classes 0, 1, ...: the values themselves where they are few, otherwise 20 classes of equal size."""
    if _discrete(column):
        return np.asarray(np.unique(column, return_inverse=True)[1], np.int64)
    edges = np.quantile(column, np.arange(1, BINS) / BINS)
    return np.asarray(np.searchsorted(edges, column, side="right"), np.int64)


def _gaps(table: Floats) -> Floats:
    """The difference (K,) between the two greatest entries of each column of (M, K)."""
    ordered = np.sort(table, axis=0)
    gaps: Floats = ordered[-1] - ordered[-2]
    return gaps


def _halves(factor: Floats, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Two halves of the images, at random, each with its share of all values of the factor."""
    shuffled = np.random.default_rng(seed).permutation(len(factor))
    order = shuffled[np.argsort(factor[shuffled], kind="stable")]
    return order[::2], order[1::2]

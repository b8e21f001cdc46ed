"""Sorting: do the codes that the sorter estimates from held-out real images follow the assumed prior?

Continuous dimensions: the Kolmogorov-Smirnov distance sup |F_n(c) - F(c)| to the prior. Discrete dimensions: the total
variation distance 1/2 sum |p_n(v) - p(v)| of the estimated values. The floor is the same distance for as many codes
drawn from the prior itself. The interval is the distance -/+ epsilon, where epsilon is the 95 % quantile, over draws of
patients with replacement, of the distance between the drawn images and all of them: by the triangle inequality it holds
the population's distance (a Dvoretzky-Kiefer-Wolfowitz band that allows for several images per patient).
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic.dataclasses import dataclass
from scipy.special import ndtr, ndtri
from scipy.stats import kstest

from semiray.errors import SemirayError
from semiray.evaluation.context import Context
from semiray.evaluation.results import ByDimension, Hidden, Number, Result
from semiray.evaluation.statistics.intervals import LEVEL, PatientBootstrap
from semiray.priors import JointPrior

__all__ = ["DimensionSorting", "SortingResult", "ks_to_uniform", "measure", "measure_sorting"]

Floats = NDArray[np.float64]
FLOOR_SAMPLES = 200
GRID = 20_000


@dataclass(frozen=True)
class DimensionSorting(Result):
    """How far the codes of real images are from the prior in one dimension.

    Attributes:
        name: E.g. ``"duration[0]"``.
        measure: ``"ks"`` or, for a discrete dimension, ``"total_variation"``.
        value: The distance, 0 to 1, with its 95 % interval; lower is better.
        floor: Mean of the same distance for as many draws from the prior.
        floor_high: Its 95 % quantile: a lower value is not distinguishable from the prior.
    """

    name: str
    measure: str
    value: Number
    low: Number
    high: Number
    floor: Number
    floor_high: Number


@dataclass(frozen=True)
class SortingResult(ByDimension):
    """Sorting of every dimension, in the order of the codes.

    Attributes:
        scores: (N, M) float32, the sorter's scores of the images, for figures; not written.
    """

    dimensions: tuple[DimensionSorting, ...]
    scores: Hidden
    n_images: int
    n_patients: int


def measure(context: Context) -> SortingResult | None:
    """The sorting of held-out real images by the run's sorter; nothing without a run."""
    if context.run is None:
        return None
    return measure_sorting(context.scores, context.run.prior, context.held_out.patients)


def measure_sorting(
    scores: NDArray[np.float32], prior: JointPrior, patients: NDArray[np.str_], *, resamples: int = 500, seed: int = 0
) -> SortingResult:
    """Compare the codes of held-out real images with the prior, dimension by dimension.

    A monotone map changes neither distance. So continuous dimensions are compared as u = Phi(score) with the uniform
    distribution, discrete ones as the values that the prior gives to the scores.

    Args:
        scores: (N, M) the sorter's scores of the images.
        prior: The assumed prior.
        patients: (N,) ids.
        resamples: Draws of the bootstrap.
        seed: Seed of the draws and of the floor.

    Raises:
        SemirayError: If there is no image, or the shapes don't fit.
    """
    if scores.ndim != 2 or scores.shape[1] != prior.dimensions or not len(scores):
        raise SemirayError(
            f"Scores of shape {scores.shape}: expected (images, {prior.dimensions}), at least one image."
        )
    if not np.isfinite(scores).all():
        name = prior.names[int(np.argmin(np.isfinite(scores).all(axis=0)))]
        raise SemirayError(f"The sorter's score of {name} is not finite: the run's training has diverged.")
    bootstrap = PatientBootstrap(patients, np.zeros(len(scores), np.int64), resamples=resamples, seed=seed)
    weights = bootstrap.images / bootstrap.images.sum(axis=1, keepdims=True)
    values, shares = _discrete_values(prior)
    codes = prior.codes(torch.from_numpy(scores)).numpy()
    ks_floor = ks_to_uniform(np.sort(np.random.default_rng(seed).random((FLOOR_SAMPLES, len(scores))), axis=1))
    results = []
    for j, name in enumerate(prior.names):
        discrete = j in values
        if discrete:
            equal = [np.isclose(codes[:, j], v) for v in values[j]]
            share = np.array([np.mean(where) for where in equal])
            value = float(_total_variation(share, shares[j]))
            spread = _total_variation(np.stack([weights @ where for where in equal], axis=1), share)
            counts = np.random.default_rng([seed, j]).multinomial(len(scores), shares[j], FLOOR_SAMPLES)
            floor = _total_variation(counts / len(scores), shares[j])
        else:
            u = ndtr(scores[:, j].astype(np.float64))
            value = float(kstest(u, "uniform").statistic)
            order = np.argsort(u, kind="stable")
            steps = np.arange(1, len(u) + 1) / len(u)
            spread = np.abs(np.cumsum(weights[:, order], axis=1) - steps).max(axis=1)
            floor = ks_floor
        margin = float(np.quantile(spread, LEVEL))
        results.append(
            DimensionSorting(
                name=name,
                measure="total_variation" if discrete else "ks",
                value=value,
                low=max(0.0, value - margin),
                high=min(1.0, value + margin),
                floor=float(floor.mean()),
                floor_high=float(np.quantile(floor, LEVEL)),
            )
        )
    return SortingResult(tuple(results), scores, len(scores), bootstrap.n_patients)


def ks_to_uniform(u: Floats) -> Floats:
    """Kolmogorov-Smirnov distance (R,) of sorted samples (R, N) in [0, 1] to the uniform distribution."""
    n = u.shape[1]
    return np.asarray(np.maximum((np.arange(1, n + 1) / n - u).max(axis=1), (u - np.arange(n) / n).max(axis=1)))


def _total_variation(p: Floats, q: Floats) -> Floats:
    """Half the sum of absolute differences of distributions over the same values, which are the last axis."""
    return np.asarray(0.5 * np.abs(p - q).sum(axis=-1))


def _discrete_values(prior: JointPrior) -> tuple[dict[int, Floats], dict[int, Floats]]:
    """Values and probabilities of each discrete dimension, from its quantile function on a fine even grid.

    Probabilities are exact to 1 / GRID; values rarer than that are left out.
    """
    u = (np.arange(GRID) + 0.5) / GRID
    grid = torch.from_numpy(ndtri(u))[:, None].expand(GRID, prior.dimensions)
    codes = prior.codes(grid).numpy()
    values, shares = {}, {}
    for j in np.flatnonzero(prior.discrete.numpy()).tolist():
        values[j], counts = np.unique(codes[:, j].astype(np.float32).astype(np.float64), return_counts=True)
        shares[j] = counts / GRID
    return values, shares

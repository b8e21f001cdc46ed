"""Commitment: does the generator follow the requested codes, so that they can be estimated from its images?

R² = 1 - sum (requested - estimated)² / sum (requested - mean requested)² for continuous dimensions; for discrete ones
the share of images whose value is estimated exactly. The sorter's estimates are too good: it trained the generator and
was rewarded for agreeing with it. ``probe`` measures the same with a network that took no part in the training.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic.dataclasses import dataclass

from semiray.errors import SemirayError
from semiray.evaluation.context import Context
from semiray.evaluation.results import ByDimension, Number, Result
from semiray.evaluation.statistics.intervals import ENDS
from semiray.generation import encode_scores

__all__ = ["CommitmentResult", "DimensionCommitment", "measure", "measure_commitment"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class DimensionCommitment(Result):
    """How closely images follow one code dimension.

    Attributes:
        name: E.g. ``"duration[0]"``.
        measure: ``"r2"`` or, for a discrete dimension, ``"accuracy"``.
        value: The figure, with its 95 % bootstrap interval over images; its ceiling is 1.
        floor: Chance level: 0 for R², the share of the most common value for accuracy.
    """

    name: str
    measure: str
    value: Number
    low: Number
    high: Number
    floor: Number


@dataclass(frozen=True)
class CommitmentResult(ByDimension):
    """Commitment of every dimension, in the order of the codes, by one network's estimates."""

    dimensions: tuple[DimensionCommitment, ...]
    n_images: int


def measure(context: Context) -> CommitmentResult | None:
    """Commitment by the estimates of the run's own sorter; nothing without a run."""
    run = context.run
    if run is None:
        return None
    estimated = run.prior.codes(torch.from_numpy(encode_scores(run, context.fresh.images))).float().numpy()
    return measure_commitment(context.fresh.codes, estimated, run.prior.names, run.prior.discrete.numpy())


def measure_commitment(
    requested: NDArray[np.float32],
    estimated: NDArray[np.float32],
    names: tuple[str, ...],
    discrete: NDArray[np.bool_],
    *,
    resamples: int = 1000,
    seed: int = 0,
) -> CommitmentResult:
    """Compare the requested codes with the codes estimated from the images.

    Args:
        requested: (N, M) codes in their own units, as given to the generator.
        estimated: (N, M) codes in their own units, as estimated from the images.
        names: M names.
        discrete: (M,) which dimensions take few values.
        resamples: Draws of the bootstrap over images, which are independent of each other.
        seed: Seed of the draws.

    Raises:
        SemirayError: If shapes differ, there are fewer than two images, or an estimate is not finite.

    Examples:
        >>> c = np.linspace(0, 1, 50, dtype=np.float32)[:, None]
        >>> measure_commitment(c, c, ("texture[0]",), np.array([False])).dimensions[0].value
        1.0
    """
    count = len(requested)
    if not requested.shape == estimated.shape == (count, len(names)):
        raise SemirayError(
            f"Requested codes {requested.shape} and estimated codes {estimated.shape} must both have the shape "
            f"(images, {len(names)} dimensions)."
        )
    if count < 2:
        raise SemirayError(f"Commitment needs at least two images; got {count}.")
    if not np.isfinite(estimated).all():
        name = names[int(np.argmin(np.isfinite(estimated).all(axis=0)))]
        raise SemirayError(f"The estimate of {name} is not finite: the network that estimates it has diverged.")
    weights = np.random.default_rng(seed).multinomial(count, np.full(count, 1 / count), resamples)
    tables = np.concatenate([np.ones((1, count)), weights])
    results = []
    for j, name in enumerate(names):
        wanted, got = requested[:, j].astype(np.float64), estimated[:, j].astype(np.float64)
        if discrete[j]:
            measure, floor = "accuracy", float(np.unique(wanted, return_counts=True)[1].max() / count)
            values = tables @ np.isclose(wanted, got, rtol=1e-5, atol=1e-6) / tables.sum(axis=1)
        else:
            measure, floor, values = "r2", 0.0, _r2(wanted, got, tables)
        low, high = np.quantile(values[1:], ENDS).tolist()
        results.append(DimensionCommitment(name, measure, float(values[0]), low, high, floor))
    return CommitmentResult(tuple(results), count)


def _r2(requested: Floats, estimated: Floats, weights: Floats) -> Floats:
    """R² (R,) under weights (R, N)."""
    total = weights.sum(axis=1)
    centred = requested - requested.mean()  # for the precision of the difference below
    spread = weights @ centred**2 - (weights @ centred) ** 2 / total
    result: Floats = 1 - weights @ (requested - estimated) ** 2 / np.maximum(spread, 1e-12)
    return result

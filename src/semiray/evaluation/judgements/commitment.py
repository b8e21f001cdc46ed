"""Commitment: does the generator obey its codes, so that the sorter reads them back from generated images?

R² = 1 - sum (asked - read)² / sum (asked - mean asked)² for continuous dimensions; for discrete ones the share of
images whose value is read back exactly. The sorter that trained the generator flatters it: it was rewarded to agree;
``probe`` measures the same with a reader that has not met the generator.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import computed_field
from pydantic.dataclasses import dataclass

from semiray.errors import SemirayError
from semiray.evaluation.context import Context
from semiray.evaluation.results import Number, Result, factor_means
from semiray.evaluation.statistics.intervals import ENDS
from semiray.generation import encode_scores

__all__ = ["CommitmentResult", "DimensionCommitment", "measure", "measure_commitment"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class DimensionCommitment(Result):
    """How far one code dimension is obeyed.

    Attributes:
        name: E.g. ``"duration[0]"``.
        measure: ``"r2"`` or, for a discrete dimension, ``"accuracy"``.
        value: The figure; 1 is its ceiling.
        low: Lower end of the 95 % bootstrap interval over images.
        high: Upper end.
        floor: What guessing without looking reaches: 0 for R², the commonest value's share for accuracy.
    """

    name: str
    measure: str
    value: Number
    low: Number
    high: Number
    floor: Number


@dataclass(frozen=True)
class CommitmentResult(Result):
    """Commitment of every dimension, in the order of the codes, as one reader of codes sees it."""

    dimensions: tuple[DimensionCommitment, ...]
    n_images: int

    @computed_field  # type: ignore[prop-decorator]
    @property
    def means(self) -> dict[str, float]:
        """Factor -> the mean of its dimensions."""
        return factor_means(self.dimensions)


def measure(context: Context) -> CommitmentResult | None:
    """Commitment as the run's own sorter sees it; nothing without a run."""
    run = context.run
    if run is None:
        return None
    estimated = run.prior.codes(torch.from_numpy(encode_scores(run, context.fresh.images))).float().numpy()
    return measure_commitment(context.fresh.codes, estimated, run.prior.names, run.prior.discrete.numpy())


def measure_commitment(
    asked: NDArray[np.float32],
    read: NDArray[np.float32],
    names: tuple[str, ...],
    discrete: NDArray[np.bool_],
    *,
    resamples: int = 1000,
    seed: int = 0,
) -> CommitmentResult:
    """Compares the codes asked for with the codes read from the images.

    Args:
        asked: (N, M) codes in own units, as given to the generator.
        read: (N, M) codes in own units, as read from the images.
        names: M names.
        discrete: (M,) which dimensions take few values.
        resamples: Draws of the bootstrap over images, which are independent of each other.
        seed: Seed of the draws.

    Raises:
        SemirayError: If shapes differ, there are fewer than two images, or a code read is not finite.

    Example:
        >>> c = np.linspace(0, 1, 50, dtype=np.float32)[:, None]
        >>> measure_commitment(c, c, ("texture[0]",), np.array([False])).dimensions[0].value
        1.0
    """
    if asked.shape != read.shape or asked.ndim != 2 or asked.shape[1] != len(names):
        raise SemirayError(
            f"Codes asked {asked.shape} and read {read.shape} must both be (images, {len(names)} dimensions)."
        )
    if len(asked) < 2:
        raise SemirayError(f"Commitment needs at least two images; got {len(asked)}.")
    if not np.isfinite(read).all():
        name = names[int(np.argmin(np.isfinite(read).all(axis=0)))]
        raise SemirayError(f"The code read for {name} is not finite: the training of what reads it has gone astray.")
    weights = np.random.default_rng(seed).multinomial(len(asked), np.full(len(asked), 1 / len(asked)), resamples)
    tables = np.concatenate([np.ones((1, len(asked))), weights])
    results = []
    for j, name in enumerate(names):
        wanted, got = asked[:, j].astype(np.float64), read[:, j].astype(np.float64)
        if discrete[j]:
            values, floor = _accuracy(wanted, got, tables), float(np.unique(wanted, return_counts=True)[1].max())
            floor /= len(wanted)
        else:
            values, floor = _r2(wanted, got, tables), 0.0
        low, high = np.quantile(values[1:], ENDS)
        measure = "accuracy" if discrete[j] else "r2"
        results.append(DimensionCommitment(name, measure, float(values[0]), float(low), float(high), floor))
    return CommitmentResult(tuple(results), len(asked))


def _r2(asked: Floats, read: Floats, weights: Floats) -> Floats:
    """R² (R,) under weights (R, N)."""
    total = weights.sum(axis=1)
    centred = asked - asked.mean()  # for the precision of the difference below
    spread = weights @ centred**2 - (weights @ centred) ** 2 / total
    result: Floats = 1 - weights @ (asked - read) ** 2 / np.maximum(spread, 1e-12)
    return result


def _accuracy(asked: Floats, read: Floats, weights: Floats) -> Floats:
    """Share (R,) of equal values under weights (R, N)."""
    result: Floats = weights @ np.isclose(asked, read, rtol=1e-5, atol=1e-6) / weights.sum(axis=1)
    return result

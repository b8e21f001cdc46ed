"""Joint sorting: are the codes of held-out real images correlated as the prior's R says?

The sorter's scores are compared, before rounding to values: under the prior their correlation is R for discrete
dimensions, too. The figure is the mean absolute difference of the entries above the diagonal. A dimension that never
varies counts as uncorrelated with the others.
"""

from __future__ import annotations

from typing import Annotated

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import PlainSerializer
from pydantic.dataclasses import dataclass

from semiray.evaluation.context import Context
from semiray.evaluation.results import Number, Result, Skipped
from semiray.evaluation.statistics.intervals import LEVEL, PatientBootstrap
from semiray.priors import JointPrior

__all__ = ["CorrelationResult", "measure", "measure_correlation"]

Floats = NDArray[np.float64]
FLOOR_SAMPLES = 200
Correlations = Annotated[
    Floats, PlainSerializer(lambda x: x.round(4).tolist(), return_type=list[list[float]], when_used="json")
]


@dataclass(frozen=True)
class CorrelationResult(Result):
    """How far the correlations of real images' scores are from R.

    Attributes:
        mean_absolute_difference: Over the pairs of dimensions, 0 to 2, with its 95 % interval; lower is better.
        floor: Mean of the same figure for as many draws from the prior as there are images.
        floor_high: Its 95 % quantile.
        greatest: The pair that differs most, as two names.
        measured: (M, M) correlations of the images' scores.
        assumed: (M, M) R.
    """

    mean_absolute_difference: Number
    low: Number
    high: Number
    floor: Number
    floor_high: Number
    greatest: tuple[str, str]
    measured: Correlations
    assumed: Correlations
    names: tuple[str, ...]
    n_images: int
    n_patients: int


def measure(context: Context) -> CorrelationResult | Skipped | None:
    """The correlations of held-out images' scores; nothing without a run."""
    if context.run is None:
        return None
    return measure_correlation(context.scores, context.run.prior, context.held_out.patients)


def measure_correlation(
    scores: NDArray[np.float32], prior: JointPrior, patients: NDArray[np.str_], *, resamples: int = 500, seed: int = 0
) -> CorrelationResult | Skipped:
    """Compare the correlations between code dimensions of real images with the prior's.

    The interval is the figure -/+ epsilon. Epsilon is the 95 % quantile, over draws of patients with replacement, of
    the mean absolute difference between the correlations of the drawn images and of all images: by the triangle
    inequality the interval holds the population's figure.

    Args:
        scores: (N, M) the sorter's scores of the images.
        prior: The assumed prior.
        patients: (N,) ids.
        resamples: Draws of the bootstrap.
        seed: Of the draws and of the floor.

    Returns:
        The figure, or why there is none: one dimension, or fewer than three images.
    """
    count, dimensions = scores.shape
    if dimensions < 2:
        return Skipped("the prior has one dimension.")
    if count < 3:
        return Skipped(f"there are only {count} held-out images.")
    assumed = prior.correlation.numpy()
    pairs = np.triu_indices(dimensions, 1)
    bootstrap = PatientBootstrap(patients, np.zeros(count, np.int64), resamples=resamples, seed=seed)
    measured = _correlations(scores.astype(np.float64), np.ones((1, count)))[0]
    drawn = _correlations(scores.astype(np.float64), bootstrap.images)
    margin = float(np.quantile(np.abs(drawn - measured)[:, *pairs].mean(axis=1), LEVEL))
    generator = torch.Generator().manual_seed(seed)
    samples = (prior.sample_scores(count, generator).numpy() for _ in range(FLOOR_SAMPLES))
    floor = [np.abs(np.corrcoef(sample, rowvar=False) - assumed)[pairs].mean() for sample in samples]
    differences = np.abs(measured - assumed)[pairs]
    first, second = np.transpose(pairs)[differences.argmax()]
    value = float(differences.mean())
    return CorrelationResult(
        mean_absolute_difference=value,
        low=max(0.0, value - margin),
        high=value + margin,
        floor=float(np.mean(floor)),
        floor_high=float(np.quantile(floor, LEVEL)),
        greatest=(prior.names[first], prior.names[second]),
        measured=measured,
        assumed=assumed,
        names=prior.names,
        n_images=count,
        n_patients=bootstrap.n_patients,
    )


def _correlations(points: Floats, weights: Floats) -> Floats:
    """Correlation matrices (R, M, M) of points (N, M) under weights (R, N); 0 where a column doesn't vary."""
    dimensions = points.shape[1]
    share = weights / weights.sum(axis=1, keepdims=True)
    centred = points - points.mean(axis=0)  # for the precision of the difference below
    products = (centred[:, :, None] * centred[:, None, :]).reshape(len(points), -1)
    mean = share @ centred
    covariance = (share @ products).reshape(-1, dimensions, dimensions) - mean[:, :, None] * mean[:, None, :]
    deviation = np.sqrt(np.maximum(np.diagonal(covariance, axis1=1, axis2=2), 0))
    scale = deviation[:, :, None] * deviation[:, None, :]
    result: Floats = np.where(scale > 1e-9, covariance / np.maximum(scale, 1e-9), 0.0)
    result[:, np.arange(dimensions), np.arange(dimensions)] = 1.0
    return result

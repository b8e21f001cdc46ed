"""Visible effect: by how many grey levels does a code dimension change an image, and where?

One dimension goes from its 5 % to its 95 % quantile (a discrete one from its lowest to its highest value). Noise, label
and all other codes stay the same, also the other dimensions of its factor. The effect is the mean absolute difference
of the two images, in grey levels of 255, after rounding.
"""

from __future__ import annotations

import numpy as np
import torch
from pydantic.dataclasses import dataclass

from semiray.evaluation.context import FRESH_SEED, GENERATED_PER_STEP, Context
from semiray.evaluation.progress import Progress
from semiray.evaluation.results import ByDimension, Hidden, Number, Result
from semiray.evaluation.statistics.intervals import ENDS
from semiray.generation.sampling import BLOCK, draw_block, render
from semiray.priors import JointPrior
from semiray.training import Run

__all__ = ["DimensionEffect", "EffectResult", "cost", "measure", "measure_effect", "traversal_ends"]

TRAVERSED = (0.05, 0.95)  # quantiles


@dataclass(frozen=True)
class DimensionEffect(Result):
    """Mean absolute change in grey levels of 255, with the 95 % bootstrap interval over generated patients; floor 0."""

    name: str
    value: Number
    low: Number
    high: Number


@dataclass(frozen=True)
class EffectResult(ByDimension):
    """The visible effect of every dimension, in the order of the codes.

    Attributes:
        maps: (M, H, W) float32, the mean absolute change at every pixel, in grey levels.
        mean_image: (H, W) float32, the mean of the patients' images, for orientation on the maps.
        between: Mean absolute difference of two patients of one class, in grey levels, to compare effects with.
    """

    dimensions: tuple[DimensionEffect, ...]
    maps: Hidden
    mean_image: Hidden
    between: Number
    n_patients: int


def cost(context: Context) -> int:
    """Two images of every generated patient and dimension."""
    if context.run is None:
        return 0
    return 2 * context.options.effect_patients * context.run.prior.dimensions // GENERATED_PER_STEP


def measure(context: Context) -> EffectResult | None:
    """The visible effect of every dimension of a run."""
    if context.run is None:
        return None
    patients, told = context.options.effect_patients, context.stages["effect"]
    return measure_effect(context.run, patients=patients, seed=FRESH_SEED, progress=told)


def measure_effect(
    run: Run, *, patients: int = 64, seed: int = 0, resamples: int = 1000, progress: Progress | None = None
) -> EffectResult:
    """Move every dimension alone, and measure how much the images change.

    Args:
        run: A trained run.
        patients: Generated patients; rounded up so that every class has the same number, at least two.
        seed: Of their noise and codes.
        resamples: Draws of the bootstrap.
        progress: Called with (dimensions done, M).
    """
    n_classes = max(1, len(run.classes))
    count = n_classes * max(2, -(-patients // n_classes))
    blocks = [draw_block(run, run.prior, seed, block) for block in range(-(-count // BLOCK))]
    z, codes = (torch.cat(parts)[:count] for parts in zip(*blocks, strict=True))
    labels = np.arange(count, dtype=np.int64) % n_classes
    base = render(run, z, codes, labels).astype(np.float32)
    weights = np.random.default_rng(seed).multinomial(count, np.full(count, 1 / count), resamples) / count
    maps = np.empty((run.prior.dimensions, *base.shape[1:]), np.float32)
    results = []
    for j, name in enumerate(run.prior.names):
        before, after = (
            render(run, z, codes.index_fill(1, torch.tensor([j]), end), labels).astype(np.float32)
            for end in traversal_ends(run.prior, name)
        )
        change = np.abs(after - before)
        maps[j] = change.mean(axis=0)
        each = change.mean(axis=(1, 2), dtype=np.float64)
        low, high = np.quantile(weights @ each, ENDS)
        results.append(DimensionEffect(name, float(each.mean()), float(low), float(high)))
        if progress is not None:
            progress(j + 1, len(run.prior.names))
    between = np.abs(base - np.roll(base, n_classes, axis=0)).mean(dtype=np.float64)  # the next of the same class
    return EffectResult(tuple(results), maps, base.mean(axis=0), float(between), count)


def traversal_ends(prior: JointPrior, name: str) -> tuple[float, float]:
    """The values that a dimension moves between, in its own units."""
    marginal = prior.marginal(name)
    if marginal.discrete:
        return marginal.values[0], marginal.values[-1]
    low, high = marginal.quantile(torch.tensor(TRAVERSED, dtype=torch.float64)).tolist()
    return low, high

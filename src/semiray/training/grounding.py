"""Observations in the metadata of the training images, and the observed images that every step adds to its batch."""

import hashlib
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from semiray.errors import SemirayError
from semiray.priors import JointPrior, observe, read_grounds
from semiray.radiographs import ImageArray, RadiographSet
from semiray.settings import Settings
from semiray.training.batches import ImageOrder

__all__ = ["Grounding", "ObservedBatch", "read_grounding"]

ORDER = 1  # added to the seed: another order than that of the batch


class ObservedBatch(NamedTuple):
    """Images and the observed intervals of their leads' scores; F grounded factors.

    Attributes:
        images: (K, H, W) uint8.
        low: (K, F) float32, lower end of each lead's score; -inf where nothing is observed.
        high: (K, F) float32, upper end; equal to `low` where the score is observed exactly, inf where it is censored.
        weight: (K, F) float32, mean 1 over the observed images, 0 where nothing is observed: patients count equally.
    """

    images: Tensor
    low: Tensor
    high: Tensor
    weight: Tensor


class Grounding:
    """All observations of the training images, and the order in which they are shown.

    Args:
        counts: grounded factor -> number of images that ground it.
        columns: each grounded factor's lead among the codes.
        observed: the images with any observation.
        seed: of the order.
    """

    def __init__(self, counts: dict[str, int], columns: tuple[int, ...], observed: ObservedBatch, seed: int) -> None:
        self.counts, self.columns, self._observed = counts, columns, observed
        self._order = ImageOrder(len(observed.images), seed + ORDER)

    def batch(self, step: int, size: int) -> ObservedBatch:
        """The observed images of a step: (K, ...) with K = size, or all of them where there are fewer."""
        size = min(size, len(self._observed.images))
        index = self._order.take(step * size, size)
        return ObservedBatch(*(part[index] for part in self._observed))

    @property
    def digest(self) -> str:
        """A hash of all observations: a run is resumed on the same table only."""
        parts = [np.ascontiguousarray(part.numpy()).tobytes() for part in self._observed[1:]]
        return hashlib.sha256(b"".join([repr(self.counts).encode(), *parts])).hexdigest()


def read_grounding(
    settings: Settings,
    prior: JointPrior,
    data: RadiographSet[ImageArray],
    chosen: "np.ndarray[tuple[int], np.dtype[np.int64]]",
) -> Grounding | None:
    """Read from the training images' metadata what the settings' `ground` names; None where it names nothing.

    Only the images that are `chosen` (N,), those of training, are observed.

    Raises:
        SemirayError: a rule, a column or a cell that can't be read, or a factor without observations; names it.
    """
    rules = read_grounds(settings.ground, prior)
    if not rules:
        return None
    seen = observe(
        [data.metadata[i] for i in chosen.tolist()],
        [str(data.patients[i]) for i in chosen],
        rules,
        prior,
        names=[data.keys[i] for i in chosen.tolist()],
    )
    for name, observations in seen.items():
        if not observations.images:
            raise SemirayError(
                f"ground: {name}: column {rules[name].column!r} says nothing about any of the {len(chosen):,} training "
                f"images; fill it for some of them, or ground another factor"
            )
    low, high = (
        torch.stack(bounds, dim=1)
        for bounds in zip(*(o.interval(prior.marginal(name)) for name, o in seen.items()), strict=True)
    )
    weight = torch.stack([o.weight * o.images / o.weight.sum() for o in seen.values()], dim=1)
    rows = torch.stack([o.observed for o in seen.values()]).any(dim=0).nonzero().flatten()
    images = torch.from_numpy(np.ascontiguousarray(data.images[chosen[rows.numpy()]]))
    observed = ObservedBatch(images, *(part[rows].float() for part in (low, high, weight)))
    columns = tuple(prior.slices[name].start for name in seen)
    return Grounding({name: o.images for name, o in seen.items()}, columns, observed, settings.seed)

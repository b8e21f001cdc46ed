"""What metadata say of the training images, and the observed images that every step shows beside its batch."""

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

ORDER = 1  # apart from the order of the batch, which the bare seed draws


class ObservedBatch(NamedTuple):
    """Some images and what is known of their factors' leads, as intervals of scores; F grounded factors.

    Attributes:
        images: (K, H, W) uint8.
        low: (K, F) float32, where each lead's score is known to begin; -inf where nothing is known.
        high: (K, F) float32, where it ends; equal to `low` where the score is known exactly, inf where it is censored.
        weight: (K, F) float32, mean 1 over the observed images, 0 where nothing is known: patients count alike.
    """

    images: Tensor
    low: Tensor
    high: Tensor
    weight: Tensor


class Grounding:
    """All that is known of the training images, and the order in which it is shown.

    Args:
        counts: grounded factor -> number of images that ground it.
        columns: each grounded factor's lead among the codes.
        known: the images of which anything is known.
        seed: of the order.
    """

    def __init__(self, counts: dict[str, int], columns: tuple[int, ...], known: ObservedBatch, seed: int) -> None:
        self.counts, self.columns, self._known = counts, columns, known
        self._order = ImageOrder(len(known.images), seed + ORDER)

    def batch(self, step: int, size: int) -> ObservedBatch:
        """The observed images of a step: (K, ...) with K = size, or all of them where there are fewer."""
        size = min(size, len(self._known.images))
        index = self._order.take(step * size, size)
        return ObservedBatch(*(part[index] for part in self._known))

    @property
    def digest(self) -> str:
        """Changes when anything that is known changes, so that a run is resumed on the same table."""
        parts = [np.ascontiguousarray(part.numpy()).tobytes() for part in self._known[1:]]
        return hashlib.sha256(b"".join([repr(self.counts).encode(), *parts])).hexdigest()


def read_grounding(
    settings: Settings,
    prior: JointPrior,
    data: RadiographSet[ImageArray],
    chosen: "np.ndarray[tuple[int], np.dtype[np.int64]]",
) -> Grounding | None:
    """Read from the training images' metadata what the settings' `ground` names; None where it names nothing.

    Args:
        settings: `ground` is the rules, see docs/grounding.md.
        prior: the prior whose factors they ground.
        data: the radiographs, with their metadata.
        chosen: (N,) which of them train.

    Raises:
        SemirayError: a rule, a column or a cell that can't be read, or a factor of which nothing is known; names it.
    """
    rules = read_grounds(settings.ground, prior)
    if not rules:
        return None
    seen = observe(
        [data.metadata[i] for i in chosen],
        [str(data.patients[i]) for i in chosen],
        rules,
        prior,
        names=[data.keys[i] for i in chosen],
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
    rows = torch.stack([o.known for o in seen.values()]).any(dim=0).nonzero().flatten()
    images = torch.from_numpy(np.ascontiguousarray(data.images[chosen[rows.numpy()]]))
    known = ObservedBatch(images, *(part[rows].float() for part in (low, high, weight)))
    columns = tuple(prior.slices[name].start for name in seen)
    return Grounding({name: o.images for name, o in seen.items()}, columns, known, settings.seed)

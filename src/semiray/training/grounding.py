"""What metadata and measures say of the training images, and the observed images that every step adds to its batch."""

import hashlib
from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from semiray.errors import SemirayError
from semiray.priors import Ground, JointPrior, Observations, observe, read_grounds
from semiray.radiographs import ImageArray, RadiographSet
from semiray.radiographs.pixels.asymmetry import lung_asymmetry
from semiray.settings import Settings
from semiray.training.batches import ImageOrder

__all__ = ["Grounding", "ObservedBatch", "observe_images", "read_grounding"]

MEASURES: Mapping[str, Callable[[NDArray[np.uint8]], NDArray[np.float64]]] = {"asymmetry": lung_asymmetry}
"""How each of `semiray.priors.MEASURES` is taken: images (N, H, H) -> (N,)."""
AT_ONCE = 32  # images that are measured together
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
        images: (N, H, W) uint8, in memory or mapped from a file.
        rows: (K,) which of them have any observation.
        observed: what is observed of these: low, high and weight of `ObservedBatch`.
        seed: of the order.
    """

    def __init__(
        self,
        counts: dict[str, int],
        columns: tuple[int, ...],
        images: ImageArray,
        rows: NDArray[np.int64],
        observed: tuple[Tensor, Tensor, Tensor],
        seed: int,
    ) -> None:
        self.counts, self.columns = counts, columns
        self._images, self._rows, self._observed = images, rows, observed
        self._order = ImageOrder(len(rows), seed + ORDER)

    def batch(self, step: int, size: int) -> ObservedBatch:
        """The observed images of a step: (K, ...) with K = size, or all of them where there are fewer."""
        size = min(size, len(self._rows))
        index = self._order.take(step * size, size)
        images = torch.from_numpy(np.ascontiguousarray(self._images[self._rows[index.numpy()]]))
        return ObservedBatch(images, *(part[index] for part in self._observed))

    @property
    def digest(self) -> str:
        """A hash of all observations: a run is resumed on the same table only."""
        parts = [np.ascontiguousarray(part.numpy()).tobytes() for part in self._observed]
        return hashlib.sha256(b"".join([repr(self.counts).encode(), *parts])).hexdigest()


def read_grounding(
    settings: Settings,
    prior: JointPrior,
    data: RadiographSet[ImageArray],
    chosen: NDArray[np.int64],
) -> Grounding | None:
    """Read from the training images' metadata, or measure, what the settings' `ground` names; None: it names nothing.

    Only the images that are `chosen` (N,), those of training, are observed.

    Raises:
        SemirayError: a rule, a column or a cell that can't be read, a factor without observations, or images that are
            too small to be measured; names it.
    """
    rules = read_grounds(settings.ground, prior)
    if not rules:
        return None
    seen = observe_images(data, chosen, rules, prior)
    for name, observations in seen.items():
        if not observations.images:
            source = f"finding {rules[name].finding!r}" if rules[name].finding else f"column {rules[name].column!r}"
            raise SemirayError(
                f"ground: {name}: {source} says nothing about any of the {len(chosen):,} training "
                f"images; fill it for some of them, or ground another factor"
            )
    low, high = (
        torch.stack(bounds, dim=1)
        for bounds in zip(*(o.interval(prior.marginal(name)) for name, o in seen.items()), strict=True)
    )
    weight = torch.stack([o.weight * o.images / o.weight.sum() for o in seen.values()], dim=1)
    rows = torch.stack([o.observed for o in seen.values()]).any(dim=0).nonzero().flatten()
    observed = low[rows].float(), high[rows].float(), weight[rows].float()
    columns = tuple(prior.slices[name].start for name in seen)
    counts = {name: o.images for name, o in seen.items()}
    return Grounding(counts, columns, data.images, chosen[rows.numpy()], observed, settings.seed)


def observe_images(
    data: RadiographSet[ImageArray], chosen: NDArray[np.int64], rules: Mapping[str, Ground], prior: JointPrior
) -> dict[str, Observations]:
    """What rules say of the images `chosen` (N,): read in their metadata or findings, or measured in their pixels.

    Arguments and errors are those of `semiray.priors.observe`. What is measured is ranked among these N images.

    Raises:
        SemirayError: images are too small to be measured.
    """
    measures = {rule.measure for rule in rules.values() if rule.measure is not None}
    blocks = [chosen[first : first + AT_ONCE] for first in range(0, len(chosen), AT_ONCE)]
    measured = {
        name: torch.from_numpy(np.concatenate([MEASURES[name](np.asarray(data.images[block])) for block in blocks]))
        for name in sorted(measures)
    }
    return observe(
        [data.metadata[i] for i in chosen.tolist()],
        [str(data.patients[i]) for i in chosen],
        rules,
        prior,
        names=[data.keys[i] for i in chosen.tolist()],
        measured=measured,
        findings={
            name: torch.from_numpy(np.asarray(data.findings[chosen, place], np.float64))
            for place, name in enumerate(data.finding_names)
        },
    )

"""The fresh probe: a network that took no part in the training learns to estimate codes from generated images.

The sorter's estimates are too good: it trained the generator, and the two may have agreed on signs that nobody else
sees. The probe is trained afterwards, on freshly generated images, and tested on others: clean, with noise, at half the
size and after JPEG compression. What it can estimate there, an eye or a classifier can use.

It estimates standardised codes by squared error, whose minimum is E[c | image] and whose error is 1 - R², the figure
that is reported; discrete dimensions by cross-entropy over their values. It is trained on all conditions, a quarter of
each batch in each: an eye adapts; failing on noise because it never saw any would say something of the probe only.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic.dataclasses import dataclass
from torch import Tensor, nn
from torch.nn import functional as F

from semiray.devices import choose_device, fast_autocast
from semiray.errors import SemirayError
from semiray.evaluation.context import Context
from semiray.evaluation.judgements.commitment import CommitmentResult, measure_commitment
from semiray.evaluation.judges.alterations import DEGRADATIONS
from semiray.evaluation.progress import Progress
from semiray.evaluation.results import Result
from semiray.generation import Synthetic
from semiray.networks.classifier import (
    WIDTHS,
    ClassifierNetwork,
    check_images,
    fit,
    network_outputs,
    network_seed,
)
from semiray.networks.intensities import to_input
from semiray.priors import JointPrior

__all__ = ["ProbeNetwork", "ProbeResult", "cost", "measure", "measure_probe", "train_probe"]

FIELDS = 4  # per side, of the last pooling
BATCH = 96


@dataclass(frozen=True)
class ProbeResult(Result):
    """Commitment by the estimates of a fresh probe, under every condition.

    Attributes:
        conditions: ``"clean"``, ``"noise"``, ``"half"``, ``"jpeg"`` -> the figures of every dimension. Their intervals
            cover the chance of the test images, not of training the probe.
        n_train: Generated images that the probe was trained on.
        steps: Batches of 96 that it was trained for.
    """

    conditions: dict[str, CommitmentResult]
    n_train: int
    steps: int


def cost(context: Context) -> int:
    """The probe's training."""
    return 0 if context.run is None else context.options.probe_steps


def measure(context: Context) -> ProbeResult | None:
    """Commitment by the estimates of a fresh probe; nothing without a run."""
    run, images = context.run, context.synthetic
    if run is None or not isinstance(images, Synthetic):
        return None
    return measure_probe(
        images.images,
        images.codes,
        context.fresh.images,
        context.fresh.codes,
        run.prior,
        steps=context.options.probe_steps,
        device=context.device,
        progress=context.stages["probe"],
    )


def measure_probe(
    images: NDArray[np.uint8],
    codes: NDArray[np.float32],
    test_images: NDArray[np.uint8],
    test_codes: NDArray[np.float32],
    prior: JointPrior,
    *,
    steps: int = 600,
    seed: int = 0,
    resamples: int = 1000,
    device: str | torch.device | None = "auto",
    progress: Progress | None = None,
) -> ProbeResult:
    """Train a probe on generated images, and measure on others how well it estimates the requested codes.

    Args:
        images: (N, H, H) uint8, generated, to train on.
        codes: (N, M) requested codes in their own units.
        test_images: (L, H, H) uint8, generated from other noise and codes.
        test_codes: (L, M) their requested codes.
        prior: The prior that the codes were drawn from.
        steps: Batches of 96 images to train for.
        seed: Of the probe's weights and batches, and of the noise.
        resamples: Draws of the bootstrap.
        device: Where the probe is trained.
        progress: Called with (steps done, steps).
    """
    probe = train_probe(images, codes, prior, steps=steps, seed=seed, device=device, progress=progress)
    rng = np.random.default_rng([seed, 1])
    discrete = prior.discrete.numpy()
    conditions = {
        name: measure_commitment(
            test_codes, probe(degrade(test_images, rng)), prior.names, discrete, resamples=resamples, seed=seed
        )
        for name, degrade in DEGRADATIONS.items()
    }
    return ProbeResult(conditions, len(images), steps)


class ProbeNetwork(nn.Module):
    """The utility classifier's convolutions, their last maps averaged over 4 x 4 fields, and a linear layer.

    Shapes: images (B, 1, H, W) in [-1, 1] -> (B, outputs).
    """

    def __init__(self, outputs: int, resolution: int) -> None:
        super().__init__()
        self.features = ClassifierNetwork(1, resolution).features
        self.head = nn.Linear(WIDTHS[-1] * FIELDS**2, outputs)

    def forward(self, images: Tensor) -> Tensor:
        """Outputs (B, K) of images (B, 1, H, W) in [-1, 1]."""
        outputs: Tensor = self.head(F.adaptive_avg_pool2d(self.features(images), FIELDS).flatten(1))
        return outputs


class _Columns:
    """Which outputs of the network stand for which code: one for a continuous code, one per value of a discrete one."""

    def __init__(self, prior: JointPrior) -> None:
        self.prior = prior
        discrete = prior.discrete.numpy()
        self.continuous = np.flatnonzero(~discrete)
        self.values: dict[int, Tensor] = {}
        self.places: dict[int, slice] = {}
        self.total = len(self.continuous)
        for j in np.flatnonzero(discrete).tolist():
            self.values[j] = torch.tensor(prior.marginal(prior.names[j]).values)
            self.places[j] = slice(self.total, self.total + len(self.values[j]))
            self.total += len(self.values[j])

    def loss(self, outputs: Tensor, codes: Tensor) -> Tensor:
        """Squared error of standardised codes, cross-entropy of values; mean over dimensions, about 1 at the start."""
        device = outputs.device
        wanted = self.prior.standardise(codes)[:, self.continuous].to(device)
        total = (outputs[:, : len(self.continuous)] - wanted).square().mean(dim=0).sum()
        for j, values in self.values.items():
            nearest = (codes[:, j, None] - values).abs().argmin(dim=1).to(device)
            total = total + F.cross_entropy(outputs[:, self.places[j]], nearest)
        return total / self.prior.dimensions

    def codes(self, outputs: Tensor) -> Tensor:
        """Codes (N, M) in their own units."""
        standardised = torch.zeros(len(outputs), self.prior.dimensions)
        standardised[:, self.continuous] = outputs[:, : len(self.continuous)]
        codes = self.prior.unstandardise(standardised)
        for j, values in self.values.items():
            codes[:, j] = values[outputs[:, self.places[j]].argmax(dim=1)]
        return codes


def train_probe(
    images: NDArray[np.uint8],
    codes: NDArray[np.float32],
    prior: JointPrior,
    *,
    steps: int = 600,
    seed: int = 0,
    device: str | torch.device | None = "auto",
    progress: Progress | None = None,
) -> Callable[[NDArray[np.uint8]], NDArray[np.float32]]:
    """Train a probe on generated images, every condition in equal shares, as the utility classifier is trained.

    Arguments are those of `measure_probe`. The same seed gives the same probe on the same machine.

    Returns:
        The probe: images (K, H, H) uint8 -> estimated codes (K, M) in their own units.

    Raises:
        SemirayError: If shapes don't fit.
    """
    check_images(images)
    if codes.shape != (len(images), prior.dimensions) or not len(images):
        raise SemirayError(f"{len(images)} images with codes {codes.shape}: expected (images, {prior.dimensions}).")
    columns, place = _Columns(prior), choose_device(device)
    with network_seed(seed):
        network = ProbeNetwork(columns.total, images.shape[1]).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    network.to(place)
    rng, targets = np.random.default_rng([seed, 0]), torch.from_numpy(codes)

    def loss() -> Tensor:
        chosen = rng.integers(len(images), size=BATCH)
        parts = np.array_split(chosen, len(DEGRADATIONS))
        seen = [degrade(images[part], rng) for part, degrade in zip(parts, DEGRADATIONS.values(), strict=True)]
        inputs = to_input(np.concatenate(seen), place)
        with fast_autocast(place):
            outputs = network(inputs)
        return columns.loss(outputs.float(), targets[torch.from_numpy(chosen)])

    fit(network, loss, steps=steps, progress=progress)
    return lambda images: columns.codes(network_outputs(network, images)).numpy()

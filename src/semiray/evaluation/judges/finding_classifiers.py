"""The classifier of findings: the utility classifier's network and recipe, with an output for each finding.

Unknown findings have no part in the loss, and images are drawn as they come, not evenly by class: so its probabilities
add up to rates. As the utility classifier, it is fixed beforehand, the same for synthetic and real images.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from semiray.devices import fast_autocast
from semiray.errors import SemirayError
from semiray.evaluation.judges.store import Schedule, train_networks
from semiray.evaluation.progress import Progress
from semiray.networks.classifier import (
    ClassifierNetwork,
    check_images,
    fit,
    network_outputs,
    network_seed,
    vary,
)
from semiray.networks.intensities import to_input

__all__ = ["FindingClassifier", "train_finding_classifiers"]

FindingClassifier = Callable[[NDArray[np.uint8]], NDArray[np.float32]]
"""Probabilities (N, K) of the findings of images (N, H, H)."""


def train_finding_classifiers(
    images: NDArray[np.uint8],
    findings: NDArray[np.float32],
    settings: Schedule,
    *,
    store: Path | None = None,
    device: torch.device,
    progress: Progress | None = None,
) -> list[FindingClassifier]:
    """Train a classifier of findings per seed, from the store where it has them.

    Args:
        images: (N, H, H) uint8.
        findings: (N, K) 1 present, 0 absent, NaN unknown.
        settings: seeds, steps, and images per batch.
        store: folder that keeps them; None keeps nothing.
        device: where they are trained.
        progress: called with (steps done, steps of all).

    Raises:
        SemirayError: If shapes don't fit, or a finding is never present or never absent.

    Examples:
        ``train_finding_classifiers(images, findings, UtilitySettings(), device=device)[0](others)``
    """
    check_images(images)
    if findings.ndim != 2 or len(findings) != len(images):
        raise SemirayError(
            f"{len(images)} images, but findings of shape {findings.shape}: one row per image is needed."
        )
    if any(not (findings[:, k] == state).any() for k in range(findings.shape[1]) for state in (0, 1)):
        raise SemirayError("A finding is never present, or never absent: it can't be learned.")

    def train(seed: int, report: Progress) -> ClassifierNetwork:
        return _train(images, findings, seed, settings, device, report)

    networks = train_networks(
        images,
        findings,
        findings.shape[1],
        settings,
        train,
        code=[Path(__file__)],
        store=store,
        device=device,
        progress=progress,
    )
    return [_reader(network) for network in networks]


def _train(
    images: NDArray[np.uint8],
    findings: NDArray[np.float32],
    seed: int,
    settings: Schedule,
    device: torch.device,
    progress: Progress,
) -> ClassifierNetwork:
    with network_seed(seed):
        network = ClassifierNetwork(findings.shape[1], images.shape[1])
    network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    rows = torch.from_numpy(np.flatnonzero(~np.isnan(findings).all(axis=1)))
    pixels, targets = torch.from_numpy(np.array(images)), torch.from_numpy(np.array(findings, np.float32))
    generator = torch.Generator().manual_seed(seed + 1)

    def loss() -> Tensor:
        chosen = rows[torch.randint(len(rows), (settings.batch,), generator=generator)]
        inputs, wanted = vary(to_input(pixels[chosen], device), generator), targets[chosen].to(device)
        with fast_autocast(device):
            logits = network(inputs)
        known = ~wanted.isnan()
        return F.binary_cross_entropy_with_logits(logits.float()[known], wanted[known])

    fit(network, loss, steps=settings.steps, progress=progress)
    return network


def _reader(network: ClassifierNetwork) -> FindingClassifier:
    return lambda images: np.asarray(torch.sigmoid(network_outputs(network, images)).numpy())

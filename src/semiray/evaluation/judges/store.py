"""Trained classifiers and predictions, kept on disk: an interrupted evaluation continues where it was."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from semiray.devices import bf16_is_fast
from semiray.errors import SemirayError
from semiray.evaluation.progress import Progress
from semiray.networks import classifier
from semiray.networks.classifier import Classifier, ClassifierNetwork, train_classifier
from semiray.training.checkpoints import load_tensors, misfit, save_tensors

__all__ = ["digest", "keep", "train_classifiers", "train_networks"]


class Schedule(Protocol):
    """How often classifiers are trained, with seeds 0, 1, ..., for how many batches of how many images."""

    @property
    def seeds(self) -> int: ...
    @property
    def steps(self) -> int: ...
    @property
    def batch(self) -> int: ...


def digest(*parts: NDArray[Any] | Path | str) -> str:
    """Hex digest of arrays, of the content of files, and of texts."""
    found = hashlib.sha256()
    for part in parts:
        if isinstance(part, np.ndarray):
            found.update(f"{part.dtype.str}{part.shape}".encode())
            found.update(np.ascontiguousarray(part).data)
        else:
            found.update(part.read_bytes() if isinstance(part, Path) else part.encode() + b"\0")
    return found.hexdigest()[:32]


def keep(
    folder: Path, key: str, make: Callable[[], dict[str, Tensor]], like: Mapping[str, Tensor] | None = None
) -> dict[str, Tensor]:
    """The tensors that a folder keeps under a key; made, and kept in one step, where they are absent or damaged.

    ``key`` is a `digest` of all that they depend on; names, shapes and kinds must be those of ``like``. Deleting the
    folder only costs time.
    """
    path = Path(folder) / f"{key}.safetensors"
    try:
        found = load_tensors(path)[0]
        if like is not None and (why := misfit(found, like)):
            raise SemirayError(why)
        return found
    except SemirayError:
        made = make()
        path.parent.mkdir(parents=True, exist_ok=True)
        save_tensors(path, made, {})
        return made


def train_classifiers(
    images: NDArray[np.uint8],
    labels: NDArray[np.int64],
    n_classes: int,
    settings: Schedule,
    *,
    store: Path | None = None,
    device: torch.device,
    progress: Progress | None = None,
) -> list[Classifier]:
    """A classifier per seed, as `train_classifier` trains it, from the store where it has them.

    The store is a folder; None keeps nothing. Progress is called with (steps done, steps of all).
    """

    def train(seed: int, report: Progress) -> ClassifierNetwork:
        how: dict[str, Any] = {"n_classes": n_classes, "steps": settings.steps, "batch": settings.batch}
        return train_classifier(images, labels, **how, seed=seed, device=device, progress=report).network

    networks = train_networks(images, labels, n_classes, settings, train, store=store, device=device, progress=progress)
    side = int(images.shape[1])
    return [Classifier(network, n_classes, side, len(images), seed) for seed, network in enumerate(networks)]


def train_networks(
    images: NDArray[np.uint8],
    targets: NDArray[Any],
    outputs: int,
    settings: Schedule,
    train: Callable[[int, Progress], ClassifierNetwork],
    *,
    code: Sequence[Path] = (),
    store: Path | None = None,
    device: torch.device,
    progress: Progress | None = None,
) -> list[ClassifierNetwork]:
    """A network per seed, in evaluation mode, from the store where it has them.

    ``train`` makes the one of a seed from images (N, H, H) and targets (N, ...), and reports its steps; ``code`` are
    the files, beside that of the network, in which it is written. Store and progress are those of `train_classifiers`.
    """
    steps, found = settings.steps, []
    for seed in range(settings.seeds):

        def report(done: int, _: int = 0, before: int = seed * steps) -> None:
            if progress is not None:
                progress(before + done, settings.seeds * steps)

        if store is None:
            network = train(seed, report)
        else:
            arithmetic = f"{torch.__version__} {torch.get_num_threads()} {device.type} {bf16_is_fast(device)}"
            recipe = f"{seed} {steps} {settings.batch} {arithmetic}"
            key = digest(images, targets, recipe, *code, Path(classifier.__file__))
            network = ClassifierNetwork(outputs, images.shape[1]).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
            make = lambda seed=seed, report=report: train(seed, report).state_dict()  # noqa: E731
            network.load_state_dict(keep(store, key, make, network.state_dict()))
        found.append(network.to(device).eval())
        report(steps)
    return found

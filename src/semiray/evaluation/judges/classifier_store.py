"""Trained classifiers, kept on disk: an interrupted evaluation continues, and those of real images serve every run."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from semiray.devices import choose_device
from semiray.errors import SemirayError
from semiray.evaluation.judges import classifier
from semiray.evaluation.judges.classifier import Classifier, ClassifierNetwork, train_classifier
from semiray.evaluation.options import UtilitySettings
from semiray.evaluation.progress import Progress
from semiray.training.checkpoints import load_tensors, save_tensors

__all__ = ["ClassifierStore", "train_classifiers"]


def train_classifiers(
    images: NDArray[np.uint8],
    labels: NDArray[np.int64],
    n_classes: int,
    settings: UtilitySettings,
    *,
    store: Path | None = None,
    device: str | torch.device | None = "auto",
    progress: Progress | None = None,
) -> list[Classifier]:
    """A classifier per seed, from the store where it has them.

    Args:
        images: (N, H, W) uint8.
        labels: (N,) integers in 0..n_classes-1.
        n_classes: Number of classes.
        settings: How they are trained.
        store: Folder that keeps them; None keeps nothing.
        device: Where they are trained.
        progress: Called with (steps done, steps of all).
    """
    kept, place = None if store is None else ClassifierStore(store), choose_device(device)
    total, found = settings.seeds * settings.steps, []
    for seed in range(settings.seeds):
        before = seed * settings.steps

        def report(done: int, _: int = 0, before: int = before) -> None:
            if progress is not None:
                progress(before + done, total)

        key = "" if kept is None else kept.key(images, labels, [seed, settings.steps, settings.batch], place)
        trained = None if kept is None else kept.read(key, n_classes, images.shape[1], len(images), seed, place)
        if trained is None:
            trained = train_classifier(
                images,
                labels,
                n_classes=n_classes,
                seed=seed,
                steps=settings.steps,
                batch=settings.batch,
                device=place,
                progress=report,
            )
            if kept is not None:
                kept.write(key, trained)
        report(settings.steps)
        found.append(trained)
    return found


class ClassifierStore:
    """A folder of ``<key>.safetensors`` files, each with the weights of one trained classifier.

    Args:
        folder: Made when first written to; deleting it only costs time.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = Path(folder)

    @staticmethod
    def key(
        images: NDArray[np.uint8],
        labels: NDArray[np.int64],
        settings: Sequence[int],
        device: torch.device = torch.device("cpu"),  # noqa: B008
    ) -> str:
        """Hex digest of all that a classifier depends on: pixels, labels, settings, code, torch, threads, device."""
        digest = hashlib.sha256()
        for part in (images, labels, np.asarray(settings, np.int64)):
            digest.update(f"{part.dtype.str}{part.shape}".encode())
            digest.update(np.ascontiguousarray(part).data)
        digest.update(Path(classifier.__file__).read_bytes())
        digest.update(f"{torch.__version__} {torch.get_num_threads()} {device.type}".encode())
        return digest.hexdigest()[:32]

    def read(
        self,
        key: str,
        n_classes: int,
        resolution: int,
        n_train: int,
        seed: int,
        device: torch.device = torch.device("cpu"),  # noqa: B008
    ) -> Classifier | None:
        """The classifier kept under a key, or None; a file that is damaged or doesn't fit counts as absent."""
        network = ClassifierNetwork(n_classes, resolution).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        try:
            network.load_state_dict(load_tensors(self.folder / f"{key}.safetensors")[0])
        except (SemirayError, RuntimeError):
            return None
        return Classifier(network.to(device).eval(), n_classes, resolution, n_train, seed)

    def write(self, key: str, trained: Classifier) -> None:
        """Keep a classifier under a key, in one step."""
        self.folder.mkdir(parents=True, exist_ok=True)
        save_tensors(self.folder / f"{key}.safetensors", trained.network.state_dict(), {})

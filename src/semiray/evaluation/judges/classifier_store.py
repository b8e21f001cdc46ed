"""Classifiers kept on disk: a judgement that was killed goes on, and those of TRTR serve every generator."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from semiray.errors import SemirayError
from semiray.evaluation.judges import classifier
from semiray.evaluation.judges.classifier import Classifier, ClassifierNetwork
from semiray.training.checkpoints import load_tensors, save_tensors

__all__ = ["ClassifierStore"]


class ClassifierStore:
    """A folder of ``<key>.safetensors`` files, each the weights of one trained classifier.

    Args:
        folder: Made when first written to; deleting it costs time only.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = Path(folder)

    @staticmethod
    def key(images: NDArray[np.uint8], labels: NDArray[np.int64], settings: Sequence[int]) -> str:
        """Hex digest of all that a classifier depends on: pixels, labels, settings, the recipe, torch, threads."""
        digest = hashlib.sha256()
        for part in (images, labels, np.asarray(settings, np.int64)):
            digest.update(f"{part.dtype.str}{part.shape}".encode())
            digest.update(np.ascontiguousarray(part).data)
        digest.update(Path(classifier.__file__).read_bytes())
        digest.update(f"{torch.__version__} {torch.get_num_threads()}".encode())
        return digest.hexdigest()[:32]

    def read(self, key: str, n_classes: int, resolution: int, n_train: int, seed: int) -> Classifier | None:
        """The classifier kept under a key, or None; a file that is damaged, or doesn't fit, counts as absent."""
        network = ClassifierNetwork(n_classes, resolution).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        try:
            network.load_state_dict(load_tensors(self.folder / f"{key}.safetensors")[0])
        except (SemirayError, RuntimeError):
            return None
        return Classifier(network.eval(), n_classes, resolution, n_train, seed)

    def write(self, key: str, trained: Classifier) -> None:
        """Keeps a classifier under a key, in one step."""
        self.folder.mkdir(parents=True, exist_ok=True)
        save_tensors(self.folder / f"{key}.safetensors", trained.network.state_dict(), {})

"""Predictions kept on disk: TRTR depends on the real images alone and need not be repeated for every generator."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from semiray.evaluation import classifier

__all__ = ["PredictionStore"]


class PredictionStore:
    """A folder of ``<key>.npy`` files, each the class probabilities (N, C) of one trained classifier.

    Args:
        folder: Made when first written to; deleting it costs time only.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = Path(folder)

    @staticmethod
    def key(
        images: NDArray[np.uint8], labels: NDArray[np.int64], test_images: NDArray[np.uint8], settings: Sequence[int]
    ) -> str:
        """Hex digest of all that predictions depend on: pixels, labels, settings, the recipe, torch, threads."""
        digest = hashlib.sha256()
        for part in (images, labels, test_images, np.asarray(settings, np.int64)):
            digest.update(f"{part.dtype.str}{part.shape}".encode())
            digest.update(np.ascontiguousarray(part).data)
        digest.update(Path(classifier.__file__).read_bytes())
        digest.update(f"{torch.__version__} {torch.get_num_threads()}".encode())
        return digest.hexdigest()[:32]

    def read(self, key: str, shape: tuple[int, int]) -> NDArray[np.float32] | None:
        """The probabilities kept under a key, or None; a file that can't be read, or doesn't fit, counts as absent."""
        try:
            kept = np.load(self.folder / f"{key}.npy", allow_pickle=False)
        except (OSError, ValueError, EOFError):
            return None
        return kept if kept.shape == shape and kept.dtype == np.float32 and bool(np.isfinite(kept).all()) else None

    def write(self, key: str, probabilities: NDArray[np.float32]) -> None:
        """Keeps probabilities under a key, in one step."""
        self.folder.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=self.folder, suffix=".tmp")
        with os.fdopen(handle, "wb") as file:
            np.save(file, probabilities, allow_pickle=False)
        Path(temporary).replace(self.folder / f"{key}.npy")

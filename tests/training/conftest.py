"""A small labelled set, made here, and settings that train on it within seconds."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from semiray.radiographs import RadiographSet
from semiray.settings import Settings, make_settings

TINY: dict[str, Any] = {
    "resolution": 32,
    "networks": {"width": 4, "widest": 16, "noise": 8, "embedding": 4},
    "optimisation": {"batch": 8, "bf16": False},
    "objectives": {"penalty_every": 2, "sort_directions": 4},
}


def blobs(count: int = 60, classes: tuple[str, ...] = ("dark", "bright"), seed: int = 0) -> RadiographSet:
    """Images (count, 32, 32) whose brightness is their class, one patient an image."""
    draws = np.random.default_rng(seed)
    labels = np.arange(count) % max(1, len(classes))
    images = draws.integers(0, 60, (count, 32, 32)) + 120 * labels[:, None, None]
    return RadiographSet(
        images=images.astype(np.uint8),
        labels=labels.astype(np.int64) if classes else np.full(count, -1),
        classes=classes,
        patients=np.array([f"p{i}" for i in range(count)]),
        keys=tuple(f"{i}.png" for i in range(count)),
        metadata=tuple({} for _ in range(count)),
        fingerprint=f"blobs-{count}-{seed}",
        skipped=(),
    )


@pytest.fixture
def data() -> RadiographSet:
    return blobs()


@pytest.fixture
def settings() -> Settings:
    return make_settings(TINY | {"images": 64})


@pytest.fixture
def tiny() -> dict[str, Any]:
    return TINY


@pytest.fixture
def make_blobs() -> Callable[..., RadiographSet]:
    return blobs

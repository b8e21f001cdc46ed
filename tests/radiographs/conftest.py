"""Small image sets made on the spot."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

Draw = Callable[..., Path]


@pytest.fixture
def draw() -> Draw:
    """Write a random but repeatable smooth grey picture; the same seed gives the same file."""

    def write(path: Path, seed: int = 0, size: tuple[int, int] = (24, 20)) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        coarse = np.random.default_rng(seed).integers(0, 256, (6, 6), dtype=np.uint8)
        Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC).save(path)
        return path

    return write


@pytest.fixture
def shared_data() -> Path:
    """Real radiographs, which aren't part of the project."""
    folder = Path(__file__).resolve().parents[2] / ".." / "shared" / "data"
    if not (folder / "kermany").is_dir() or not (folder / "hannover").is_dir():
        pytest.skip(f"the real radiographs aren't in {folder}")
    return folder.resolve()

"""Pictures that several tests of pixels compare."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image


@pytest.fixture(scope="session")
def pictures() -> Callable[[int, int, int], np.ndarray]:
    """Draw smooth random pictures (n, side, side), no two alike."""

    def draw(n: int, side: int, seed: int) -> np.ndarray:
        coarse = np.random.default_rng(seed).integers(0, 256, (n, 7, 7), dtype=np.uint8)
        return np.stack([np.asarray(Image.fromarray(c).resize((side, side), Image.Resampling.BICUBIC)) for c in coarse])

    return draw

"""Codes and series of phantoms for the tests of this room."""

from collections.abc import Callable

import numpy as np
import pytest
from scipy.stats import norm

from semiray.radiographs.phantom import render_phantoms

NAMES = [f"{factor}[{k}]" for factor in ("survival", "duration", "presentation", "texture") for k in range(5)]


def _draw_codes(n: int, seed: int = 0) -> np.ndarray:
    """Codes under a Gaussian copula with correlation 0.5 within each factor."""
    rng = np.random.default_rng(seed)
    scores = np.sqrt(0.5) * (rng.standard_normal((n, 4, 1)) + rng.standard_normal((n, 4, 5)))
    u = norm.cdf(scores)
    codes = np.concatenate([u[:, 0] > 0.5, -10 * np.log1p(-u[:, 1]), 2 * u[:, 2] - 1, 2 * u[:, 3] - 1], axis=1)
    return codes.astype(np.float32)


def _varied(name: str, values: list[float], label: int, n: int = 12, resolution: int = 64) -> list[np.ndarray]:
    """The same n patients, healthy in all else that could hide the effect, with one code at each of the values."""
    base = _draw_codes(n, seed=3)
    base[:, :5], base[:, 10:15] = 1, 0
    rendered = []
    for value in values:
        codes = base.copy()
        codes[:, NAMES.index(name)] = value
        images = render_phantoms(codes, np.full(n, label), resolution, seed=5)
        rendered.append(images.astype(np.float64))
    return rendered


@pytest.fixture(scope="session")
def draw_codes() -> Callable[..., np.ndarray]:
    """`draw_codes(n, seed)`: codes (n, 20)."""
    return _draw_codes


@pytest.fixture(scope="session")
def varied() -> Callable[..., list[np.ndarray]]:
    """`varied(name, values, label)`: the same patients with one code at each of the values."""
    return _varied

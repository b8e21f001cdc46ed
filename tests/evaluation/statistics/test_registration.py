import math
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.ndimage import affine_transform, gaussian_filter

from semiray.evaluation.statistics import registration
from semiray.evaluation.statistics.registration import FINEST, Registration, register

SIDE = 64
Images = NDArray[np.uint8]


def smooth(count: int, side: int = SIDE, seed: int = 0) -> Images:
    """Smooth fields that stay between 50 and 200 grey levels."""
    rng = np.random.default_rng(seed)
    fields = np.stack([gaussian_filter(x, side / 12, mode="reflect") for x in rng.normal(size=(count, side, side))])
    fields = fields / np.abs(fields).max(axis=(1, 2), keepdims=True)
    return (125 + 75 * fields).round().astype(np.uint8)


def warped(images: Images, *, zoom: float = 1.0, angle: float = 0.0, shift: float = 0.0) -> NDArray[np.float64]:
    """Each image turned, zoomed and shifted by a part of its side, by splines."""
    side = images.shape[1]
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]]) * zoom
    middle = np.full(2, (side - 1) / 2)
    offset = middle - turn @ middle + shift * side
    return np.stack([affine_transform(x.astype(np.float64), turn, offset, mode="nearest") for x in images])


def grey(pixels: NDArray[np.float64]) -> Images:
    return np.asarray(pixels.round().clip(0, 255), np.uint8)


def share(found: Registration) -> float:
    return float(found.left.sum() / found.first.sum())


@pytest.mark.parametrize(
    ("how", "gain"),
    [
        ({}, 1.3),
        ({"shift": 0.08}, 0.8),
        ({"zoom": 0.8}, 1.0),
        ({"zoom": 1.25, "angle": 0.1}, 1.2),
        ({"angle": -0.2, "shift": -0.05}, 0.7),
    ],
)
def test_exposure_and_framing_are_fitted_away(how: Any, gain: float) -> None:
    before = smooth(3)
    after = grey((warped(before, **how) - 125) * gain + 135)
    assert share(register(before, after)) < 0.05
    assert share(register(after, before)) < 0.05


def test_a_local_opacity_is_left_whatever_exposure_and_framing_are() -> None:
    before = smooth(3)
    y, x = np.mgrid[:SIDE, :SIDE]
    spot = 45.0 * ((y - 40) ** 2 + (x - 20) ** 2 < 49)
    found = register(before, grey(before + spot))
    assert share(found) > 0.8
    assert np.nanmean(found.rest[:, spot > 0]) > 30
    assert np.nanmean(found.rest[:, spot == 0]) < 2
    moved = register(before, grey((warped(grey(before + spot), shift=0.05) - 125) * 0.9 + 120))
    assert moved.left.mean() > 0.7 * found.left.mean()


@pytest.mark.parametrize("side", [16, 32, 64])
def test_it_never_makes_a_difference_larger_and_has_no_direction(side: int) -> None:
    rng = np.random.default_rng(1)
    noise = rng.integers(0, 256, (4, side, side), dtype=np.uint8)
    before = np.concatenate([smooth(8, side), noise, np.full((2, side, side), 90, np.uint8)])
    after = np.concatenate([smooth(8, side, seed=5), noise[::-1], smooth(2, side)])
    there, back = register(before, after), register(after, before)
    assert (there.left <= there.first).all()
    assert there.left == pytest.approx(back.left, abs=1e-3)
    assert there.first == pytest.approx(np.abs(after - before.astype(float)).mean(axis=(1, 2)), abs=1e-3)


def test_the_same_image_twice_leaves_nothing_and_a_paler_one_only_its_rounding() -> None:
    before = smooth(3)
    assert register(before, before).left == pytest.approx(0, abs=1e-6)
    assert register(before, grey(before * 0.6)).left.max() < 0.5


def test_a_flat_image_matches_no_other() -> None:
    flat = np.full((2, SIDE, SIDE), 125, np.uint8)
    found = register(smooth(2), flat)
    assert (found.left > 0.3 * np.abs(smooth(2) - 125.0).mean()).all()


def test_large_images_are_compared_at_the_finest_side_and_pairs_do_not_depend_on_their_neighbours(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before, after = smooth(5, 32), smooth(5, 32, seed=9)
    alone = register(before[4:], after[4:])
    monkeypatch.setattr(registration, "AT_ONCE", 3)
    assert register(before, after).left[4] == pytest.approx(alone.left[0], rel=1e-3)
    large = register(*(x[:2].repeat(4, axis=1).repeat(4, axis=2) for x in (before, after)))
    assert large.fitted.shape == large.rest.shape == large.before.shape == (2, FINEST, FINEST)


def test_where_there_is_no_source_there_is_no_figure() -> None:
    before = smooth(2)
    found = register(before, grey(warped(before, shift=0.15)))
    unknown = np.isnan(found.fitted)
    assert 0 < unknown.mean() < 0.5
    assert (unknown == np.isnan(found.rest)).all()
    assert found.left == pytest.approx(np.nanmean(found.rest, axis=(1, 2)), abs=1e-3)


def test_it_computes_on_the_device(
    fake_cuda: Callable[[], AbstractContextManager[torch.device]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registration, "STEPS", 1)
    monkeypatch.setattr(registration, "ZOOMS", (0.7,))
    images = smooth(2, 16)
    with fake_cuda() as device:
        pair = [registration._scaled(images, 16, device), registration._scaled(images, 16, device)]
        assert {x.device.type for x in registration._fit([pair, pair])} == {device.type}

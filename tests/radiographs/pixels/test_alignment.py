from __future__ import annotations

import numpy as np
import pytest

from semiray.errors import SemirayError
from semiray.radiographs.pixels.alignment import nearest_aligned


@pytest.fixture
def images():
    coarse = np.random.default_rng(0).integers(0, 200, (12, 8, 8), dtype=np.uint8)
    return np.kron(coarse, np.ones((8, 8), np.uint8))


def test_exposure_mirroring_and_shifts_do_not_count(images):
    shifted = np.pad(images, ((0, 0), (2, 2), (2, 2)), mode="edge")[:, 4:68, 1:65]
    for changed in (images, images + 20, images[:, :, ::-1], shifted):
        nearest, distance = nearest_aligned(changed, images)
        assert nearest.tolist() == list(range(12))
        assert distance.max() < 2.5
    assert (nearest_aligned(images, images)[1] == 0).all()


def test_pairs_can_be_passed_over(images):
    nearest, distance = nearest_aligned(images, images, np.eye(12, dtype=bool))
    assert (nearest != np.arange(12)).all()
    assert (distance > 5).all()
    assert np.isinf(nearest_aligned(images, images, np.ones((12, 12), bool))[1]).all()


def test_progress_counts_the_views(images):
    seen = []
    nearest_aligned(images, images, progress=lambda *at: seen.append(at))
    assert seen == [(i, 98) for i in range(1, 99)]  # 7 x 7 shifts, mirrored or not


@pytest.mark.parametrize("side", [8, 32])
def test_other_sizes_are_explained(images, side):
    small = np.zeros((2, side, side), np.uint8)
    with pytest.raises(SemirayError, match="16 px or more"):
        nearest_aligned(small if side == 8 else images, small)

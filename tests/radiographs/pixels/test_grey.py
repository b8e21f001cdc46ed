from __future__ import annotations

import numpy as np
import pytest

from semiray.errors import SemirayError
from semiray.radiographs.pixels.grey import Decoded, UnreadableImageError, check_size, scale_range


def test_an_unreadable_image_is_an_error_for_people():
    assert issubclass(UnreadableImageError, SemirayError)
    assert Decoded(np.zeros((2, 2), np.float32), "8-bit grey").transparent == 0


@pytest.mark.parametrize(
    ("size", "reason"),
    [
        ((30_001, 20_000), "30,001 x 20,000 px: a side of more than 30,000 pixels"),
        ((20_000, 20_000), "20,000 x 20,000 px: more than 100 million pixels"),
        ((2_000, 99), "2,000 x 99 px: more than 20 times as long as wide"),
        ((0, 5), "more than 20 times"),
    ],
)
def test_sizes_that_no_radiograph_has_are_refused(size, reason):
    with pytest.raises(UnreadableImageError, match=reason):
        check_size(*size)
    check_size(10_000, 10_000)
    check_size(2_000, 100)


@pytest.mark.parametrize(
    ("stored", "shown"),
    [
        (np.array([[0, 7, 200]], np.uint16), [0, 7, 200]),  # 8 bits in 16 are kept
        (np.array([[0, 257, 65535]], np.uint16), [0, 1, 255]),  # 8 bits that were widened
        (np.array([[1000, 1500, 2000]], np.uint16), [0, 127.5, 255]),
        (np.array([[0.0, 0.25, 1.0]]), [0, 63.75, 255]),
        (np.array([[np.nan, 0.0, 1.0]]), [0, 0, 255]),
        (np.array([[300, 300]], np.uint16), [127.5, 127.5]),
    ],
)
def test_values_are_scaled_by_the_range_in_use(stored, shown):
    grey = scale_range(stored)
    assert grey.dtype == np.float32
    np.testing.assert_allclose(grey, [shown], atol=1e-4)


def test_ranges_are_scaled_without_their_outliers():
    values = np.random.default_rng(2).integers(1000, 3000, (700, 700)).astype(np.uint16)
    values[5, 5] = 65535
    scaled = scale_range(values)
    assert scaled.dtype == np.float32
    np.testing.assert_allclose(scaled[600:], np.clip((values[600:] - 1002.0) / 1995, 0, 1) * 255, atol=0.5)
    np.testing.assert_array_equal(scale_range(np.full((3, 3), 4000, np.uint16)), 127.5)
    np.testing.assert_array_equal(scale_range(np.full((3, 3), np.nan, np.float32)), 127.5)

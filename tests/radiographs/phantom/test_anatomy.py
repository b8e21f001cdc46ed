"""Organs: where they are, and that patients differ."""

import numpy as np

from semiray.radiographs.phantom import render_phantoms


def test_patients_differ_from_each_other_under_the_same_codes(draw_codes):
    images = render_phantoms(np.repeat(draw_codes(1), 6, axis=0), [0] * 6, 32, seed=0).astype(float)
    for i in range(5):
        assert np.abs(images[i] - images[i + 1]).mean() > 3


def test_lungs_are_dark_and_the_mediastinum_is_bright(draw_codes):
    images = render_phantoms(draw_codes(30), np.zeros(30, dtype=int), 64, seed=0).astype(float)
    lungs = images[:, 18:34][:, :, np.r_[16:24, 40:48]].mean()
    assert images[:, 18:34, 30:34].mean() > lungs + 60
    assert images[:, 54:, 24:40].mean() > lungs + 60

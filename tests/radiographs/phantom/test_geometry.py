"""The closed forms, against sums over points along each ray."""

import numpy as np
import pytest

from semiray.radiographs.phantom import geometry


def solid(rows: list[tuple[float, ...]], pose: np.ndarray, points: np.ndarray) -> np.ndarray:
    """The quadratic form of each ellipsoid (K,) at points (3, ...), from its definition rather than its projection."""
    forms = []
    for x, y, z, a, b, c, angle in rows:
        offset = np.tensordot(pose.T, points, axes=1) - np.array([x, y, z]).reshape(3, *[1] * (points.ndim - 1))
        cosine, sine = np.cos(angle), np.sin(angle)
        along, across = cosine * offset[0] + sine * offset[1], -sine * offset[0] + cosine * offset[1]
        forms.append((along / a) ** 2 + (across / b) ** 2 + (offset[2] / c) ** 2)
    return np.stack(forms)


ROWS = [
    (-2.0, 1.0, 0.5, 6.0, 9.0, 7.0, 0.3),
    (1.0, 3.0, -1.5, 5.0, 3.5, 4.0, 0.7),
    (-3.0, 6.0, 2.0, 7.0, 4.0, 2.5, -0.4),
    (4.0, -4.0, 0.0, 3.0, 0.4, 0.5, -0.9),
]
BODY_NAMES = ["body", "first", "second", "thin"]
DEPTHS = np.linspace(-15, 15, 3001)


@pytest.fixture(scope="module")
def scene():
    """Two patients of the same solids in different poses on different screens; the second is the one that counts."""
    poses = geometry.pose_matrices(roll=np.array([0.0, 0.1]), yaw=np.array([0.3, -0.2]))
    screen = geometry.Screen(24, [36.0, 28.0], x=[1.0, 0.3], y=[2.0, -0.2])
    table = geometry.project(np.array([ROWS, ROWS]), poses)
    z, y, x = np.meshgrid(DEPTHS, screen.y[1], screen.x[1], indexing="ij")
    return screen, geometry.Rays(screen, BODY_NAMES, table), table, solid(ROWS, poses[1], np.stack([x, y, z]))


def along_rays(indicator: np.ndarray) -> np.ndarray:
    return indicator.sum(axis=0) * (DEPTHS[1] - DEPTHS[0])


def test_chords_of_turned_ellipsoids_equal_numerical_integrals(scene):
    screen, rays, _, forms = scene
    for name, form in zip(BODY_NAMES, forms, strict=True):
        canvas = np.zeros((2, screen.pixels, screen.pixels), dtype=np.float32)
        rays.add_chord(canvas, name, np.array([0.0, 1.5]))
        assert np.abs(canvas[0]).max() == 0
        assert np.abs(canvas[1] - 1.5 * along_rays(form <= 1)).max() < 0.03
        soft = np.zeros_like(canvas)
        rays.add_soft_chord(soft, name, 2.0)
        assert np.abs(soft[1] - 2.0 * along_rays(np.maximum(1 - form, 0))).max() < 0.01


def test_many_small_ellipsoids_at_once_equal_one_by_one(scene):
    screen, rays, table, _ = scene
    together, one_by_one = np.zeros((2, 2, screen.pixels, screen.pixels), dtype=np.float32)
    screen.add_chords(together, table)
    for name in BODY_NAMES:
        rays.add_chord(one_by_one, name, 1.0)
    assert np.abs(together - one_by_one).max() < 2e-3


def test_carving_organs_out_of_a_body_equals_numerical_integration(scene):
    _, rays, _, forms = scene
    body, *organs = forms[:3] <= 1
    hit = np.logical_or(*organs)
    between = np.maximum.accumulate(hit, axis=0) & np.maximum.accumulate(hit[::-1], axis=0)[::-1]
    expected = along_rays(body & ~between)
    window = rays.window("body")
    assert np.abs(rays.carved("body", ["first", "second"])[1] - expected[window]).max() < 0.05
    assert np.abs(rays.carved("body", [])[1] - along_rays(body)[window]).max() < 0.03


def test_slab_integral_is_the_antiderivative_of_the_slabs():
    w = np.linspace(-3, 9, 12001)
    filled = ((w >= 0) & (w < 6) & (w % 1 < 0.4)).astype(float)
    expected = np.concatenate([[0], np.cumsum((filled[1:] + filled[:-1]) / 2 * np.diff(w))])
    assert np.abs(geometry.slab_integral(w.astype(np.float32), 6, 0.4) - expected).max() < 2e-3

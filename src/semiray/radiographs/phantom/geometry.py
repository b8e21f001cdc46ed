"""Line integrals of parallel rays in closed form, which makes the phantom exact and fast.

The rays run along z. An ellipsoid behaves like a Gaussian: with its "covariance" ``C = R diag(a^2, b^2, c^2) R^T``, a
ray at offset d = (dx, dy) from its centre meets it where ``d^T C_xy^-1 d <= 1``; the chord's middle is the conditional
mean of z given d, and its half length the conditional deviation times ``sqrt(1 - d^T C_xy^-1 d)``.

All functions work on N patients at once, in float32; N comes first in every shape. A patient's results don't depend on
the batch: windows are shared by the batch, but contain every ray that an ellipsoid touches.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = [
    "ONE",
    "ZERO",
    "Array",
    "Floats",
    "Rays",
    "Screen",
    "Window",
    "per_image",
    "pose_matrices",
    "project",
    "slab_integral",
]

Array = NDArray[np.float32]
Floats = NDArray[np.float64]
Window = tuple[slice, slice]
ZERO, ONE, FAR = np.float32(0.0), np.float32(1.0), np.float32(1e6)


def per_image(values: ArrayLike) -> Array:
    """Reshape numbers (N,) or one number so that they scale images (N, H, W)."""
    return np.asarray(values, dtype=np.float32).reshape(-1, 1, 1)


def pose_matrices(roll: Floats, yaw: Floats) -> Floats:
    """Return rotations (N, 3, 3): ``yaw`` about the body's axis, then ``roll`` in the image plane (radians)."""
    cr, sr, cy, sy = np.cos(roll), np.sin(roll), np.cos(yaw), np.sin(yaw)
    nil = np.zeros_like(cr)
    rows = ((cr * cy, -sr, cr * sy), (sr * cy, cr, sr * sy), (-sy, nil, cy))
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)


def project(solids: Floats, poses: Floats) -> Floats:
    """Project ellipsoids (N, K, 7): x, y, z, a, b, c, angle in the patient's frame (cm, radians in the x-y plane).

    Returns:
        (N, K, 11): the centre x, y, z; the silhouette's sxx, sxy, syy (sxx dx^2 + 2 sxy dx dy + syy dy^2 <= 1); half
        the longest chord; the slopes by x and y of the plane that holds the chords' middles; the reach in x and y.
    """
    frame = poses[:, None]  # (N, 1, 3, 3)
    x, y, z, a, b, c, angle = np.moveaxis(solids, -1, 0)
    cosine, sine = np.cos(angle)[..., None], np.sin(angle)[..., None]
    first = cosine * frame[..., 0] + sine * frame[..., 1]  # (N, K, 3): where each ellipsoid's own axes point
    second = cosine * frame[..., 1] - sine * frame[..., 0]
    third = frame[..., 2]
    centre = x[..., None] * frame[..., 0] + y[..., None] * frame[..., 1] + z[..., None] * third
    a2, b2, c2 = a * a, b * b, c * c

    def covariance(i: int, j: int) -> Floats:
        result: Floats = a2 * first[..., i] * first[..., j]
        result += b2 * second[..., i] * second[..., j]
        result += c2 * third[..., i] * third[..., j]
        return result

    cxx, cxy, cyy, cxz, cyz = (covariance(*ij) for ij in ((0, 0), (0, 1), (1, 1), (0, 2), (1, 2)))
    area2 = cxx * cyy - cxy**2
    sxx, sxy, syy = cyy / area2, -cxy / area2, cxx / area2
    slopes = (cxz * sxx + cyz * sxy, cxz * sxy + cyz * syy)
    half = np.sqrt(a2 * b2 * c2 / area2)
    return np.stack([*np.moveaxis(centre, -1, 0), sxx, sxy, syy, half, *slopes, np.sqrt(cxx), np.sqrt(cyy)], axis=-1)


class Screen:
    """The detector's sample points: ``side`` cm around (x, y), all (N,); ``pixels`` per side; y points down."""

    def __init__(self, pixels: int, side: ArrayLike, x: ArrayLike, y: ArrayLike) -> None:
        width = np.asarray(side, dtype=np.float64)
        self.pixels, self.step = pixels, width / pixels  # (N,)
        self.corner: Floats = np.stack([np.asarray(x) - width / 2, np.asarray(y) - width / 2], axis=1)  # (N, 2)
        offsets = (np.arange(pixels) + 0.5) * self.step[:, None]
        self.x: Array = (offsets + self.corner[:, :1]).astype(np.float32)  # (N, pixels)
        self.y: Array = (offsets + self.corner[:, 1:]).astype(np.float32)

    def __len__(self) -> int:
        return len(self.step)

    def stamps(self, table: Floats, owner: NDArray[np.int64], margin: float = 1.0) -> tuple[list[Window], Array]:
        """Compute windows of one size and their depth for many small ellipsoids (K, 11), each of image ``owner`` (K,).

        Returns:
            K windows that contain the silhouettes enlarged by ``margin``, and ``Rays.depth`` within each (K, n, n).
        """
        t, step = table.astype(np.float32), self.step[owner][:, None]
        n = min(int(2.0 * margin * float((table[:, 9:11] / step).max())) + 2, self.pixels)
        corners = ((table[:, :2] - self.corner[owner]) / step - n / 2).astype(np.int64)
        corners = np.minimum(np.maximum(corners, 0), self.pixels - n)
        span, image = np.arange(n), owner[:, None]
        dx = self.x[image, corners[:, :1] + span] - t[:, :1]
        dy = self.y[image, corners[:, 1:] + span] - t[:, 1:2]
        inside: Array = (dy * t[:, 4:5] * np.float32(-2.0))[:, :, None] * dx[:, None, :]
        inside -= (dx * dx * t[:, 3:4])[:, None, :]
        inside += (ONE - dy * dy * t[:, 5:6])[:, :, None]
        return [(slice(y, y + n), slice(x, x + n)) for x, y in corners.tolist()], inside

    def add_chords(self, canvas: Array, table: Floats) -> None:
        """Add the chord lengths (cm) through many small ellipsoids (N, K, 11) to ``canvas``, in place."""
        owner = np.repeat(np.arange(len(table)), table.shape[1])
        flat = table.reshape(-1, table.shape[2])
        windows, chords = self.stamps(flat, owner)
        np.maximum(chords, ZERO, out=chords)
        np.sqrt(chords, out=chords)
        chords *= per_image(2.0 * flat[:, 6])
        for image, window, chord in zip(owner.tolist(), windows, chords, strict=True):
            canvas[image][window] += chord


class Rays:
    """All rays of a screen through named ellipsoids; terms that vary along one axis only are computed once."""

    def __init__(self, screen: Screen, names: Sequence[str], table: Floats) -> None:
        self._index = {name: k for k, name in enumerate(names)}
        fields = np.moveaxis(table, -1, 0).astype(np.float32)[..., None]  # (11, N, K, 1)
        x, y, z, sxx, sxy, syy, self._half, slope_x, slope_y, _, _ = fields
        dx, dy = screen.x[:, None] - x, screen.y[:, None] - y  # (N, K, pixels)
        self._dy, self._cross = dy, dx * (np.float32(-2.0) * sxy)
        self._across, self._down = dx * dx * -sxx, ONE - dy * dy * syy
        self._middle_across, self._middle_down = dx * slope_x + z, dy * slope_y
        corner, step = screen.corner[:, None], screen.step[:, None, None]
        low = np.maximum((table[..., :2] - table[..., 9:] - corner) / step, 0.0).astype(np.int64).min(axis=0)
        high = np.maximum((table[..., :2] + table[..., 9:] - corner) / step, -1.0).astype(np.int64).max(axis=0) + 1
        low, high = np.minimum(low, screen.pixels), np.minimum(high, screen.pixels)
        self._windows: list[Window] = [
            (slice(top, max(bottom, top)), slice(left, max(right, left)))
            for (left, top), (right, bottom) in zip(low.tolist(), high.tolist(), strict=True)
        ]

    def window(self, name: str) -> Window:
        """Return the (rows, columns) that contain the silhouette in every image."""
        return self._windows[self._index[name]]

    def depth(self, name: str, window: Window) -> Array:
        """``1 - d^T C_xy^-1 d`` (N, h, w): 1 at the silhouette's centre, 0 on its edge, negative outside."""
        k, (rows, columns) = self._index[name], window
        inside: Array = self._dy[:, k, rows, None] * self._cross[:, k, None, columns]
        inside += self._across[:, k, None, columns]
        inside += self._down[:, k, rows, None]
        return inside

    def half_chord(self, name: str, window: Window) -> Array:
        """Return half the length (cm) of each ray inside the ellipsoid."""
        half = self.depth(name, window)
        np.maximum(half, ZERO, out=half)
        np.sqrt(half, out=half)
        half *= self._half[:, self._index[name], :, None]
        return half

    def middle(self, name: str, window: Window) -> Array:
        """Return the z (cm) of the middle of each ray's chord."""
        k, (rows, columns) = self._index[name], window
        plane: Array = self._middle_down[:, k, rows, None] + self._middle_across[:, k, None, columns]
        return plane

    def add_chord(self, canvas: Array, name: str, weight: ArrayLike) -> None:
        """Add ``weight``, (N,) or one, times the chord length (cm) to ``canvas``, in place."""
        window = self.window(name)
        half = self.half_chord(name, window)
        half *= per_image(weight) * np.float32(2.0)
        canvas[:, *window] += half

    def add_soft_chord(self, canvas: Array, name: str, weight: ArrayLike) -> None:
        """Add the integral of a density that falls from ``weight``, (N,) or one, at the centre to 0 on the surface.

        With density weight (1 - r^2), r^2 the ellipsoid's quadratic form, the integral is 4/3 half depth^(3/2) weight.
        """
        window = self.window(name)
        depth = self.depth(name, window)
        np.maximum(depth, ZERO, out=depth)
        depth *= np.sqrt(depth)
        depth *= per_image(weight) * np.float32(4.0 / 3.0) * self._half[:, self._index[name], :, None]
        canvas[:, *window] += depth

    def carved(self, body: str, organs: Sequence[str]) -> Array:
        """Return the length (cm) of each ray, in the body's window, inside ``body`` and outside the organs.

        The space between two organs counts as organ, so that at most two pieces of a ray remain: before and behind.
        """
        window = self.window(body)
        half, middle = self.half_chord(body, window), self.middle(body, window)
        start, stop = middle - half, middle + half
        first, last = np.full_like(half, FAR), np.full_like(half, -FAR)
        for organ in organs:
            shared, local = _overlap(window, self.window(organ))
            depth = self.depth(organ, shared)
            # Rays that miss the organ get an empty interval: its begin is beyond its end.
            missed = depth < ZERO
            np.maximum(depth, ZERO, out=depth)
            np.sqrt(depth, out=depth)
            depth *= self._half[:, self._index[organ], :, None]
            np.copyto(depth, -FAR, where=missed)
            centre = self.middle(organ, shared)
            np.minimum(first[:, *local], centre - depth, out=first[:, *local])
            centre += depth
            np.maximum(last[:, *local], centre, out=last[:, *local])
        before: Array = np.minimum(first, stop)
        before -= start
        np.maximum(before, ZERO, out=before)
        np.maximum(last, start, out=last)
        stop -= last
        np.maximum(stop, ZERO, out=stop)
        stop *= first < FAR / 2  # untouched rays are counted once
        before += stop
        return before


def _overlap(outer: Window, inner: Window) -> tuple[Window, Window]:
    """The intersection of two windows, on the screen and within the first."""
    spans = []
    for a, b in zip(outer, inner, strict=True):
        start = min(max(a.start, b.start), a.stop)
        spans.append((start, max(min(a.stop, b.stop), start), a.start))
    (top, bottom, above), (left, right, aside) = spans
    local = (slice(top - above, bottom - above), slice(left - aside, right - aside))
    return (slice(top, bottom), slice(left, right)), local


def slab_integral(w: Array, count: int, thickness: float) -> Array:
    """Return the antiderivative over w of the indicator of [k, k + thickness], 0 <= k < count; overwrites ``w``."""
    np.maximum(w, ZERO, out=w)
    np.minimum(w, np.float32(count), out=w)
    whole: Array = np.floor(w)
    w -= whole
    np.minimum(w, np.float32(thickness), out=w)
    whole *= np.float32(thickness)
    whole += w
    return whole

"""Closed-form line integrals of parallel rays: what makes the phantom exact and fast.

The rays run along z. An ellipsoid behaves like a Gaussian: with its "covariance" ``C = R diag(a^2, b^2, c^2) R^T``, a
ray at offset d = (dx, dy) from its centre meets it where ``d^T C_xy^-1 d <= 1``; the chord's middle is the conditional
mean of z given d, and its half length the conditional deviation times ``sqrt(1 - d^T C_xy^-1 d)``.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["Array", "Rays", "Screen", "Window", "pose_matrix", "project", "slab_integral"]

Array = NDArray[np.float32]
Window = tuple[slice, slice]
ZERO, ONE, FAR = np.float32(0.0), np.float32(1.0), np.float32(1e6)


def pose_matrix(roll: float, yaw: float) -> NDArray[np.float64]:
    """Rotation (3, 3) of the patient: ``yaw`` about the body's axis, then ``roll`` in the image plane (radians)."""
    cr, sr, cy, sy = np.cos(roll), np.sin(roll), np.cos(yaw), np.sin(yaw)
    turned = np.array([[cy, 0.0, sy], [0.0, 1.0, 0.0], [-sy, 0.0, cy]])
    rolled = np.array([[cr, -sr, 0.0], [sr, cr, 0.0], [0.0, 0.0, 1.0]])
    return np.asarray(rolled @ turned, dtype=np.float64)


def project(rows: Sequence[Sequence[float]], pose: NDArray[np.float64]) -> NDArray[np.float64]:
    """Project ellipsoids (K, 7): x, y, z, a, b, c, angle in the patient's frame (cm, radians in the x-y plane).

    Returns:
        (K, 11): the centre x, y, z; the silhouette's sxx, sxy, syy (sxx dx^2 + 2 sxy dx dy + syy dy^2 <= 1); half the
        longest chord; the slopes by x and y of the plane that holds the chords' middles; the reach in x and y.
    """
    table = np.asarray(rows, dtype=np.float64)
    centre = table[:, :3] @ pose.T
    cosine, sine = np.cos(table[:, 6, None]), np.sin(table[:, 6, None])
    first = cosine * pose[:, 0] + sine * pose[:, 1]  # (K, 3): where each ellipsoid's own axes point
    second = cosine * pose[:, 1] - sine * pose[:, 0]
    third = np.broadcast_to(pose[:, 2], first.shape)
    a2, b2, c2 = (table[:, 3:6] ** 2).T

    def covariance(i: int, j: int) -> NDArray[np.float64]:
        return np.asarray(
            a2 * first[:, i] * first[:, j] + b2 * second[:, i] * second[:, j] + c2 * third[:, i] * third[:, j]
        )

    cxx, cxy, cyy, cxz, cyz = (covariance(*ij) for ij in ((0, 0), (0, 1), (1, 1), (0, 2), (1, 2)))
    area2 = cxx * cyy - cxy**2
    sxx, sxy, syy = cyy / area2, -cxy / area2, cxx / area2
    return np.stack(
        [
            *centre.T,
            sxx,
            sxy,
            syy,
            np.sqrt(a2 * b2 * c2 / area2),
            cxz * sxx + cyz * sxy,
            cxz * sxy + cyz * syy,
            np.sqrt(cxx),
            np.sqrt(cyy),
        ],
        axis=1,
    )


class Screen:
    """The detector's sample points: ``side`` centimetres a side around (x, y), ``pixels`` a side; y points down."""

    def __init__(self, pixels: int, side: float, x: float = 0.0, y: float = 0.0) -> None:
        self.pixels, self.step = pixels, side / pixels
        self.corner = np.array([x, y]) - side / 2
        offsets = (np.arange(pixels) + 0.5) * self.step
        self.x: Array = (offsets + self.corner[0]).astype(np.float32)
        self.y: Array = (offsets + self.corner[1]).astype(np.float32)

    def stamps(self, table: NDArray[np.float64], margin: float = 1.0) -> tuple[list[Window], Array]:
        """Many small projected ellipsoids at once: windows of one size, and ``Rays.depth`` within each (K, n, n)."""
        t = table.astype(np.float32)
        n = min(int(2.0 * margin * float(table[:, 9:11].max()) / self.step) + 2, self.pixels)
        corners = ((table[:, :2] - self.corner) / self.step - n / 2).astype(np.int64)
        corners = np.minimum(np.maximum(corners, 0), self.pixels - n)
        span = np.arange(n)
        dx = self.x[corners[:, :1] + span] - t[:, :1]
        dy = self.y[corners[:, 1:] + span] - t[:, 1:2]
        inside: Array = (dy * t[:, 4:5] * np.float32(-2.0))[:, :, None] * dx[:, None, :]
        inside -= (dx * dx * t[:, 3:4])[:, None, :]
        inside += (ONE - dy * dy * t[:, 5:6])[:, :, None]
        return [(slice(y, y + n), slice(x, x + n)) for x, y in corners.tolist()], inside

    def add_chords(self, canvas: Array, table: NDArray[np.float64]) -> None:
        """Add the chord lengths (cm) through many small ellipsoids to ``canvas``, in place."""
        windows, chords = self.stamps(table)
        np.maximum(chords, ZERO, out=chords)
        np.sqrt(chords, out=chords)
        chords *= (2.0 * table[:, 6]).astype(np.float32)[:, None, None]
        for window, chord in zip(windows, chords, strict=True):
            canvas[window] += chord


class Rays:
    """All rays of a screen through named ellipsoids; what varies along one axis only is worked out once, for all."""

    def __init__(self, screen: Screen, names: Sequence[str], table: NDArray[np.float64]) -> None:
        self._index = {name: k for k, name in enumerate(names)}
        x, y, z, sxx, sxy, syy, _, slope_x, slope_y, _, _ = table.T.astype(np.float32)[:, :, None]
        dx, dy = screen.x - x, screen.y - y
        self._dy, self._cross = dy, dx * (np.float32(-2.0) * sxy)
        self._across, self._down = dx * dx * -sxx, (ONE - dy * dy * syy)[:, :, None]
        self._middle_across, self._middle_down = dx * slope_x + z, (dy * slope_y)[:, :, None]
        self._half: list[float] = table[:, 6].tolist()
        low = np.maximum((table[:, :2] - table[:, 9:] - screen.corner) / screen.step, 0.0).astype(np.int64)
        high = np.maximum((table[:, :2] + table[:, 9:] - screen.corner) / screen.step, -1.0).astype(np.int64) + 1
        self._windows: list[Window] = [
            (slice(top, max(bottom, top)), slice(left, max(right, left)))
            for (left, top), (right, bottom) in zip(
                np.minimum(low, screen.pixels).tolist(), np.minimum(high, screen.pixels).tolist(), strict=True
            )
        ]

    def window(self, name: str) -> Window:
        """The (rows, columns) that hold the silhouette."""
        return self._windows[self._index[name]]

    def depth(self, name: str, window: Window) -> Array:
        """``1 - d^T C_xy^-1 d``: 1 at the silhouette's centre, 0 on its edge, negative outside."""
        k, (rows, columns) = self._index[name], window
        inside: Array = self._dy[k, rows, None] * self._cross[k, columns]
        inside += self._across[k, columns]
        inside += self._down[k, rows]
        return inside

    def half_chord(self, name: str, window: Window) -> Array:
        """Half the length (cm) of each ray inside the ellipsoid."""
        half = self.depth(name, window)
        np.maximum(half, ZERO, out=half)
        np.sqrt(half, out=half)
        half *= np.float32(self._half[self._index[name]])
        return half

    def middle(self, name: str, window: Window) -> Array:
        """The z (cm) of the middle of each ray's chord."""
        k, (rows, columns) = self._index[name], window
        plane: Array = self._middle_down[k, rows] + self._middle_across[k, columns]
        return plane

    def add_chord(self, canvas: Array, name: str, weight: float) -> None:
        """Add ``weight`` times the chord length (cm) to ``canvas``, in place."""
        window = self.window(name)
        half = self.half_chord(name, window)
        half *= np.float32(2.0 * weight)
        canvas[window] += half

    def add_soft_chord(self, canvas: Array, name: str, weight: float) -> None:
        """Add the integral of a density that falls from ``weight`` at the centre to 0 on the surface.

        With density weight (1 - r^2), r^2 the ellipsoid's quadratic form, the integral is 4/3 half depth^(3/2) weight.
        """
        window = self.window(name)
        depth = self.depth(name, window)
        np.maximum(depth, ZERO, out=depth)
        depth *= np.sqrt(depth)
        depth *= np.float32(4.0 / 3.0 * weight * self._half[self._index[name]])
        canvas[window] += depth

    def carved(self, body: str, organs: Sequence[str]) -> Array:
        """Length (cm) of each ray, in the body's window, inside ``body`` and outside the organs.

        What lies between two organs counts as organ, so that at most two pieces of a ray remain: before and behind.
        """
        window = self.window(body)
        half, middle = self.half_chord(body, window), self.middle(body, window)
        start, stop = middle - half, middle + half
        first, last = np.full_like(half, FAR), np.full_like(half, -FAR)
        for organ in organs:
            shared, local = _overlap(window, self.window(organ))
            depth = self.depth(organ, shared)
            # Rays that miss the organ get an interval that begins too far off and ends too far off: an empty one.
            missed = depth < ZERO
            np.maximum(depth, ZERO, out=depth)
            np.sqrt(depth, out=depth)
            depth *= np.float32(self._half[self._index[organ]])
            depth[missed] = -FAR
            centre = self.middle(organ, shared)
            np.minimum(first[local], centre - depth, out=first[local])
            centre += depth
            np.maximum(last[local], centre, out=last[local])
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
    """What two windows share, on the screen and within the first."""
    rows, columns = (
        slice(min(max(a.start, b.start), a.stop), max(min(a.stop, b.stop), min(max(a.start, b.start), a.stop)))
        for a, b in zip(outer, inner, strict=True)
    )
    local = (
        slice(rows.start - outer[0].start, rows.stop - outer[0].start),
        slice(columns.start - outer[1].start, columns.stop - outer[1].start),
    )
    return (rows, columns), local


def slab_integral(w: Array, count: int, thickness: float) -> Array:
    """Antiderivative over w of the indicator of the slabs [k, k + thickness], 0 <= k < count; overwrites ``w``."""
    np.maximum(w, ZERO, out=w)
    np.minimum(w, np.float32(count), out=w)
    whole: Array = np.floor(w)
    w -= whole
    np.minimum(w, np.float32(thickness), out=w)
    whole *= np.float32(thickness)
    whole += w
    return whole

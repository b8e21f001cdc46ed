"""Closed-form line integrals of parallel rays: what makes the phantom exact and fast.

The rays run along z. An ellipsoid behaves like a Gaussian: with its "covariance" ``C = R diag(a^2, b^2, c^2) R^T``, a
ray at offset d = (dx, dy) from its centre meets it where ``d^T C_xy^-1 d <= 1``; the chord's middle is the conditional
mean of z given d, and its half length the conditional deviation times ``sqrt(1 - d^T C_xy^-1 d)``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Array", "Projected", "Screen", "Window", "carved", "pose_matrix", "project", "slab_integral"]

Array = NDArray[np.float32]
Window = tuple[slice, slice]
FAR = np.float32(1e6)


@dataclass(frozen=True, slots=True)
class Projected:
    """An ellipsoid as the rays see it: silhouette, greatest half chord, and the plane of the chords' middles (cm)."""

    x: float
    y: float
    z: float
    sxx: float  # the silhouette is sxx dx^2 + 2 sxy dx dy + syy dy^2 <= 1
    sxy: float
    syy: float
    half: float
    slope_x: float
    slope_y: float
    reach_x: float
    reach_y: float


def pose_matrix(roll: float, yaw: float) -> NDArray[np.float64]:
    """Rotation (3, 3) of the patient: ``yaw`` about the body's axis, then ``roll`` in the image plane (radians)."""
    cr, sr, cy, sy = np.cos(roll), np.sin(roll), np.cos(yaw), np.sin(yaw)
    turned = np.array([[cy, 0.0, sy], [0.0, 1.0, 0.0], [-sy, 0.0, cy]])
    rolled = np.array([[cr, -sr, 0.0], [sr, cr, 0.0], [0.0, 0.0, 1.0]])
    return np.asarray(rolled @ turned, dtype=np.float64)


def project(rows: Sequence[Sequence[float]], pose: NDArray[np.float64]) -> NDArray[np.float64]:
    """Project ellipsoids (K, 7): x, y, z, a, b, c, angle in the patient's frame (cm, radians in the x-y plane).

    Returns:
        (K, 11), each row the fields of a ``Projected``.
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
        offsets = (np.arange(pixels, dtype=np.float64) + 0.5) * self.step - side / 2
        self.x: Array = (offsets + x).astype(np.float32)
        self.y: Array = (offsets + y).astype(np.float32)
        self._left, self._top = x - side / 2, y - side / 2

    def window(self, e: Projected, margin: float = 1.0) -> Window:
        """The smallest (rows, columns) that hold the silhouette of ``e`` grown by ``margin``."""
        return self._span(e.y, e.reach_y * margin, self._top), self._span(e.x, e.reach_x * margin, self._left)

    def _span(self, middle: float, reach: float, start: float) -> slice:
        low = int((middle - reach - start) / self.step)
        high = int((middle + reach - start) / self.step) + 1
        low = min(max(low, 0), self.pixels)
        return slice(low, min(max(high, low), self.pixels))

    def depth(self, e: Projected, window: Window) -> Array:
        """``1 - d^T C_xy^-1 d``: 1 at the silhouette's centre, 0 on its edge, negative outside."""
        dx, dy = self.x[window[1]] - np.float32(e.x), self.y[window[0]] - np.float32(e.y)
        inside: Array = np.multiply.outer(dy, dx * np.float32(-2.0 * e.sxy))
        inside -= dx * dx * np.float32(e.sxx)
        inside += (np.float32(1.0) - dy * dy * np.float32(e.syy))[:, None]
        return inside

    def half_chord(self, e: Projected, window: Window) -> Array:
        """Half the length (cm) of each ray inside ``e``."""
        half = self.depth(e, window)
        np.maximum(half, np.float32(0.0), out=half)
        np.sqrt(half, out=half)
        half *= np.float32(e.half)
        return half

    def middle(self, e: Projected, window: Window) -> Array:
        """The z (cm) of the middle of each ray's chord through ``e``."""
        dx, dy = self.x[window[1]] - np.float32(e.x), self.y[window[0]] - np.float32(e.y)
        row: Array = dx * np.float32(e.slope_x) + np.float32(e.z)
        return row + (dy * np.float32(e.slope_y))[:, None]

    def add_chord(self, canvas: Array, e: Projected, weight: float) -> None:
        """Add ``weight`` times the chord length through ``e`` to ``canvas``, in place."""
        window = self.window(e)
        half = self.half_chord(e, window)
        half *= np.float32(2.0 * weight)
        canvas[window] += half

    def add_soft_chord(self, canvas: Array, e: Projected, weight: float) -> None:
        """Add the integral through ``e`` of a density that falls from ``weight`` at its centre to 0 on its surface.

        With density weight (1 - r^2), r^2 the ellipsoid's quadratic form, the integral is 4/3 half depth^(3/2) weight.
        """
        window = self.window(e)
        depth = self.depth(e, window)
        np.maximum(depth, np.float32(0.0), out=depth)
        depth *= np.sqrt(depth) * np.float32(4.0 / 3.0 * weight * e.half)
        canvas[window] += depth

    def stamps(self, table: NDArray[np.float64], margin: float = 1.0) -> tuple[list[Window], Array]:
        """``depth`` of many small ellipsoids at once: windows of one size, and what lies in them (K, n, n)."""
        t = table.astype(np.float32)
        n = min(int(2.0 * margin * float(table[:, 9:11].max()) / self.step) + 2, self.pixels)
        corner = (table[:, :2] - (self._left, self._top)) / self.step - n / 2
        corners = np.clip(corner.astype(np.int64), 0, self.pixels - n)
        span = np.arange(n)
        dx = self.x[corners[:, :1] + span] - t[:, :1]
        dy = self.y[corners[:, 1:] + span] - t[:, 1:2]
        inside: Array = (dy * t[:, 4:5] * np.float32(-2.0))[:, :, None] * dx[:, None, :]
        inside -= (dx * dx * t[:, 3:4])[:, None, :]
        inside += (np.float32(1.0) - dy * dy * t[:, 5:6])[:, :, None]
        return [(slice(y, y + n), slice(x, x + n)) for x, y in corners.tolist()], inside

    def add_chords(self, canvas: Array, table: NDArray[np.float64]) -> None:
        """Add the chord lengths (cm) through many small ellipsoids to ``canvas``, in place."""
        windows, chords = self.stamps(table)
        np.maximum(chords, np.float32(0.0), out=chords)
        np.sqrt(chords, out=chords)
        chords *= (2.0 * table[:, 6]).astype(np.float32)[:, None, None]
        for window, chord in zip(windows, chords, strict=True):
            canvas[window] += chord


def carved(screen: Screen, body: Projected, organs: Sequence[Projected], window: Window) -> Array:
    """Length (cm) of each ray inside ``body`` and outside the organs; what lies between two organs counts as organ."""
    half, middle = screen.half_chord(body, window), screen.middle(body, window)
    start, stop = middle - half, middle + half
    first, last = np.full_like(half, FAR), np.full_like(half, -FAR)
    for organ in organs:
        reach, centre = screen.half_chord(organ, window), screen.middle(organ, window)
        missed = reach == 0
        np.minimum(first, np.where(missed, FAR, centre - reach), out=first)
        np.maximum(last, np.where(missed, -FAR, centre + reach), out=last)
    front: Array = np.minimum(first, stop) - start
    back: Array = stop - np.maximum(last, start)
    untouched = last < first
    np.maximum(front, np.float32(0.0), out=front)
    np.maximum(back, np.float32(0.0), out=back)
    back[untouched] = 0.0
    front += back
    return front


def slab_integral(w: Array, first: float, count: int, period: float, thickness: float) -> Array:
    """Antiderivative over w of the indicator of ``count`` slabs [first + k period, first + k period + thickness]."""
    q = w - np.float32(first)
    q *= np.float32(1.0 / period)
    np.clip(q, np.float32(0.0), np.float32(count), out=q)
    whole: Array = np.floor(q)
    q -= whole
    np.minimum(q, np.float32(thickness / period), out=q)
    whole *= np.float32(thickness)
    q *= np.float32(period)
    whole += q
    return whole

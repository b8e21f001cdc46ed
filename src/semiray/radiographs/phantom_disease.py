"""What disease takes from the phantom's lungs: opacities, effusion, and the faint signs that every lung shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from semiray.radiographs.phantom_geometry import Array, Screen, Window, project

__all__ = ["SIDES", "Signs", "aeration", "opacities"]

SIDES = (-1.0, 1.0)  # the image's left (the patient's right) and the image's right
PATCHES = 16
NODES = 40  # a side of the random field: enough for the lungs at the finest grain
ONE, ZERO = np.float32(1.0), np.float32(0.0)


@dataclass(frozen=True, slots=True)
class Signs:
    """What the codes ask of a patient: five numbers a factor, lead first; docs/phantom.md tells each one's part."""

    label: int
    absent: Sequence[float]  # 1 - survival: 0 or 1
    burden: Sequence[float]  # 1 - exp(-duration / 12 days): 0 to 1
    place: Sequence[float]  # presentation: -1 to 1
    texture: Sequence[float]  # texture: -1 to 1


def aeration(screen: Screen, depth: Array, signs: Signs, side: float, window: Window, draws: Sequence[float]) -> Array:
    """Share of one lung's air that effusion, apical cap and pleural rim leave on each ray (0 to 1).

    ``depth`` is the lung's own within ``window``; ``draws`` are two standard normal numbers, the fluid's chance level.
    """
    x, y = screen.x[window[1]] * np.float32(side), screen.y[window[0]]
    # Free fluid is level, and climbs along the chest wall: the meniscus. Without disease it only blunts the angle.
    level, climb = (9.9, 6.6) if signs.label else (11.4, 5.0)
    level += 0.35 * draws[0] + 0.35 * side * draws[1]
    lateral = np.clip((x - np.float32(2.0)) * np.float32(0.1), ZERO, np.float32(1.2))
    surface = np.float32(level) - np.float32(climb) * lateral * lateral * lateral
    air = ONE - np.float32(0.92 * signs.absent[0]) * _smoothstep((y[:, None] - surface) * np.float32(0.45))
    apex = _smoothstep((np.float32(-4.0) - y) * np.float32(0.22))
    air *= (ONE - np.float32(0.04 + 0.42 * signs.burden[2]) * apex)[:, None]
    rim = np.clip(ONE - depth * np.float32(1.6), ZERO, ONE)
    rim *= np.clip((x - np.float32(5.5)) * np.float32(0.3), ZERO, ONE)
    air *= ONE - np.float32(0.65 * signs.burden[3]) * rim
    return air


def opacities(pose: NDArray[np.float64], signs: Signs, rng: np.random.Generator, screen: Screen) -> tuple[Array, Array]:
    """Share of the air that disease leaves in the lungs on each ray (0 to 1), and the random field behind it."""
    burden, place, texture = signs.burden, signs.place, signs.texture
    noise = _grain(rng, screen, 1.5 - 0.35 * texture[0], 0.55 * texture[2])
    clear = np.ones((screen.pixels, screen.pixels), dtype=np.float32)
    share = [0.5 * (1.0 + side * place[0]) for side in SIDES]
    patches = _patches(signs, share, rng.uniform(-1.0, 1.0, (PATCHES, 3)).tolist())
    if patches:
        sharp = 0.42 * 2.6 ** (0.5 * (1.0 + texture[0]))
        table = project([(x, y, 0.0, a, b, 1.0, 0.0) for x, y, a, b, _ in patches], pose)
        windows, depth = screen.stamps(table, margin=sqrt(1.0 + 0.5 / sharp) + 0.15)
        depth += np.float32(0.32) * np.stack([noise[window] for window in windows])  # frayed edges
        depth *= np.float32(sharp)
        depth += np.float32(0.5)
        left = _smoothstep(depth)
        left *= np.array([-strength for *_, strength in patches], dtype=np.float32)[:, None, None]
        left += ONE
        for window, factor in zip(windows, left, strict=True):
            clear[window] *= factor
    # What every lung shows, ill or not: a haze and a mottle that follow the same codes, faintly.
    veil = [0.04 + 0.10 * burden[0] + 0.13 * part + 0.04 * texture[0] for part in share]
    across = np.clip(screen.x * np.float32(0.25) + np.float32(0.5), ZERO, ONE)
    haze = np.float32(1.0 - veil[0]) + np.float32(veil[0] - veil[1]) * across
    down = np.clip(screen.y * np.float32(0.1), -ONE, ONE)
    haze = haze * (ONE - np.float32(0.06) * (ONE + np.float32(place[1]) * down))[:, None]
    mottle = noise[::-1, ::-1] + ONE  # the product of two smooth fields is a finer one
    mottle *= noise
    mottle *= np.float32(0.032 + 0.026 * texture[1])
    mottle += ONE
    clear *= mottle
    clear *= haze
    return clear, noise


def _patches(signs: Signs, share: Sequence[float], draws: list[list[float]]) -> list[tuple[float, ...]]:
    """Opacities as (x, y, a, b, strength): one confluent region, or many in both lungs."""
    burden, place, texture = signs.burden, signs.place, signs.texture
    size, dense, stretch = 0.85 + 0.5 * burden[1], 0.62 + 0.32 * texture[0], 1.25 ** texture[2]
    zone, lateral = 4.2 * place[1], 1.3 * place[2]
    rows: list[tuple[float, ...]] = []
    if signs.label == 1:
        extent = (0.65 + 0.55 * burden[0]) * size
        for side, part in zip(SIDES, share, strict=True):
            strength = dense * (0.55 + 0.45 * burden[0]) * min(max(1.6 * part - 0.3, 0.0), 1.0)
            x, y = side * (6.4 + lateral + 0.4 * draws[0][0]), 0.5 + zone + 0.8 * draws[0][1]
            rows.append((x, y, 3.9 * extent / stretch, 4.3 * extent * stretch, strength))
    elif signs.label == 2:
        for k, (across, down, wide) in enumerate(draws):
            side, part, level = SIDES[k % 2], share[k % 2], k // 2
            grown = min(max(0.55 + 1.6 * burden[0] - 0.14 * level, 0.0), 1.0)
            strength = dense * (0.5 + 0.4 * burden[0]) * (0.12 + 0.88 * part) * grown
            x = side * (6.4 + lateral + 2.9 * across)
            y = -6.5 + 2.05 * (level * 5 % 8) + down + 0.6 * zone
            reach = (1.55 + 0.45 * wide) * size
            rows.append((x, y, reach / stretch, reach * stretch, strength))
    return [row for row in rows if row[4] > 0]


def _smoothstep(t: Array) -> Array:
    """The cubic step from 0 (t <= 0) to 1 (t >= 1)."""
    t = np.minimum(np.maximum(t, ZERO), ONE)
    slope = t * np.float32(-2.0)
    slope += np.float32(3.0)
    slope *= t
    slope *= t
    return slope


def _grain(rng: np.random.Generator, screen: Screen, scale: float, stretch: float) -> Array:
    """A smooth random field, variance about 1, its grain ``scale`` cm; a positive ``stretch`` draws it out upwards."""
    values = np.float32(1.6) * rng.standard_normal((NODES, NODES), dtype=np.float32)

    def interpolated(nodes_first: Array, points: Array, spacing: float) -> Array:
        # Quadratic B-splines by gathering rows: a matrix product would start the BLAS's threads for so small a task.
        at = points / np.float32(spacing) + np.float32(NODES / 2)
        nearest = np.clip(np.rint(at), 1, NODES - 2).astype(np.intp)
        u = np.clip(at - nearest, np.float32(-0.5), np.float32(0.5))[:, None]
        half = np.float32(0.5)
        result: Array = nodes_first.take(nearest, axis=0)
        result *= np.float32(0.75) - u * u
        for neighbour, weight in ((nearest - 1, half - u), (nearest + 1, half + u)):
            beside = nodes_first.take(neighbour, axis=0)
            beside *= half * weight * weight
            result += beside
        return result

    rows = interpolated(values, screen.y, scale * 2.0**stretch)
    return np.ascontiguousarray(interpolated(np.ascontiguousarray(rows.T), screen.x, scale * 2.0**-stretch).T)

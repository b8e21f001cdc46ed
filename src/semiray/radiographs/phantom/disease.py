"""Signs of disease in the phantom's lungs: opacities, effusion, and the signs that every lung shows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from semiray.radiographs.phantom.geometry import ONE, ZERO, Array, Floats, Screen, Window, per_image, project

__all__ = ["FORKS", "SIDES", "Draws", "Signs", "aeration", "opacities"]

SIDES = (-1.0, 1.0)  # the image's left (the patient's right) and the image's right
FORKS = 8  # vessels that leave each hilum
PATCHES = 16
NODES = 48  # per side of the random field: enough for the lungs at the finest grain
FRAY = 0.32  # how far the random field, cut at +-2, moves an opacity's border
HALF, TWO = np.float32(0.5), np.float32(2.0)


@dataclass(frozen=True, slots=True)
class Signs:
    """What the codes request for N patients: five numbers per factor, the lead first."""

    label: NDArray[np.int64]  # (N,)
    absent: Floats  # (N, 5): 1 - survival, 0 or 1
    burden: Floats  # (N, 5): 1 - exp(-duration / 12 days), 0 to 1
    place: Floats  # (N, 5): presentation, -1 to 1
    texture: Floats  # (N, 5): -1 to 1
    fluid: NDArray[np.bool_] | None = None  # (N,) whose effusion is more than a blunted angle; None: of whom is ill
    veil: Floats | None = None  # (N, 2): haze of the right and of the left lung; None: as the codes say
    round: NDArray[np.bool_] | None = None  # (N,) who has a round density; None: nobody


class Draws:
    """Random draws for N patients, from one generator each; their number doesn't depend on the codes."""

    def __init__(self, generators: list[np.random.Generator]) -> None:
        normal = np.stack([g.standard_normal(24 + 2 * FORKS * 5 + NODES * NODES, np.float32) for g in generators])
        uniform = np.stack([g.random(4 + 3 * PATCHES) for g in generators])
        self.organs: Floats = np.clip(normal[:, :24].astype(np.float64), -2.0, 2.0)
        self.vessels = normal[:, 24 : 24 + 2 * FORKS * 5].astype(np.float64).reshape(-1, 2, FORKS, 5)
        self.grain: Array = normal[:, 24 + 2 * FORKS * 5 :].reshape(-1, NODES, NODES)
        self.exposure: Floats = uniform[:, :4]
        self.patches: Floats = 2.0 * uniform[:, 4:].reshape(-1, PATCHES, 3) - 1.0


def aeration(screen: Screen, depth: Array, signs: Signs, side: float, window: Window, draws: Draws) -> Array:
    """Return the share of one lung's air (N, h, w) that effusion, apical cap and pleural rim leave on each ray.

    ``depth`` is the lung's own (``Rays.depth``) within ``window``.
    """
    x = screen.x[:, None, window[1]] * np.float32(side)
    y = screen.y[:, window[0], None]
    # Free fluid is level, and climbs along the chest wall: the meniscus. Without disease it only blunts the angle.
    ill = signs.label > 0 if signs.fluid is None else signs.fluid
    level = np.where(ill, 9.9, 11.4) + 0.35 * draws.organs[:, 21] + 0.35 * side * draws.organs[:, 22]
    lateral = np.minimum(np.maximum((x - TWO) * np.float32(0.1), ZERO), np.float32(1.2))
    air = smoothstep((y - per_image(level) + per_image(np.where(ill, 6.6, 5.0)) * lateral**3) * np.float32(0.45))
    air *= per_image(-0.92 * signs.absent[:, 0])
    air += ONE
    apex = smoothstep((np.float32(-4.0) - y) * np.float32(0.22))
    air *= ONE - per_image(0.04 + 0.48 * signs.burden[:, 2]) * apex
    rim = depth * np.float32(-1.6)
    rim += ONE
    np.maximum(rim, ZERO, out=rim)
    np.minimum(rim, ONE, out=rim)
    outside = np.minimum(np.maximum((x - np.float32(5.5)) * np.float32(0.3), ZERO), ONE)
    rim *= outside * per_image(-0.65 * signs.burden[:, 3])
    rim += ONE
    air *= rim
    return air


def opacities(poses: Floats, signs: Signs, draws: Draws, screen: Screen) -> tuple[Array, Array]:
    """Return the share of the lungs' air that is left on each ray (N, H, W), and the random field behind it.

    1 is a clear lung; mottle (trapped air) can exceed it.
    """
    burden, place, texture = signs.burden, signs.place, signs.texture
    noise = _grain(draws.grain, screen, 1.15 - 0.25 * texture[:, 1], 2.0 ** (0.5 * texture[:, 2]))
    clear = np.ones((len(screen), screen.pixels, screen.pixels), dtype=np.float32)
    sharp = 0.42 * 2.6 ** (0.5 * (1.0 + texture[:, 0]))
    nobody = np.zeros(len(screen), bool)
    for shown, place_patches in (
        (signs.label == 1, _one_region),
        (signs.label == 2, _many_patches),
        (nobody if signs.round is None else signs.round, _one_density),
    ):
        chosen = np.flatnonzero(shown)
        if not chosen.size:
            continue
        solids, strength = place_patches(signs, draws, chosen)
        owner = np.repeat(chosen, solids.shape[1])
        table = project(solids, poses[chosen]).reshape(len(owner), -1)
        reach = float(np.sqrt(1.0 + 0.5 / sharp[chosen] + 2.0 * FRAY).max())
        windows, depth = screen.stamps(table, owner, margin=reach)
        frayed = np.stack([noise[image][window] for image, window in zip(owner.tolist(), windows, strict=True)])
        np.minimum(np.maximum(frayed, -TWO, out=frayed), TWO, out=frayed)
        frayed *= np.float32(FRAY)
        depth += frayed
        depth *= per_image(sharp[owner])
        depth += HALF
        left = smoothstep(depth)
        left *= per_image(-strength)
        left += ONE
        for image, window, factor in zip(owner.tolist(), windows, left, strict=True):
            clear[image][window] *= factor
    # In every lung, ill or not: a haze and a mottle that follow the same codes.
    veil = [0.02 + 0.47 * burden[:, 0] + 0.32 * _share(place, side) for side in SIDES]
    right, left_lung = veil if signs.veil is None else signs.veil.T
    across = np.minimum(np.maximum(screen.x * np.float32(0.25) + HALF, ZERO), ONE)[:, None, :]
    down = np.minimum(np.maximum(screen.y * np.float32(0.1), -ONE), ONE)[:, :, None]
    mottle = np.minimum(np.maximum(noise, -TWO), TWO)
    mottle *= per_image(0.12 + 0.115 * texture[:, 0])
    clear *= per_image(1.0 - right) + per_image(right - left_lung) * across
    clear *= ONE - np.float32(0.06) * (ONE + per_image(place[:, 1]) * down)
    clear += mottle  # added, not multiplied: it is visible in hazy and clear lungs
    np.maximum(clear, ZERO, out=clear)
    return clear, noise


def _share(place: Floats, side: float) -> Floats:
    """The share (N,) of the disease on a side, by the lead of ``presentation``."""
    result: Floats = 0.5 * (1.0 + side * place[:, 0])
    return result


def _solids(x: ArrayLike, y: ArrayLike, a: ArrayLike, b: ArrayLike) -> Floats:
    return np.stack(np.broadcast_arrays(x, y, 0.0, a, b, 1.0, 0.0), axis=-1)


def _one_region(signs: Signs, draws: Draws, chosen: NDArray[np.int64]) -> tuple[Floats, Floats]:
    """Lobar: one confluent opacity, (n, 2, 7), with strength 0 on the other side; and strengths (2 n,)."""
    burden, place, texture, u = (v[chosen] for v in (signs.burden, signs.place, signs.texture, draws.patches))
    extent = (0.62 + 0.80 * burden[:, 0]) * (0.94 + 0.12 * burden[:, 1])
    stretch = 1.25 ** texture[:, 2]
    dense = 0.70 + 0.26 * texture[:, 0]
    away, y = 6.4 + 1.3 * place[:, 2] + 0.4 * u[:, 0, 0], 0.5 + 4.2 * place[:, 1] + 0.8 * u[:, 0, 1]
    solids = [_solids(side * away, y, 3.9 * extent / stretch, 4.3 * extent * stretch) for side in SIDES]
    parts = [dense * np.clip(1.8 * _share(place, side) - 0.4, 0.0, 1.0) for side in SIDES]
    return np.stack(solids, axis=1), np.stack(parts, axis=1).ravel()


def _many_patches(signs: Signs, draws: Draws, chosen: NDArray[np.int64]) -> tuple[Floats, Floats]:
    """Diffuse: opacities in both lungs, (n, PATCHES, 7) and strengths (n PATCHES,); burden lets more of them appear."""
    burden, place, texture = (v[chosen][:, :, None] for v in (signs.burden, signs.place, signs.texture))
    across, down, wide = np.moveaxis(draws.patches[chosen], -1, 0)
    k = np.arange(PATCHES)
    side, level = np.where(k % 2 == 0, *SIDES), k // 2
    grown = np.clip(0.80 + 1.5 * burden[:, 0] - 0.14 * level, 0.0, 1.0)
    part = 0.30 + 0.35 * (1.0 + side * place[:, 0])
    strength = (0.70 + 0.26 * texture[:, 0]) * part * grown
    x = side * (6.4 + 1.3 * place[:, 2] + 2.9 * across)
    y = -6.5 + 2.05 * (level * 5 % 8) + down + 2.5 * place[:, 1]
    reach = (1.75 + 0.4 * wide) * (0.70 + 0.60 * burden[:, 0]) * (0.94 + 0.12 * burden[:, 1])
    stretch = 1.25 ** texture[:, 2]
    return _solids(x, y, reach / stretch, reach * stretch), strength.ravel()


def _one_density(signs: Signs, draws: Draws, chosen: NDArray[np.int64]) -> tuple[Floats, Floats]:
    """A round density in the upper half of the lung with less disease, (n, 1, 7), and its strengths (n,)."""
    across, down, wide = np.moveaxis(draws.patches[chosen, -1:], -1, 0)
    side = np.where(signs.place[chosen, :1] > 0, *SIDES)
    radius = 2.2 + 0.4 * wide
    return _solids(side * (6.2 + 1.2 * across), -3.0 + 2.5 * down, radius, radius), np.full(len(chosen), 0.95)


def smoothstep(t: Array) -> Array:
    """Return the cubic step from 0 (t <= 0) to 1 (t >= 1); overwrites ``t``."""
    np.maximum(t, ZERO, out=t)
    np.minimum(t, ONE, out=t)
    slope: Array = t * np.float32(-2.0)
    slope += np.float32(3.0)
    slope *= t
    slope *= t
    return slope


def _grain(values: Array, screen: Screen, scale: Floats, stretch: Floats) -> Array:
    """A smooth random field of variance about 1, grain ``scale`` cm, stretched vertically by ``stretch``: B-splines."""

    def interpolated(nodes: Array, points: Array, spacing: Floats) -> Array:
        # By gathering rows: a matrix product would start threads for a small task.
        at = points / spacing.astype(np.float32)[:, None] + np.float32(NODES / 2)
        nearest = np.minimum(np.maximum(np.rint(at), ONE), np.float32(NODES - 2))
        u = np.minimum(np.maximum(at - nearest, -HALF), HALF)[..., None]
        index, image = nearest.astype(np.intp), np.arange(len(nodes))[:, None]
        result: Array = nodes[image, index]
        result *= np.float32(0.75) - u * u
        for neighbour, weight in ((index - 1, HALF - u), (index + 1, HALF + u)):
            beside = nodes[image, neighbour]
            beside *= HALF * weight * weight
            result += beside
        return result

    rows = interpolated(values * np.float32(1.6), screen.y, scale * stretch)
    columns = interpolated(np.ascontiguousarray(rows.swapaxes(1, 2)), screen.x, scale / stretch)
    return np.ascontiguousarray(columns.swapaxes(1, 2))

"""Phantom patients: random organs, signs of disease as the codes request, and the attenuation of the rays."""

from __future__ import annotations

from math import pi

import numpy as np

from semiray.radiographs.phantom.disease import FORKS, SIDES, Draws, Signs, aeration, opacities
from semiray.radiographs.phantom.geometry import (
    ONE,
    ZERO,
    Array,
    Floats,
    Rays,
    Screen,
    per_image,
    pose_matrices,
    project,
    slab_integral,
)

__all__ = ["Patients", "attenuation"]

# Effective linear attenuation (1/cm), chosen by eye; MORE and LESS are relative to the displaced soft tissue.
SOFT = 0.19
AIR_LESS = 0.15
BONE_MORE = 0.42
SPINE_MORE = 0.22

Size = float | Floats
LUNGS = ("right", "left")  # the patient's; the right lung is on the image's left
BODY = ("trunk", "neck", "right shoulder", "left shoulder", "right arm", "left arm")
BORDERS = ("mediastinum", "heart", "aorta", "pulmonary trunk")
RIBS = 13


class Patients:
    """The organs of N patients: drawn at random, shaped by their signs, projected for the rays (cm)."""

    def __init__(self, signs: Signs, draws: Draws) -> None:
        self.names: list[str] = []
        self._solids: list[tuple[float | Floats, ...]] = []
        g, absent, burden, place = draws.organs.T, signs.absent.T, signs.burden.T, signs.place.T
        self.wide, self.tall = 1.0 + 0.035 * g[2], 1.0 + 0.04 * g[3]
        w, t = self.wide, self.tall
        shift = 0.75 * place[3] + 0.15 * g[4]  # of the mediastinum, towards the patient's left where positive
        high = 1.4 * absent[3]  # poor inspiration raises the diaphragm

        self._add("trunk", 0, 16, 0, (15.5 + 0.9 * burden[1] + 0.3 * g[5]) * w, 35, 10.3 + 0.25 * g[6])
        self._add("neck", 0, -20, 1, 5.6, 13, 6.0)
        for name, side in zip(LUNGS, SIDES, strict=True):
            lower = 0.35 * side * g[7]
            self._add(f"{name} shoulder", side * 12.0 * w, -11.0 + lower, 1, 11.0, 5.5, 6.0, side * 0.50)
            self._add(f"{name} arm", side * 20.0 * w, -5.0 + lower, 1, 4.2, 14.0, 4.5, side * -0.20)
            self._add(f"{name} lung", side * 6.7 * w, 3.6, 0.5, 5.9 * w, 14.9 * t, 7.8, side * -0.10)
            dome = 17.6 - high + side * (0.5 - 0.95 * place[4]) + 0.25 * g[8]
            self._add(f"{name} dome", side * 5.4 * w, dome, -0.5, 8.6 * w, 8.4, 11.0)
            clavicle, rise = -10.3 + 0.4 * g[9] + lower, 0.27 + 0.05 * g[10]
            self._add(f"{name} clavicle", side * 7.6 * w, clavicle, -6, 6.6, 0.6, 0.7, -side * rise)
            scapula = (11.9 + 1.5 * place[2] + 0.2 * g[11]) * w
            self._add(f"{name} scapula", side * scapula, -5.0, 8, 2.2, 6.5, 0.45, side * -0.25)
            self._add(f"{name} humerus", side * 18.3 * w, -8.0 + lower, 1, 1.2, 6.5, 1.2, side * -0.25)
            self._add(f"{name} breast", side * 7.8 * w, 8.4, -8, 6.0, 5.4, 2.6)
            self._add(f"{name} hilum", side * 3.6 + 0.7 * shift, -0.4, 1, 2.0, 3.3, 1.8, side * 0.25)
        size = 1.0 + 0.035 * g[12] + 0.18 * absent[4]
        self._add("heart", 1.9 + shift, 6.4 - 0.6 * high, -1.5, 6.6 * size, 4.9 * size, 6.2, 0.66)
        pedicle = 2.25 + 1.45 * absent[1] + 0.1 * g[13]
        self._add("mediastinum", 0.3 + 0.8 * shift, 2, 0.5, pedicle, 17.5, 9.5)
        self._add("aorta", 1.9 + 0.7 * shift, -5.0, 0.5, 1.6, 2.0, 6.0, -0.2)
        self._add("pulmonary trunk", 2.5 + 0.9 * shift, -0.6, 0, 1.9, 3.6, 6.0, -0.25)
        self._add("spine", 0, 2, 6, 1.75, 60, 1.7)
        self._add("trachea", 0.5 * shift - 0.1, -15, 1, 0.8, 9.5, 0.9)
        self._add("outer cage", 0, 7.0, 0, 14.0 * w, 20.4 * t, 9.8)
        self._add("inner cage", 0, 7.0, 0, 13.45 * w, 19.8 * t, 9.1)
        self._add("stomach gas", 6.2 + 0.5 * g[14], 12.8 - high, -2, 2.6, 1.4, 1.4)
        solids = np.stack([np.stack([value + 0.0 * w for value in solid], axis=-1) for solid in self._solids], axis=1)
        self.poses = pose_matrices(0.022 * g[0], 0.05 * g[1])
        self.organs = project(solids, self.poses)
        self.vessels = project(_vessel_tree(draws.vessels, 1.0 + 0.4 * signs.texture[:, 4], 0.7 * shift), self.poses)

    def _add(self, name: str, x: Size, y: Size, z: float, a: Size, b: Size, c: Size, angle: Size = 0.0) -> None:
        self.names.append(name)
        self._solids.append((x, y, z, a, b, c, angle))


def _vessel_tree(jitter: Floats, girth: Floats, shift: Floats) -> Floats:
    """Vessels (N, K, 7) that fan out from each hilum and fork once: thin ellipsoids, from normal draws (N, 2, F, 5)."""
    j0, j1, j2, j3, j4 = np.moveaxis(jitter, -1, 0)  # (N, 2, F)
    side, k = np.array(SIDES)[:, None], np.arange(FORKS)
    angle = -1.25 + 0.34 * k + 0.1 * j0  # from the horizontal, upwards negative
    length = 2.3 + 0.3 * j1 + 0.10 * k  # half
    thick = (0.27 + 0.004 * k + 0.03 * j2) * girth[:, None, None]
    cosine, sine = np.cos(angle), np.sin(angle)
    x, y = 3.2 + shift[:, None, None] * side + cosine * length, sine * length - 0.6
    trees = [np.stack([side * x, y, 1.0 + j3, length, thick, thick, side * angle], axis=-1)]
    x, y, half, thin = x + cosine * length * 0.8, y + sine * length * 0.8, 0.8 * length, 0.7 * thick
    for turn in (0.34, -0.30):
        fork = angle + turn + 0.1 * j4
        ends = side * (x + np.cos(fork) * half), y + np.sin(fork) * half
        trees.append(np.stack([*ends, j3, half, thin, thin, side * fork], axis=-1))
    return np.concatenate([tree.reshape(len(tree), -1, 7) for tree in trees], axis=1)


def attenuation(signs: Signs, draws: Draws, pixels: int) -> Array:
    """Return the line integral of attenuation (N, pixels, pixels), without unit, along each ray through N patients."""
    patients = Patients(signs, draws)
    g = draws.organs.T
    side = 33.2 * (1.0 + 0.05 * g[16]) * (0.5 + 0.5 * patients.wide)
    screen = Screen(pixels, side, x=0.5 * g[17], y=0.8 + 0.8 * g[18])
    rays = Rays(screen, patients.names, patients.organs)
    canvas = np.zeros((len(screen), pixels, pixels), dtype=np.float32)
    for name in BODY:  # the union of overlapping parts
        window = rays.window(name)
        np.maximum(canvas[:, *window], rays.half_chord(name, window), out=canvas[:, *window])
    canvas *= np.float32(2 * SOFT)

    air = np.zeros_like(canvas)
    for name, where in zip(LUNGS, SIDES, strict=True):
        window = rays.window(f"{name} lung")
        length = rays.carved(f"{name} lung", (*BORDERS, f"{name} dome"))
        length *= aeration(screen, rays.depth(f"{name} lung", window), signs, where, window, draws)
        air[:, *window] += length
    clear, noise = opacities(patients.poses, signs, draws, screen)
    np.minimum(clear, np.float32(SOFT / AIR_LESS), out=clear)  # trapped air can't be thinner than air
    noise *= np.float32(0.008)
    noise += ONE
    canvas *= noise
    # Vessels are visible only in aerated lung; without air, the bronchi beside them stay dark (air bronchogram).
    markings = np.zeros_like(canvas)
    screen.add_chords(markings, patients.vessels)
    clarity, bronchogram = 2.1 - 1.4 * signs.texture[:, 0], 0.3 * (1.0 + signs.texture[:, 0])
    seen = clear * per_image(clarity + bronchogram)
    seen -= per_image(bronchogram)
    markings *= seen
    np.multiply(air, np.float32(0.25), out=seen)
    markings *= np.minimum(seen, ONE, out=seen)
    air *= clear
    air -= markings
    air *= np.float32(AIR_LESS)
    canvas -= air

    bones = 1.0 + 0.28 * signs.texture[:, 3]
    _add_ribs(canvas, rays, screen, patients, g, BONE_MORE * bones)
    _add_spine(canvas, rays, screen, patients, g, SPINE_MORE * (0.5 + 0.5 * bones))
    for name in LUNGS:
        rays.add_chord(canvas, f"{name} clavicle", 0.85 * BONE_MORE * bones)
        rays.add_chord(canvas, f"{name} scapula", 0.6 * BONE_MORE * bones)
        rays.add_chord(canvas, f"{name} humerus", 0.7 * BONE_MORE * bones)
        rays.add_soft_chord(canvas, f"{name} breast", 0.03 + 0.12 * signs.burden[:, 4])
        rays.add_soft_chord(canvas, f"{name} hilum", 0.06 + 0.17 * signs.absent[:, 2] + 0.30 * (signs.label == 2))
    rays.add_chord(canvas, "trachea", -SOFT)
    rays.add_chord(canvas, "stomach gas", -0.3 * SOFT * np.maximum(0.3 + g[15], 0.0))
    np.maximum(canvas, ZERO, out=canvas)
    return canvas


def _add_ribs(canvas: Array, rays: Rays, screen: Screen, patients: Patients, g: Floats, more: Floats) -> None:
    """Ribs: tilted parallel slabs cut out of the shell between two ellipsoids, all pairs in one closed form."""
    window = rays.window("outer cage")
    rows, columns = window
    half = rays.half_chord("outer cage", window)
    hollow = np.minimum(rays.half_chord("inner cage", window), half)
    # The slabs' coordinate w = (y + tilt z) / period in the patient's frame is linear along the ray: level + slope z.
    period = 2.55 * patients.tall
    normal = (patients.poses[:, :, 1] + 0.62 * patients.poses[:, :, 2]) / period[:, None]
    slope = normal[:, 2]
    level = rays.middle("outer cage", window)
    level *= per_image(slope)
    level += screen.x[:, None, columns] * per_image(normal[:, 0])
    # Distances between ribs vary by a wave; it is constant along a ray, so that the integral stays exact.
    y = screen.y[:, rows, None]
    wave = np.sin(y * np.float32(0.45) + per_image(g[23])) * np.float32(0.3)
    level += y * per_image(normal[:, 1]) + (wave + per_image(11.4 - 0.4 * g[19])) * per_image(1.0 / period)
    half *= per_image(slope)
    hollow *= per_image(slope)
    back = slab_integral(level + half, RIBS, 0.45)
    back -= slab_integral(level + hollow, RIBS, 0.45)
    front = slab_integral(level - hollow, RIBS, 0.45)
    front -= slab_integral(level - half, RIBS, 0.45)
    # Towards the sternum ribs become cartilage, which absorbs little; the lowest ribs have no front.
    bony = (np.abs(screen.x[:, None, columns]) - np.float32(5.0)) * np.float32(0.15)
    front *= np.minimum(np.maximum(bony, ZERO), np.float32(0.8))
    front *= np.minimum(np.maximum((np.float32(15.0) - y) * np.float32(0.15), ZERO), ONE)
    back += front
    back *= per_image(more / slope)
    canvas[:, rows, columns] += back


def _add_spine(canvas: Array, rays: Rays, screen: Screen, patients: Patients, g: Floats, more: Floats) -> None:
    """The vertebral column: one long ellipsoid, less dense at the discs, denser at the pedicles."""
    window = rays.window("spine")
    rows, columns = window
    chord = rays.half_chord("spine", window)
    wave = np.sin((screen.y[:, rows, None] + per_image(g[20])) * per_image(2 * pi / (2.7 * patients.tall)))
    body = np.float32(0.86) + np.float32(0.22) * np.minimum(np.maximum(wave * np.float32(2.0), -ONE), ONE)
    centre = per_image(patients.organs[:, patients.names.index("spine"), 0])
    across = (np.abs(screen.x[:, None, columns] - centre) - ONE) * np.float32(2.2)
    pedicle = np.maximum(ONE - across * across, ZERO) * np.float32(0.3)
    chord *= body + np.maximum(wave, ZERO) * pedicle
    chord *= per_image(2.0 * more)
    canvas[:, rows, columns] += chord

"""One phantom patient: organs drawn at random, signs where the codes want them, and what the rays lose on their way."""

from __future__ import annotations

from math import cos, pi, sin

import numpy as np

from semiray.radiographs.phantom_disease import SIDES, Signs, aeration, opacities
from semiray.radiographs.phantom_geometry import (
    Array,
    Rays,
    Screen,
    pose_matrix,
    project,
    slab_integral,
)

__all__ = ["Patient", "attenuation"]

# Effective linear attenuation (1/cm), chosen by eye; "more" and "less" are against the soft tissue that is displaced.
SOFT = 0.19
AIR_LESS = 0.15
BONE_MORE = 0.42
SPINE_MORE = 0.22

LUNGS = ("right", "left")  # the patient's; the right lung is on the image's left
FORKS = 8  # vessels that leave each hilum
RIBS = 13


class Patient:
    """The organs of one patient: drawn with ``rng``, shaped by ``signs``, projected for the rays (cm)."""

    def __init__(self, signs: Signs, rng: np.random.Generator) -> None:
        self._rows: list[tuple[float, ...]] = []
        self.names: list[str] = []
        self.draws: list[float] = np.clip(rng.standard_normal(24), -2.0, 2.0).tolist()
        g, absent, burden, place = self.draws, signs.absent, signs.burden, signs.place
        self.wide, self.tall = 1.0 + 0.035 * g[2], 1.0 + 0.04 * g[3]
        w, t = self.wide, self.tall
        shift = 0.75 * place[3] + 0.15 * g[4]  # of the mediastinum, towards the patient's left where positive
        high = 1.4 * absent[3]  # poor inspiration raises the diaphragm
        tilt = 0.95 * place[4]

        trunk = (15.5 + 0.75 * burden[1] + 0.3 * g[5]) * w
        self._add("trunk", 0, 16, 0, trunk, 35, 10.3 + 0.4 * g[6])
        self._add("neck", 0, -20, 1, 5.6, 13, 6.0)
        for name, side in zip(LUNGS, SIDES, strict=True):
            lower = 0.35 * side * g[7]
            self._add(f"{name} shoulder", side * 12.0 * w, -11.0 + lower, 1, 11.0, 5.5, 6.0, side * 0.50)
            self._add(f"{name} arm", side * 20.0 * w, -5.0 + lower, 1, 4.2, 14.0, 4.5, -side * 0.20)
            self._add(f"{name} lung", side * 6.7 * w, 3.6, 0.5, 5.9 * w, 14.9 * t, 7.8, side * -0.10)
            dome = 17.6 - high + side * (0.5 - tilt) + 0.25 * g[8]
            self._add(f"{name} dome", side * 5.4 * w, dome, -0.5, 8.6 * w, 8.4, 11.0)
            rise = 0.27 + 0.05 * g[10]
            self._add(f"{name} clavicle", side * 7.6 * w, -10.3 + 0.4 * g[9] + lower, -6, 6.6, 0.6, 0.7, -side * rise)
            scapula = (11.9 + 1.5 * place[2] + 0.2 * g[11]) * w
            self._add(f"{name} scapula", side * scapula, -5.0, 8, 2.2, 6.5, 0.45, -side * 0.25)
            self._add(f"{name} humerus", side * 18.3 * w, -8.0 + lower, 1, 1.2, 6.5, 1.2, -side * 0.25)
            self._add(f"{name} breast", side * 7.8 * w, 8.4, -8, 6.0, 5.4, 2.6)
            self._add(f"{name} hilum", side * 3.6 + 0.7 * shift, -0.4, 1, 2.0, 3.3, 1.8, side * 0.25)
        size = 1.0 + 0.035 * g[12] + 0.18 * absent[4]
        self._add("heart", 1.9 + shift, 6.4 - 0.6 * high, -1.5, 6.6 * size, 4.9 * size, 6.2, 0.66)
        vessel = 2.25 + 1.45 * absent[1] + 0.1 * g[13]
        self._add("mediastinum", 0.3 + 0.8 * shift, 2, 0.5, vessel, 17.5, 9.5)
        self._add("aorta", 1.9 + 0.7 * shift, -5.0, 0.5, 1.6, 2.0, 6.0, -0.2)
        self._add("pulmonary trunk", 2.5 + 0.9 * shift, -0.6, 0, 1.9, 3.6, 6.0, -0.25)
        self._add("spine", 0, 2, 6, 1.75, 60, 1.7)
        self._add("trachea", 0.5 * shift - 0.1, -15, 1, 0.8, 9.5, 0.9)
        self._add("outer cage", 0, 7.0, 0, 14.0 * w, 20.4 * t, 9.8)
        self._add("inner cage", 0, 7.0, 0, 13.45 * w, 19.8 * t, 9.1)
        self._add("stomach gas", 6.2 + 0.5 * g[14], 12.8 - high, -2, 2.6, 1.4, 1.4)
        vessels = _vessel_tree(rng, 1.0 + 0.4 * signs.texture[4], 0.7 * shift)
        self.pose = pose_matrix(0.022 * g[0], 0.05 * g[1])
        table = project(self._rows + vessels, self.pose)
        self.organs, self.vessels = table[: len(self._rows)], table[len(self._rows) :]

    def _add(self, name: str, x: float, y: float, z: float, a: float, b: float, c: float, angle: float = 0.0) -> None:
        self.names.append(name)
        self._rows.append((x, y, z, a, b, c, angle))


def _vessel_tree(rng: np.random.Generator, girth: float, shift: float) -> list[tuple[float, ...]]:
    """Thin ellipsoids that fan out from each hilum and fork once."""
    rows: list[tuple[float, ...]] = []
    for side, jitter in zip(SIDES, rng.standard_normal((2, FORKS, 5)).tolist(), strict=True):
        x0, y0 = 3.2 + shift * side, -0.6
        for k, (j0, j1, j2, j3, j4) in enumerate(jitter):
            angle = -1.25 + 0.34 * k + 0.1 * j0  # from the horizontal, upwards negative
            length = 2.3 + 0.3 * j1 + 0.10 * k  # half
            thick = (0.27 + 0.004 * k + 0.03 * j2) * girth
            x, y = x0 + cos(angle) * length, y0 + sin(angle) * length
            rows.append((side * x, y, 1 + j3, length, thick, thick, side * angle))
            x, y = x + cos(angle) * length * 0.8, y + sin(angle) * length * 0.8
            for turn in (0.34 + 0.1 * j4, -0.30 + 0.1 * j4):
                fork, half = angle + turn, 0.8 * length
                rows.append(
                    (
                        side * (x + cos(fork) * half),
                        y + sin(fork) * half,
                        j3,
                        half,
                        0.7 * thick,
                        0.7 * thick,
                        side * fork,
                    )
                )
    return rows


def attenuation(signs: Signs, rng: np.random.Generator, pixels: int) -> Array:
    """The line integral of attenuation (pixels, pixels), without unit, along each ray through one patient."""
    patient = Patient(signs, rng)
    g = patient.draws
    screen = Screen(
        pixels, 33.2 * (1.0 + 0.05 * g[16]) * (0.5 + 0.5 * patient.wide), x=0.5 * g[17], y=0.8 + 0.8 * g[18]
    )
    rays = Rays(screen, patient.names, patient.organs)
    canvas = np.zeros((pixels, pixels), dtype=np.float32)
    for name in ("trunk", "neck", "right shoulder", "left shoulder", "right arm", "left arm"):
        window = rays.window(name)  # one body: the union of overlapping parts
        np.maximum(canvas[window], rays.half_chord(name, window), out=canvas[window])
    canvas *= np.float32(2 * SOFT)

    air = np.zeros_like(canvas)
    clear, noise = opacities(patient.pose, signs, rng, screen)
    for name, side in zip(LUNGS, SIDES, strict=True):
        length = rays.carved(f"{name} lung", ("mediastinum", "heart", "aorta", "pulmonary trunk", f"{name} dome"))
        window = rays.window(f"{name} lung")
        length *= aeration(screen, rays.depth(f"{name} lung", window), signs, side, window, g[21:23])
        air[window] += length
    # Vessels show only against aerated lung; where the air has gone, bronchi beside them stay dark (air bronchogram).
    markings = np.zeros_like(canvas)
    screen.add_chords(markings, patient.vessels)
    bronchogram = 0.15 * (1.0 + signs.texture[0])
    seen = clear * np.float32(1.0 + bronchogram)
    seen -= np.float32(bronchogram)
    markings *= seen
    markings *= np.minimum(air * np.float32(0.25), np.float32(1.0))
    air *= clear
    markings *= np.float32(2.2 + 1.1 * signs.texture[4])
    air -= markings
    air *= np.float32(AIR_LESS)
    canvas *= np.float32(1.0) + noise * np.float32(0.008)
    canvas -= air

    bones = 1.0 + 0.20 * signs.texture[3]
    _add_ribs(canvas, rays, patient, screen, BONE_MORE * bones)
    _add_spine(canvas, rays, patient, screen, SPINE_MORE * (0.5 + 0.5 * bones))
    for name in LUNGS:
        rays.add_chord(canvas, f"{name} clavicle", BONE_MORE * 0.85 * bones)
        rays.add_chord(canvas, f"{name} scapula", BONE_MORE * 0.6 * bones)
        rays.add_chord(canvas, f"{name} humerus", BONE_MORE * 0.7 * bones)
        rays.add_soft_chord(canvas, f"{name} breast", 0.03 + 0.12 * signs.burden[4])
        rays.add_soft_chord(canvas, f"{name} hilum", 0.08 + 0.27 * signs.absent[2])
    rays.add_chord(canvas, "trachea", -SOFT)
    if g[15] > -0.3:
        rays.add_chord(canvas, "stomach gas", -0.3 * (0.3 + g[15]) * SOFT)
    np.maximum(canvas, np.float32(0.0), out=canvas)
    return canvas


def _add_ribs(canvas: Array, rays: Rays, patient: Patient, screen: Screen, more: float) -> None:
    """Ribs: tilted parallel slabs cut out of the shell between two ellipsoids, all pairs in one closed form."""
    window = rays.window("outer cage")
    half, middle = rays.half_chord("outer cage", window), rays.middle("outer cage", window)
    hollow = np.minimum(rays.half_chord("inner cage", window), half)
    # The slabs' coordinate w = y + tilt z of the patient's frame is linear along the ray: w = level + slope z.
    normal = patient.pose[:, 1] + 0.62 * patient.pose[:, 2]
    slope = np.float32(normal[2])
    level = (screen.y[window[0]] * np.float32(normal[1]))[:, None] + screen.x[window[1]] * np.float32(normal[0])
    level += middle * slope
    # No two ribs keep quite the same distance; the wave is constant along a ray, so that the integral stays exact.
    wave = np.sin(screen.y[window[0]] * np.float32(0.45) + np.float32(patient.draws[23]))
    level += (np.float32(11.4 - 0.4 * patient.draws[19]) + np.float32(0.3) * wave)[:, None]
    period = 2.55 * patient.tall
    for each, factor in ((level, 1.0), (half, float(slope)), (hollow, float(slope))):
        each *= np.float32(factor / period)
    back = slab_integral(level + half, RIBS, 0.45)
    back -= slab_integral(level + hollow, RIBS, 0.45)
    front = slab_integral(level - hollow, RIBS, 0.45)
    front -= slab_integral(level - half, RIBS, 0.45)
    # Towards the sternum ribs become cartilage, which rays hardly see.
    bony = np.clip((np.abs(screen.x[window[1]]) - np.float32(5.0)) * np.float32(0.15), 0.0, 0.8)
    front *= bony
    front *= np.clip((np.float32(15.0) - screen.y[window[0]]) * np.float32(0.15), 0.0, 1.0)[:, None]
    back += front
    back *= np.float32(more * period / float(slope))
    canvas[window] += back


def _add_spine(canvas: Array, rays: Rays, patient: Patient, screen: Screen, more: float) -> None:
    """The vertebral column: one long ellipsoid, less dense at the discs, denser at the pedicles."""
    window = rays.window("spine")
    chord = rays.half_chord("spine", window)
    phase = (screen.y[window[0]] + np.float32(patient.draws[20])) * np.float32(2 * pi / (2.7 * patient.tall))
    wave = np.sin(phase)
    body = np.float32(0.86) + np.float32(0.22) * np.clip(wave * np.float32(2.0), -1.0, 1.0)
    across = (
        np.abs(screen.x[window[1]] - np.float32(patient.organs[patient.names.index("spine"), 0])) - np.float32(1.0)
    ) * np.float32(2.2)
    pedicle = np.maximum(np.float32(1.0) - across * across, np.float32(0.0)) * np.float32(0.3)
    chord *= body[:, None] + np.maximum(wave, np.float32(0.0))[:, None] * pedicle
    chord *= np.float32(2.0 * more)
    canvas[window] += chord

"""One phantom patient: organs drawn at random, signs put where the codes want them, and what the rays lose on their way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import pi, sqrt

import numpy as np

from semiray.radiographs.phantom_geometry import (
    Array,
    Projected,
    Screen,
    Window,
    carved,
    pose_matrix,
    project,
    slab_integral,
)

__all__ = ["Signs", "attenuation"]

# Effective linear attenuation at about 70 keV (1/cm); "more" is what an organ adds to the soft tissue that it displaces.
SOFT = 0.19
AIR_LESS = 0.15  # soft tissue minus aerated lung
BONE_MORE = 0.52
SPINE_MORE = 0.22

LUNG_NAMES = ("right", "left")  # the patient's; the right lung is on the image's left
SIDES = (-1.0, 1.0)


@dataclass(frozen=True, slots=True)
class Signs:
    """What the codes ask of a patient: five numbers a factor, lead first; see docs/phantom.md for each one's part."""

    label: int
    absent: Sequence[float]  # 1 - survival: 0 or 1
    burden: Sequence[float]  # 1 - exp(-duration / 12 days): 0 to 1
    place: Sequence[float]  # presentation: -1 to 1
    texture: Sequence[float]  # texture: -1 to 1


class Patient:
    """Organs of one patient, drawn with ``rng`` and shaped by ``signs``, projected and ready for the rays."""

    def __init__(self, signs: Signs, rng: np.random.Generator) -> None:
        self._rows: list[tuple[float, ...]] = []
        self._names: dict[str, int] = {}
        self.draws: list[float] = np.clip(rng.standard_normal(24), -2.0, 2.0).tolist()
        g, absent, burden, place = self.draws, signs.absent, signs.burden, signs.place
        self.roll, self.yaw = 0.025 * g[0], 0.05 * g[1]
        self.wide, self.tall = 1.0 + 0.035 * g[2], 1.0 + 0.04 * g[3]
        self.shift = 1.3 * place[3] + 0.15 * g[4]  # mediastinum, towards the patient's left for positive values
        w, t, shift = self.wide, self.tall, self.shift
        high = 1.9 * absent[3]  # poor inspiration raises the diaphragm
        tilt = 1.1 * place[4]

        trunk = (15.3 + 2.0 * burden[1] + 0.3 * g[5]) * w
        self._add("trunk", 0, 12, 0, trunk, 31, 10.5 + 0.5 * g[6])
        self._add("neck", 0, -22, 1, 5.4, 12, 6.0)
        for name, side in zip(LUNG_NAMES, SIDES, strict=True):
            self._add(f"{name} shoulder", side * 13.0 * w, -12.0 + 0.5 * g[7], 1, 9.0, 5.0, 6.5, side * 0.42)
            self._add(f"{name} lung", side * 6.7 * w, 3.0, 0.5, 5.6 * w, 14.6 * t, 8.2, -side * -0.10)
            dome = 16.4 - high + (-0.5 + tilt if side < 0 else 0.5 - tilt) + 0.25 * g[8]
            self._add(f"{name} dome", side * 5.6 * w, dome + 1.0, -0.5, 8.2 * w, 8.6, 11.0)
            self._add(
                f"{name} clavicle",
                side * 7.2 * w,
                -11.0 + 0.5 * g[9],
                -6,
                6.6,
                0.62,
                0.65,
                -side * (0.20 + 0.06 * g[10]),
            )
            scapula = (11.6 + 1.5 * place[2] + 0.2 * g[11]) * w
            self._add(f"{name} scapula", side * scapula, -5.5, 8, 2.3, 6.0, 0.45, -side * 0.22)
            self._add(f"{name} humerus", side * 18.0 * w, -9.0, 0, 1.5, 6.0, 1.4, -side * 0.25)
            self._add(f"{name} breast", side * 7.8 * w, 8.6, -8, 5.2, 4.6, 2.4)
            self._add(f"{name} hilum", side * 3.7 + 0.7 * shift, -0.6, 1, 1.5, 2.5, 1.6, side * 0.25)
        heart = 1.0 + 0.04 * g[12] + 0.24 * absent[4]
        self._add("heart", 1.7 + shift, 6.0 - 0.6 * high, -2, 6.0 * heart, 4.7 * heart, 4.8, 0.62)
        vessel = 2.3 + 1.9 * absent[1] + 0.1 * g[13]
        self._add("mediastinum", 0.35 + 0.8 * shift, 0, 0.5, vessel, 24, 9.5)
        self._add("aorta", 2.0 + 0.7 * shift, -5.2, 0.5, 1.7, 1.9, 6.0)
        self._add("spine", 0, 2, 6, 1.75, 60, 1.7)
        self._add("trachea", 0.5 * shift - 0.1, -15, 1, 0.85, 9.5, 0.9)
        self._add("outer cage", 0, 5.0, 0, 13.7 * w, 19.2 * t, 10.0)
        self._add("inner cage", 0, 5.0, 0, 13.0 * w, 18.5 * t, 9.2)
        self._add("stomach gas", 6.2 + 0.5 * g[14], 13.6 - high, -2, 2.6, 1.3, 1.2 + 0.6 * g[15])
        self._add_vessels(rng, 1.0 + 0.45 * signs.texture[4])
        self.pose = pose_matrix(self.roll, self.yaw)
        self._projected = project(self._rows, self.pose)

    def _add(self, name: str, x: float, y: float, z: float, a: float, b: float, c: float, angle: float = 0.0) -> None:
        self._names[name] = len(self._rows)
        self._rows.append((x, y, z, a, b, c, angle))

    def _add_vessels(self, rng: np.random.Generator, girth: float) -> None:
        """Vessels fan out from the hila and fork once: thin ellipsoids."""
        self.first_vessel = len(self._rows)
        jitter = rng.standard_normal((2, 9, 5)).tolist()
        for side, row in zip(SIDES, jitter, strict=True):
            for k, (j0, j1, j2, j3, j4) in enumerate(row):
                fan = -1.15 + 0.29 * k + 0.1 * j0  # radians from the horizontal, upwards negative
                length = 2.6 + 0.35 * j1 + 0.12 * k
                thick = (0.26 + 0.03 * k / 8 + 0.03 * j2) * girth
                x, y = 3.6 + 0.7 * self.shift * side, -0.4
                cosine, sine = float(np.cos(fan)), float(np.sin(fan))
                x, y = x + cosine * length * 0.9, y + sine * length * 0.9
                self._rows.append((side * x, y, 1 + j3, length, thick, thick, side * fan))
                for turn in (0.35 + 0.1 * j4, -0.3 + 0.1 * j4):
                    c2, s2 = float(np.cos(fan + turn)), float(np.sin(fan + turn))
                    reach = 0.9 * length + 0.75 * length
                    self._rows.append(
                        (
                            side * (3.6 + cosine * length * 1.7 + c2 * length * 0.75),
                            -0.4 + sine * length * 1.7 + s2 * length * 0.75,
                            j3,
                            length * 0.8,
                            0.65 * thick,
                            0.65 * thick,
                            side * (fan + turn),
                        )
                    )
                    del reach

    def __getitem__(self, name: str) -> Projected:
        return self._projected[self._names[name]]

    @property
    def vessels(self) -> list[Projected]:
        return self._projected[self.first_vessel :]


def attenuation(signs: Signs, rng: np.random.Generator, pixels: int) -> Array:
    """The line integral of attenuation (pixels, pixels), dimensionless, along each ray through one patient."""
    patient = Patient(signs, rng)
    g = patient.draws
    side = 35.0 * (1.0 + 0.04 * g[16]) * (0.5 + 0.5 * patient.wide)
    screen = Screen(pixels, side, x=0.6 * g[17], y=0.8 + 0.8 * g[18])
    canvas = np.zeros((pixels, pixels), dtype=np.float32)
    for name in ("trunk", "neck", "right shoulder", "left shoulder"):  # one body: the union of overlapping parts
        window = screen.window(patient[name])
        np.maximum(canvas[window], screen.half_chord(patient[name], window), out=canvas[window])
    canvas *= np.float32(2 * SOFT)

    air = np.zeros_like(canvas)
    clear = opacities(patient, signs, rng, screen)
    markings = np.zeros_like(canvas)
    for vessel in patient.vessels:
        screen.add_chord(markings, vessel, 1.0)
    for name, where in zip(LUNG_NAMES, SIDES, strict=True):
        lung = patient[f"{name} lung"]
        window = screen.window(lung)
        organs = [patient[organ] for organ in ("mediastinum", "heart", "aorta", f"{name} dome")]
        length = carved(screen, lung, organs, window)
        length *= aeration(screen, lung, signs, where, window, g)
        air[window] += length
    in_lung = np.minimum(air * np.float32(0.25), np.float32(1.0))
    # Vessels show only against aerated lung; where air has gone, the bronchi beside them stay dark (air bronchogram).
    bronchogram = 0.35 * (1.0 + signs.texture[0])
    seen = clear * np.float32(1.0 + bronchogram)
    seen -= np.float32(bronchogram)
    markings *= seen
    markings *= in_lung
    air *= clear
    air -= markings
    air *= np.float32(AIR_LESS)
    canvas -= air

    bones = 1.0 + 0.32 * signs.texture[3]
    add_ribs(canvas, patient, screen, BONE_MORE * bones)
    add_spine(canvas, patient, screen, SPINE_MORE * (0.5 + 0.5 * bones))
    for name in LUNG_NAMES:
        screen.add_chord(canvas, patient[f"{name} clavicle"], BONE_MORE * 0.85 * bones)
        screen.add_chord(canvas, patient[f"{name} scapula"], BONE_MORE * 0.5 * bones)
        screen.add_chord(canvas, patient[f"{name} humerus"], BONE_MORE * 0.5 * bones)
        screen.add_chord(canvas, patient[f"{name} breast"], 0.03 + 0.12 * signs.burden[4])
        screen.add_chord(canvas, patient[f"{name} hilum"], 0.06 + 0.14 * signs.absent[2])
    screen.add_chord(canvas, patient["trachea"], -0.8 * SOFT)
    if g[15] > -0.5:
        screen.add_chord(canvas, patient["stomach gas"], -0.9 * SOFT)
    np.maximum(canvas, np.float32(0.0), out=canvas)
    return canvas


def add_ribs(canvas: Array, patient: Patient, screen: Screen, more: float) -> None:
    """Ribs: tilted parallel slabs cut out of the shell between two ellipsoids, all twelve pairs in one closed form."""
    outer, inner = patient["outer cage"], patient["inner cage"]
    window = screen.window(outer)
    half, middle = screen.half_chord(outer, window), screen.middle(outer, window)
    hollow = np.minimum(screen.half_chord(inner, window), half)
    # The slabs' coordinate w = y + tilt z in the patient's frame is linear along the ray: w = level + slope z.
    normal = patient.pose[:, 1] + 0.50 * patient.pose[:, 2]
    slope = np.float32(normal[2])
    level = (screen.y[window[0]] * np.float32(normal[1]))[:, None] + screen.x[window[1]] * np.float32(normal[0])
    level += middle * slope
    half *= slope
    hollow *= slope

    def filled(w: Array) -> Array:
        return slab_integral(w, -12.6 + 0.4 * patient.draws[19], 12, 2.5 * patient.tall, 1.15)

    back = filled(level + half) - filled(level + hollow)
    front = filled(level - hollow) - filled(level - half)
    # Towards the sternum ribs become cartilage, which rays hardly see.
    bony = np.clip((np.abs(screen.x[window[1]]) - np.float32(4.0)) * np.float32(0.2), 0.0, 1.0)
    back += front * bony
    back *= np.float32(more / float(slope))
    canvas[window] += back


def add_spine(canvas: Array, patient: Patient, screen: Screen, more: float) -> None:
    """The vertebral column: one long ellipsoid, less dense at the discs, denser at the pedicles."""
    spine = patient["spine"]
    window = screen.window(spine)
    chord = screen.half_chord(spine, window)
    phase = (screen.y[window[0]] + np.float32(patient.draws[20])) * np.float32(2 * pi / (2.7 * patient.tall))
    wave = np.sin(phase)
    body = np.float32(0.86) + np.float32(0.22) * np.clip(wave * np.float32(2.0), -1.0, 1.0)
    across = (np.abs(screen.x[window[1]] - np.float32(spine.x)) - np.float32(1.0)) * np.float32(2.2)
    pedicle = np.maximum(np.float32(1.0) - across * across, np.float32(0.0)) * np.float32(0.3)
    chord *= body[:, None] + np.maximum(wave, np.float32(0.0))[:, None] * pedicle
    chord *= np.float32(2.0 * more)
    canvas[window] += chord


def smoothstep(t: Array) -> Array:
    """The cubic step from 0 (t <= 0) to 1 (t >= 1)."""
    t = np.clip(t, np.float32(0.0), np.float32(1.0))
    return t * t * (np.float32(3.0) - np.float32(2.0) * t)


def aeration(screen: Screen, lung: Projected, signs: Signs, side: float, window: Window, g: Sequence[float]) -> Array:
    """Share of one lung's air that effusion, apical cap and pleural rim leave on each ray (0 to 1)."""
    x, y = screen.x[window[1]] * np.float32(side), screen.y[window[0]]
    # Fluid is level for the eye that looks from the side and climbs along the chest wall: the meniscus.
    ill = signs.label != 0
    level, climb = (10.2, 5.5) if ill else (12.0, 4.0)
    level += 0.35 * g[21] + 0.35 * side * g[22]
    lateral = np.clip((x - np.float32(2.0)) * np.float32(0.1), 0.0, 1.2)
    surface = np.float32(level) - np.float32(climb) * lateral * lateral
    air = np.float32(1.0) - np.float32(0.92 * signs.absent[0]) * smoothstep((y[:, None] - surface) * np.float32(0.45))
    apex = smoothstep((np.float32(-4.5) - y) * np.float32(0.25))
    air *= (np.float32(1.0) - np.float32(0.06 + 0.42 * signs.burden[2]) * apex)[:, None]
    rim = np.clip(np.float32(1.0) - screen.depth(lung, window) * np.float32(2.2), 0.0, 1.0)
    rim *= np.clip((x - np.float32(5.5)) * np.float32(0.3), 0.0, 1.0)
    air *= np.float32(1.0) - np.float32(0.55 * signs.burden[3]) * rim
    return air


def grain(rng: np.random.Generator, screen: Screen, scale: float, stretch: float) -> Array:
    """A smooth random field of about unit variance; ``scale`` is the grain in cm, ``stretch`` > 0 draws it out upwards."""
    nodes = 26
    values = rng.standard_normal((nodes, nodes), dtype=np.float32)

    def basis(points: Array, spacing: float) -> Array:
        u = np.abs(points[:, None] / np.float32(spacing) - (np.arange(nodes, dtype=np.float32) - nodes / 2))
        return np.maximum(np.float32(1.0) - u * u * np.float32(0.444), np.float32(0.0)) ** 2

    rows, columns = basis(screen.y, scale * 2.0**stretch), basis(screen.x, scale * 2.0**-stretch)
    field: Array = rows @ values @ columns.T
    return field


def opacities(patient: Patient, signs: Signs, rng: np.random.Generator, screen: Screen) -> Array:
    """Share of the air that disease leaves in the lungs on each ray (0 to 1)."""
    burden, place, texture = signs.burden, signs.place, signs.texture
    noise = grain(rng, screen, 1.5 - 0.35 * texture[0], 0.55 * texture[2])
    u = rng.uniform(-1.0, 1.0, (16, 4)).tolist()
    clear = np.ones((screen.pixels, screen.pixels), dtype=np.float32)
    share = [0.5 * (1.0 + s * place[0]) for s in SIDES]
    size = 0.85 + 0.5 * burden[1]
    dense = 0.62 + 0.28 * texture[0]
    sharp = 0.55 * 3.0 ** (0.5 * (1.0 + texture[0]))
    stretch = 1.25 ** texture[2]
    zone, lateral = 4.2 * place[1], 1.3 * place[2]
    patches: list[tuple[float, ...]] = []  # x, y, a, b, strength
    if signs.label == 1:
        extent = (0.65 + 0.55 * burden[0]) * size
        for side, part in zip(SIDES, share, strict=True):
            strength = dense * (0.55 + 0.45 * burden[0]) * float(np.clip(1.6 * part - 0.3, 0.0, 1.0))
            x = side * (6.4 + lateral + 0.4 * u[0][0])
            patches.append((x, 1.0 + zone + 0.8 * u[0][1], 3.9 * extent / stretch, 4.3 * extent * stretch, strength))
    elif signs.label == 2:
        for k in range(16):
            side, row = SIDES[k % 2], u[k]
            part = 0.25 + 0.75 * share[k % 2]
            grown = float(np.clip(0.55 + 1.6 * burden[0] - 0.14 * (k // 2), 0.0, 1.0))
            strength = dense * (0.5 + 0.4 * burden[0]) * part * grown
            y = -6.5 + 2.05 * ((k // 2 * 5) % 8) + row[1] + 0.6 * zone
            x = side * (6.4 + lateral + 2.9 * row[0])
            reach = (1.55 + 0.45 * row[2]) * size
            patches.append((x, y, reach / stretch, reach * stretch, strength))
    if patches:
        for patch, (*_, strength) in zip(
            project([(x, y, 0, a, b, 1, 0) for x, y, a, b, _ in patches], patient.pose), patches, strict=True
        ):
            if strength <= 0:
                continue
            window = screen.window(patch, margin=sqrt(1.0 + 0.5 / sharp) + 0.35)
            edge = screen.depth(patch, window)
            edge += noise[window] * np.float32(0.3)
            edge *= np.float32(sharp)
            clear[window] *= np.float32(1.0) - np.float32(strength) * smoothstep(edge + np.float32(0.5))
    # What every lung shows, ill or not: a haze and mottle that follow the same codes, faintly.
    veil = [0.02 + 0.10 * burden[0] + 0.09 * part + 0.04 * texture[0] for part in share]
    blend = np.clip(screen.x * np.float32(0.25) + np.float32(0.5), 0.0, 1.0)
    haze = np.float32(1.0 - veil[0]) + np.float32(veil[0] - veil[1]) * blend
    slope = np.float32(1.0) - np.float32(0.06) * (
        1.0 + np.float32(place[1]) * np.clip(screen.y * np.float32(0.1), -1.0, 1.0)
    )
    mottle = noise * np.float32(0.045 + 0.04 * texture[1])
    mottle += np.float32(1.0)
    clear *= mottle
    clear *= haze
    clear *= slope[:, None]
    return clear

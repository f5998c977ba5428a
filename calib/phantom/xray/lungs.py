"""The two lungs, the domes of the diaphragm below them, the heart between them and the vessels in them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from calib.phantom.xray.attenuation import LUNG, SOFT
from calib.phantom.xray.chest import Chest
from calib.phantom.xray.solids import Solids, loft, smooth_path, tube

F64 = NDArray[np.float64]

_OUTER: Final = 52
_MEDIAL: Final = 32
_WALL_RINGS: Final = 44
_BASE_RINGS: Final = 12
_INSET_MM: Final = 7.0


@dataclass(frozen=True)
class Mediastinum:
    """What pushes the lungs apart. Heart: centre (x, y), half axes in its tilted frame, half width left and right."""

    heart_x_mm: float
    heart_y_mm: float
    heart_half_mm: tuple[float, float]
    heart_tilt_rad: float
    heart_left_mm: float
    heart_right_mm: float

    def half_width(self, chest: Chest, y_mm: F64, x_mm: F64, side: float) -> F64:
        """Distance in mm from the mid-plane to the inner face of a lung."""
        scale = chest.scale
        ahead = x_mm - chest.at("column_x_mm", y_mm)
        # Bodies of the vertebrae and what lies before them; the gutters beside them are lung.
        spine = 15.0 * scale / (1.0 + np.exp((np.abs(ahead) - 17.0 * scale) / (3.0 * scale)))
        middle = 9.0 * scale * np.exp(-(((ahead - 38.0 * scale) / (30.0 * scale)) ** 2))
        vessels = 16.0 * scale / (1.0 + np.exp((chest.level("T5") - y_mm) / (12.0 * scale)))
        c, s = np.cos(self.heart_tilt_rad), np.sin(self.heart_tilt_rad)
        dx, dy = x_mm - self.heart_x_mm, y_mm - self.heart_y_mm
        q = ((c * dx + s * dy) / self.heart_half_mm[0]) ** 2 + ((-s * dx + c * dy) / self.heart_half_mm[1]) ** 2
        reach = self.heart_left_mm if side < 0 else self.heart_right_mm
        heart = reach * np.sqrt(np.clip(1.0 - q, 0.0, 1.0))
        return np.asarray(np.maximum(7.0 * scale + spine + np.maximum(middle, vessels * (ahead > -20)), heart))


@dataclass(frozen=True)
class Breath:
    """Heights in mm of the diaphragm: tops of the domes, and the recesses in front and behind (left, right)."""

    dome_mm: tuple[float, float]
    front_mm: float
    back_mm: float


def breath_of(chest: Chest, rng: np.random.Generator) -> Breath:
    """Standing, breath held somewhere between rest and full inspiration: right dome about T10, left a little lower."""
    step = (chest.level("T9") - chest.level("T11")) / 2.0
    right = chest.level("T10") + step * rng.normal(-0.1, 0.35)
    left = right - rng.normal(10.0, 6.0) * chest.scale
    front = min(left, right) - rng.uniform(14.0, 34.0) * chest.scale
    return Breath((left, right), front, chest.level("L1") + rng.normal(8.0, 6.0) * chest.scale)


def mediastinum_of(chest: Chest, breath: Breath, rng: np.random.Generator) -> Mediastinum:
    """A heart that rests on the diaphragm behind the sternum."""
    scale = chest.scale
    half = (46.0 * scale * rng.normal(1.0, 0.06), 60.0 * scale * rng.normal(1.0, 0.06))
    y = 0.5 * sum(breath.dome_mm) + 0.30 * half[1]
    front = float(chest.at("mid_x_mm", np.array(y)) + chest.at("half_depth_mm", np.array(y)))
    return Mediastinum(
        front - 12.0 * scale - 0.95 * half[0], y, half, np.radians(rng.normal(28.0, 6.0)),
        64.0 * scale * rng.normal(1.0, 0.06), 37.0 * scale * rng.normal(1.0, 0.06),
    )


def lungs(chest: Chest, breath: Breath, mediastinum: Mediastinum) -> Solids:
    """Solids of both lungs, which replace soft tissue by air and little else."""
    return Solids.joined(
        Solids.of(loft(_lung_rings(chest, breath, mediastinum, side)[None]), LUNG - SOFT) for side in (-1.0, 1.0)
    )


def _lung_rings(chest: Chest, breath: Breath, mediastinum: Mediastinum, side: float) -> F64:
    """(rings, points, 3): from the apex down the wall to the recess, then in over the dome."""
    phi_out = np.radians(np.linspace(10.0, 170.0, _OUTER))
    # Inner face, front to back, by the angle of the wall point at the same depth.
    phi_in = np.radians(np.linspace(166.0, 14.0, _MEDIAL))
    phi = np.concatenate([phi_out, phi_in])
    ahead = 0.5 - 0.5 * np.cos(phi)
    recess = breath.back_mm + (breath.front_mm - breath.back_mm) * ahead**0.8
    # The lowest part of the recess is behind; on the inner face the diaphragm joins the mediastinum higher up.
    inner = np.r_[np.zeros(_OUTER), np.sin(np.linspace(0, np.pi, _MEDIAL)) ** 0.7]
    dome = breath.dome_mm[0 if side < 0 else 1]
    recess = recess + inner * 0.75 * np.clip(dome - recess, 0.0, None)
    apex = chest.level("T1") + 6.0 * chest.scale
    down = np.linspace(0.0, 1.0, _WALL_RINGS)[:, None] ** 0.85
    y = apex + down * (recess - apex)
    forward, right = chest.wall(y, phi, _INSET_MM * chest.scale)
    # Fat and the thymus keep the lungs off the sternum.
    forward = forward * np.where(forward > 0, 1.0 - 9.0 * chest.scale / chest.at("half_depth_mm", y), 1.0)
    middle_x = chest.at("mid_x_mm", y)
    limit = 0.97 * chest.half_width_at(y, forward, _INSET_MM * chest.scale)
    inner_face = np.minimum(mediastinum.half_width(chest, y, middle_x + forward, side), limit)
    across = np.where(np.arange(phi.size) < _OUTER, np.maximum(right, inner_face), inner_face)
    # Rounded apex.
    cap = np.sqrt(np.clip(1.0 - ((0.14 - down) / 0.14).clip(0.0) ** 2, 0.02, 1.0))
    forward = forward.mean(axis=1, keepdims=True) + cap * (forward - forward.mean(axis=1, keepdims=True))
    across = across.mean(axis=1, keepdims=True) + cap * (across - across.mean(axis=1, keepdims=True))
    wall = chest.place(y, forward, side * across)
    shrink = np.linspace(0.94, 0.04, _BASE_RINGS)[:, None]
    centre = wall[-1].mean(axis=0) + np.array([10.0 * chest.scale, 0.0, 0.0])
    base = centre + shrink[..., None] * (wall[-1] - centre)
    lift = (1.0 - shrink**2.3) ** 0.8
    base[..., 1] = recess + (dome - recess) * lift
    return np.concatenate([wall, base])


def vessels(chest: Chest, breath: Breath, rng: np.random.Generator) -> Solids:
    """Branching pulmonary vessels and bronchial walls, fanning out from the two hila."""
    scale, mains, count = chest.scale, 40, 10
    y_hilum = 0.5 * (chest.level("T6") + chest.level("T7"))
    column = float(chest.at("column_x_mm", np.array(y_hilum)))
    floor, top = max(breath.dome_mm) + 6.0, chest.level("T2")
    paths, radii = [], []

    def grow(start: F64, end: F64, radius: F64, wander_mm: float) -> F64:
        """Vessels from (B, 3) to (B, 3), swerving on the way; radii (B, count)."""
        at = np.linspace(0.0, 1.0, 5)[:, None]
        line = start[:, None] + at * (end - start)[:, None]
        line[:, 1:-1] += rng.normal(0.0, wander_mm * scale, (len(start), 3, 3))
        path = smooth_path(line, count)
        paths.append(path)
        radii.append(radius)
        return path

    for side in (-1.0, 1.0):
        hilum = np.array([column + 34.0 * scale, y_hilum + side * 6.0 * scale, side * 28.0 * scale])
        # Most vessels run down: gravity fills the bases.
        y = np.clip(rng.normal(chest.level("T9"), 60.0 * scale, mains), floor - 30.0, top)
        phi = np.radians(rng.uniform(8.0, 160.0, mains))
        f, r = chest.wall(y, phi, 16.0 * scale)
        far = chest.place(y, f, side * np.maximum(r, 24.0 * scale))
        start = hilum + rng.normal(0.0, 1.0, (mains, 3)) * np.array([11.0, 15.0, 8.0]) * scale
        end = start + rng.uniform(0.6, 0.95, (mains, 1)) * (far - start)
        radius = np.linspace(1.0, 0.25, count) * rng.uniform(1.1, 3.0, (mains, 1)) * scale
        main = grow(start, end, radius, 4.5)
        for at in (2, 4, 6, 7):
            root = main[:, at]
            reach = rng.uniform(0.4, 1.0, (mains, 1)) * (main[:, -1] - root)
            stem = radius[:, at : at + 1]
            tip = root + reach + rng.normal(0.0, 15.0 * scale, (mains, 3))
            root = grow(root, tip, stem * np.linspace(0.8, 0.25, count), 3.0)[:, 5]
            tip = root + 0.6 * reach + rng.normal(0.0, 14.0 * scale, (mains, 3))
            grow(root, tip, stem * np.linspace(0.55, 0.2, count), 2.0)
    path, half = np.concatenate(paths), np.repeat(np.concatenate(radii)[..., None], 2, axis=-1)
    inside = path[..., 1].min(axis=1) > floor - 40.0
    return Solids.of(tube(path[inside], half[inside], np.array([0.31, 0.2, 0.93]), around=5), SOFT - LUNG)

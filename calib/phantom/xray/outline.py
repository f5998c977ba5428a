"""The trunk's outline in the posture of the radiograph, and its chord lengths row by row.

The skin is a stack of superelliptic sections; fat lies between it and the muscles, which are the same stack, thinner.
In front it is the plain smooth silhouette of ``Torso``: nothing else is known or drawn there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numba
import numpy as np
from numpy.typing import NDArray

from calib.phantom.subject import Spine, Subject
from calib.phantom.xray.attenuation import FAT, SOFT
from calib.phantom.xray.solids import signed_power
from edge.view.grid import Grid

F64 = NDArray[np.float64]
F32 = NDArray[np.float32]

_AROUND: Final = 360


@dataclass(frozen=True)
class Outline:
    """Horizontal sections by height, all (N,) on ``y_mm`` (ascending).

    back_mm, front_mm: x of skin; half_width_mm about mid_z_mm; twist_deg about the vertical; fat_mm: thickness of the
    fat behind (in front it is 1.3 times, at the sides 0.8 times as thick); sway_mm: how far the left half lies ahead
    of the right one, which doubles the contours; exponent of the superellipse.
    """

    y_mm: F64
    back_mm: F64
    front_mm: F64
    half_width_mm: F64
    mid_z_mm: F64
    twist_deg: F64
    fat_mm: F64
    sway_mm: F64
    exponent: float

    def at(self, name: str, y_mm: NDArray[np.floating]) -> F64:
        """One of the arrays, interpolated at heights ``y_mm``."""
        return np.interp(y_mm, self.y_mm, getattr(self, name))


def _column_x(spine: Spine, y_mm: F64) -> F64:
    line = np.concatenate([spine.centres_mm, np.zeros((1, 3))])[::-1]
    return np.interp(y_mm, line[:, 1], line[:, 0])


def outline_of(subject: Subject, neck_top_mm: float, rng: np.random.Generator) -> Outline:
    """Outline of ``subject`` with its trunk carried along from the photograph's posture to the radiograph's.

    Above ``neck_top_mm`` (inside the head) the neck tapers out.
    """
    torso, y = subject.torso, subject.torso.y_mm
    shift = _column_x(subject.spine_radiograph, y) - _column_x(subject.spine_photo, y)
    traits = subject.traits
    share = np.clip(y / subject.spine_radiograph.centres_mm[0, 1], -0.6, 1.2)
    fatness = float(np.clip(1.0 + 0.33 * traits.adiposity, 0.35, 2.2)) * (1.15 if traits.sex == "female" else 0.85)
    thickness = np.interp(share, [-0.6, -0.25, 0.0, 0.2, 0.5, 0.9, 1.1], [15.0, 21.0, 15.0, 9.0, 6.5, 7.0, 4.0])
    taper = np.sqrt(np.clip(1.0 - ((y - neck_top_mm) / 70.0).clip(0.0) ** 2, 1e-4, 1.0))
    middle = 0.5 * (torso.front_x_mm + torso.back_x_mm) + shift
    half = 0.5 * (torso.front_x_mm - torso.back_x_mm) * taper
    # The thighs, side by side, below the fold of the buttock.
    size = traits.stature_mm / 1650.0
    rounding = np.clip(-y - 105.0 * size, 0.0, 72.0 * size)
    step = rounding**2 / (2 * 80.0 * size)
    low = np.clip((40.0 - y) / 160.0, 0.0, 1.0)
    return Outline(
        y_mm=y,
        back_mm=middle - half + step,
        front_mm=middle + half - 0.15 * step,
        half_width_mm=torso.half_width_mm * taper * (1.0 - 0.0015 * step),
        mid_z_mm=torso.mid_z_mm,
        twist_deg=torso.twist_deg,
        fat_mm=np.clip(thickness * fatness, 2.0, 0.25 * half),
        sway_mm=rng.normal(0.0, 2.0) + rng.normal(0.0, 9.0) * low,
        exponent=torso.exponent,
    )


@numba.njit(cache=True)
def _sections(out: F32, axes: F64, unit: F64, weight: float) -> None:
    """Chords of superelliptic sections, one per row; ``axes``: middle u and z, half u and z (pixels), turn (rad)."""
    points = unit.shape[0]
    cols = out.shape[1]
    for row in range(out.shape[0]):
        middle_u, middle_z, half_u, half_z = axes[row, 0], axes[row, 1], axes[row, 2], axes[row, 3]
        cos, sin = np.cos(axes[row, 4]), np.sin(axes[row, 4])
        x, z = half_u * unit[points - 1, 0], half_z * unit[points - 1, 1]
        u_last, z_last = middle_u + cos * x - sin * z, middle_z + sin * x + cos * z
        for k in range(points):
            x, z = half_u * unit[k, 0], half_z * unit[k, 1]
            u_here, z_here = middle_u + cos * x - sin * z, middle_z + sin * x + cos * z
            ua, za, ub, zb, gain = u_last, z_last, u_here, z_here, weight
            if ub < ua:
                ua, ub, za, zb, gain = ub, ua, zb, za, -weight
            for col in range(max(int(np.ceil(ua)), 0), min(int(np.ceil(ub)), cols)):
                out[row, col] += gain * (za + (col - ua) * (zb - za) / (ub - ua))
            u_last, z_last = u_here, z_here


def add_trunk(out: F32, outline: Outline, grid: Grid) -> None:
    """Add the attenuation of skin, fat and muscle of the trunk to ``out`` (rows, cols) on ``grid``, in place."""
    y = grid.y_of(np.arange(grid.rows, dtype=np.float64))
    angle = np.linspace(0.0, 2 * np.pi, _AROUND, endpoint=False)
    # u runs backwards: x and the turn change their signs. z is in pixels, so that sections turn undistorted.
    unit = np.stack([-signed_power(np.cos(angle), 2.0 / outline.exponent),
                     signed_power(np.sin(angle), 2.0 / outline.exponent)], axis=1)
    names = ("back_mm", "front_mm", "half_width_mm", "mid_z_mm", "twist_deg", "fat_mm", "sway_mm")
    back, front, half_width, mid_z, twist, fat, sway = (outline.at(n, y) for n in names)
    layers = ((0.0, 0.5 * FAT), (1.0, 0.5 * (SOFT - FAT)))
    for (inset, weight), side in ((layer, side) for layer in layers for side in (-0.5, 0.5)):
        behind, ahead = back + inset * fat, front - 1.3 * inset * fat
        axes = np.stack([
            grid.col_of(0.5 * (ahead + behind) - side * sway), mid_z / grid.mm_per_px,
            0.5 * (ahead - behind) / grid.mm_per_px, (half_width - 0.8 * inset * fat) / grid.mm_per_px,
            -np.radians(twist),
        ], axis=1)
        _sections(out, np.ascontiguousarray(axes), unit, weight * grid.mm_per_px)

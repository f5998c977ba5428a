"""Trousers: everything below the waistband is cloth, in depth and in colour, on the trunk's grid and on the legs'.

The cloth spans what it covers: one broad draped volume, a band, folds; no body is modelled beneath it.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from calib.phantom.appearance import Appearance
from calib.phantom.height_field import FALL, Field, rounded, smooth_min, smooth_step
from calib.phantom.subject import Subject
from calib.phantom.trunk import TrunkRows

BAND_MM: Final = 32.0
"""Height of the elastic waistband."""
_BAND_THICK_MM: Final = 3.0

# Heights as shares of stature below S1 (S1 stands at about 0.57, crotch at 0.47, knee at 0.285, floor at 0).
S1_HEIGHT: Final = 0.57
_CROTCH: Final = -0.100
_KNEE: Final = -0.285
_LEGS_FROM: Final = 0.100  # the trunk's sections pass over into the legs from here ...
_LEGS_OVER: Final = 0.070  # ... over this height
TRUNK_BOTTOM: Final = -0.180


def cloth_folds(look: Appearance, y_mm: Field, z_mm: Field) -> Field:
    """Draped folds in mm (positive: backwards), a few crossing waves that are warped along their length."""
    y, z = np.broadcast_arrays(y_mm, z_mm)
    total = np.zeros(y.shape, np.float32)
    for amplitude, wave_y, wave_z, phase, waviness in look.fold_waves:
        bend = waviness * np.sin(0.013 * y + 0.017 * z + phase)
        ridge = np.sin(wave_y * y + wave_z * z + phase + bend)
        total += amplitude * (np.exp(1.6 * ridge) / 4.95 - 0.35)
    return np.asarray(total, dtype=np.float32)


def below_band(subject: Subject, y_mm: Field) -> Field:
    """Depth in mm below the waistband's upper edge (negative above it)."""
    return np.asarray(subject.torso.waistband_y_mm - y_mm, dtype=np.float32)


def dressed(
    subject: Subject, look: Appearance, rows: TrunkRows, z_mm: Field, x_mm: Field, inside_mm: Field
) -> tuple[Field, Field]:
    """Put the trousers over the trunk and pass over into the legs: (x_mm, inside_mm)."""
    down = below_band(subject, rows.y_mm)
    leg_x, leg_inside = leg_shapes(subject, rows.y_mm[:, 0], z_mm)
    share = smooth_step((-rows.y_mm / subject.traits.stature_mm - _LEGS_FROM) / _LEGS_OVER)
    x = x_mm + share * (leg_x - x_mm)
    inside = inside_mm + share * (leg_inside - inside_mm)
    out = drape(subject, look, rows.y_mm, z_mm[None, :], rows.half_width_mm, rows.mid_z_mm)
    # The trousers' outline stands off by about 3 mm.
    widened = inside + out + smooth_step(down / 1.5) * (1.0 - share) * 3.0 * FALL
    return np.asarray(x - out, np.float32), np.asarray(widened, np.float32)


def drape(
    subject: Subject, look: Appearance, y_mm: Field, z_mm: Field, half_width_mm: Field, mid_z_mm: Field
) -> Field:
    """How far the cloth stands out backwards from the smooth shape below it, mm; 0 above the waistband."""
    scale = subject.traits.stature_mm / 1600.0
    down, across = below_band(subject, y_mm), z_mm - mid_z_mm
    cloth = smooth_step(down / 1.5)
    band = cloth * smooth_step((BAND_MM - down) / 4.0 + 1.0)
    loose = smooth_step((down - 0.7 * BAND_MM) / 40.0)
    offset = 1.5 * cloth + _BAND_THICK_MM * band + look.cloth_offset_mm * loose

    # Cloth stretched over the seat: one volume with a shallow dip where it spans the middle.
    drop = (y_mm + 0.070 * subject.traits.stature_mm) / (62.0 * scale)
    seat = np.exp(-0.5 * drop * drop) * smooth_step(down / 60.0)
    wide = across / (0.62 * half_width_mm)
    seat = look.buttock_mm * seat * np.exp(-0.5 * np.abs(wide) ** 3) * (1.0 - 0.06 * np.exp(-((across / 26.0) ** 2)))
    gathers = 0.3 * band * np.sin(0.9 * z_mm + 2.0 * np.sin(0.11 * z_mm))
    out = offset + seat + gathers + cloth_folds(look, y_mm, z_mm) * loose
    return np.asarray(np.where(down > 0.0, np.maximum(out, 0.5), 0.0), np.float32)


def leg_shapes(subject: Subject, y_mm: Field, z_mm: Field) -> tuple[Field, Field]:
    """(x_mm, inside_mm) of two smooth tubes from the hips to the floor, each (R, C)."""
    stature, torso = subject.traits.stature_mm, subject.torso
    z = z_mm[None, :]
    hip_y = -0.12 * stature
    hips, back, front = (
        float(np.interp(hip_y, torso.y_mm, a)) for a in (torso.half_width_mm, torso.back_x_mm, torso.front_x_mm)
    )
    middle = 0.5 * (back + front)
    levels = np.array([-S1_HEIGHT, -0.53, _KNEE, _CROTCH - 0.06, -0.05]) * stature
    wide = np.interp(y_mm, levels, [0.040 * stature, 0.036 * stature, 0.040 * stature, 0.54 * hips, 0.56 * hips])
    apart = np.interp(y_mm, levels, np.array([0.50, 0.50, 0.50, 0.50, 0.46]) * hips)
    deep = 1.12 * wide + np.interp(y_mm, levels, [0.0, 0.0, 0.0, 0.5, 0.6]) * (0.5 * (front - back) - 0.6 * hips)
    radius, centre, depth = (np.asarray(a, np.float32)[:, np.newaxis] for a in (wide, apart, deep))
    tubes = []
    for side in (-1.0, 1.0):
        share = np.asarray((z - side * centre) / radius, np.float32)
        tube = middle - depth * rounded(share) + FALL * 8.0 * np.maximum(np.abs(share) - 1.0, 0.0)
        tubes.append(np.asarray(tube, np.float32))
    # High up the cloth hangs across the gap between the legs.
    hang = np.interp(y_mm, levels[2:4], [12.0, 60.0]).astype(np.float32)[:, None]
    legs = smooth_min(tubes[0], tubes[1], hang)
    return legs, np.asarray(middle - legs, np.float32)


def leg_fields(subject: Subject, look: Appearance, y_mm: Field, z_mm: Field) -> tuple[Field, Field, Field]:
    """(x_mm, inside_mm, shoe) of both trouser legs and the shoes down to the floor, each (R, C)."""
    stature = subject.traits.stature_mm
    y, z = y_mm[:, None], z_mm[None, :]
    x, inside = leg_shapes(subject, y_mm, z_mm)
    half_width = np.interp(y_mm, subject.torso.y_mm, subject.torso.half_width_mm).astype(np.float32)[:, None]
    mid_z = np.interp(y_mm, subject.torso.y_mm, subject.torso.mid_z_mm).astype(np.float32)[:, None]
    shoe = np.asarray((y < -stature * (S1_HEIGHT - 0.045)) * np.ones_like(z), np.float32)
    out = drape(subject, look, y, z, half_width, mid_z) + 10.0 * shoe
    return np.asarray(x - out, np.float32), np.asarray(inside + out, np.float32), shoe

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
    """Put the trousers over the trunk: (x_mm, inside_mm)."""
    scale = subject.traits.stature_mm / 1600.0
    down = below_band(subject, rows.y_mm)
    across = z_mm[None, :] - rows.mid_z_mm
    cloth = smooth_step(down / 1.5)
    band = cloth * smooth_step((BAND_MM - down) / 4.0 + 1.0)
    loose = smooth_step((down - 0.7 * BAND_MM) / 40.0)
    offset = 1.5 * cloth + _BAND_THICK_MM * band + look.cloth_offset_mm * loose

    # Cloth stretched over the seat: one volume with a shallow dip where it spans the middle.
    seat_y = -0.075 * subject.traits.stature_mm
    drop = (rows.y_mm - seat_y) / (78.0 * scale)
    seat = np.exp(-0.5 * drop * drop) * smooth_step(down / 60.0)
    wide = across / (0.62 * rows.half_width_mm)
    seat = look.buttock_mm * seat * np.exp(-0.5 * np.abs(wide) ** 3) * (1.0 - 0.13 * np.exp(-((across / 20.0) ** 2)))
    gathers = 0.5 * band * np.sin(0.9 * z_mm[None, :] + 2.0 * np.sin(0.11 * z_mm[None, :]))
    out = offset + seat + gathers + cloth_folds(look, rows.y_mm, z_mm[None, :]) * loose
    out = np.where(down > 0.0, np.maximum(out, 0.5), 0.0)
    widened = inside_mm + out + cloth * 3.0 * FALL  # the trousers' outline stands off by about 3 mm
    return np.asarray(x_mm - out, np.float32), np.asarray(widened, np.float32)


def leg_fields(subject: Subject, look: Appearance, y_mm: Field, z_mm: Field) -> tuple[Field, Field, Field]:
    """(x_mm, inside_mm, shoe) of both trouser legs down to the floor, each (R, C)."""
    stature, torso = subject.traits.stature_mm, subject.torso
    y, z = y_mm[:, None], z_mm[None, :]
    hip_y = -0.12 * stature
    hips = float(np.interp(-0.08 * stature, torso.y_mm, torso.half_width_mm))
    middle = 0.5 * float(
        np.interp(hip_y, torso.y_mm, torso.back_x_mm) + np.interp(hip_y, torso.y_mm, torso.front_x_mm)
    )
    levels = np.array([-S1_HEIGHT, -0.53, _KNEE, _CROTCH - 0.03, -0.05]) * stature
    radius = np.array([0.040, 0.036, 0.040, 0.0, 0.0]) * stature
    radius[3], radius[4] = 0.54 * hips, 0.56 * hips
    radius = np.interp(y_mm, levels, radius).astype(np.float32)[:, None]
    centre = np.interp(y_mm, levels, np.array([0.50, 0.50, 0.50, 0.50, 0.46]) * hips).astype(np.float32)[:, None]
    depth = 1.12 * radius
    legs = None
    for side in (-1.0, 1.0):
        share = (z - side * centre) / radius
        leg = middle - depth * rounded(share) + FALL * 8.0 * np.maximum(np.abs(share) - 1.0, 0.0)
        legs = leg if legs is None else smooth_min(legs, leg, 12.0)
    assert legs is not None
    seam = smooth_step((-0.06 * stature - y) / 30.0)
    x = legs - 1.3 * cloth_folds(look, y, z) * seam
    shoe = np.asarray((y < -stature * (S1_HEIGHT - 0.045)) * np.ones_like(z), np.float32)
    x = x - 14.0 * shoe
    return np.asarray(x, np.float32), np.asarray(middle - x, np.float32), shoe

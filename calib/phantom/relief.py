"""Relief of the bare back: furrow and paraspinal muscles, spinous bumps, scapulae, latissimus, dimples, skin folds.

All of it is returned as millimetres by which the skin stands out backwards. Paraspinal muscles are raised beside the
furrow rather than the furrow being cut, so that the furrow's bottom stays on the mid-line profile.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from calib.phantom.appearance import Appearance, Scapula
from calib.phantom.contour import contour
from calib.phantom.height_field import Field, smooth_step
from calib.phantom.subject import Subject
from calib.phantom.trunk import TrunkRows, shoulder_height
from edge.anatomy import VERTEBRA_INDEX

STREAM: Final = 17

# Level heights used as landmarks on the skin: medial border of the scapula from T2 to T7, its spine at T3.
_SUPERIOR_ANGLE, _SCAPULAR_SPINE, _INFERIOR_ANGLE = (VERTEBRA_INDEX[k] for k in ("T2", "T3", "T8"))


def paraspinal(rows: TrunkRows, z_mm: Field, scale: float) -> Field:
    """Muscle columns on both sides of the furrow; zero at the bottom of the furrow."""
    y = rows.y_mm
    spread = scale * (21.0 + 9.0 * np.exp(-(((y - 70.0) / 110.0) ** 2)))  # further apart in the lumbar region
    share = (z_mm[None, :] - rows.furrow_z_mm) / spread
    square = share * share
    return np.asarray(rows.furrow_mm * square * np.exp(1.0 - square), dtype=np.float32)


def spinous_bumps(subject: Subject, rows: TrunkRows, z_mm: Field) -> Field:
    """Small knobs over the tips of the spinous processes; C7 and T1 stand out most (``bumps_mm`` says so)."""
    tips = subject.spine_photo.spinous_tips_mm
    along = np.zeros_like(rows.y_mm)
    uneven = np.random.default_rng([subject.traits.seed, STREAM]).uniform(0.3, 1.1, len(tips))
    uneven[:2] = 1.0  # C7 and T1 are always to be felt
    for tip, share in zip(tips[:-1], uneven, strict=False):
        along += share * np.exp(-0.5 * ((rows.y_mm - tip[1]) / 7.5) ** 2).astype(np.float32)
    across = np.exp(-0.5 * ((z_mm[None, :] - rows.spinous_z_mm) / 7.5) ** 2)
    return np.asarray(rows.bumps_mm * np.minimum(along, 1.0) * across, dtype=np.float32)


def scapula(subject: Subject, look: Appearance, blade: Scapula, side: int, rows: TrunkRows, z_mm: Field) -> Field:
    """One shoulder blade: plate that rises at its medial border and merges laterally, and the ridge of its spine."""
    scale = subject.traits.stature_mm / 1600.0
    heights = subject.spine_photo.centres_mm[:, 1] + blade.up_mm
    tilt = np.tan(np.deg2rad(subject.torso.shoulder_tilt_deg)) * side * 80.0
    top, bottom = heights[_SUPERIOR_ANGLE] + tilt, heights[_INFERIOR_ANGLE] + tilt
    y, out = rows.y_mm, side * (z_mm[None, :] - rows.spinous_z_mm)

    along = np.clip((y - bottom) / (top - bottom), -0.3, 1.3)
    border = scale * (71.0 + blade.out_mm - 10.0 * along + 7.0 * (along - 0.45) ** 2)
    lateral = out - border
    rising = 1.0 / (1.0 + np.exp(-np.clip(lateral / 7.0, -30, 30)))
    merging = np.exp(-((np.maximum(lateral, 0.0) / (52.0 * scale)) ** 2))
    lower_edge = bottom + 0.95 * np.maximum(lateral, 0.0)  # the lateral border climbs to the shoulder joint
    window = 1.0 / (1.0 + np.exp(-np.clip((y - lower_edge) / 11.0, -30, 30)))
    window = window / (1.0 + np.exp(-np.clip((top - y) / 20.0, -30, 30)))
    along_border = 1.0 - 0.75 * blade.tilt * smooth_step(np.asarray(along, np.float32))
    plate = blade.height_mm * rising * merging * window * along_border

    start_y = heights[_SCAPULAR_SPINE] + tilt
    start_out = scale * (64.0 + blade.out_mm)
    end_out = look.biacromial_half_mm * 0.97
    end_y = float(shoulder_height(subject, np.array([side * end_out], np.float32))[0]) - 16.0 * scale
    t = np.clip((out - start_out) / (end_out - start_out), 0.0, 1.0)
    ridge_y = start_y + t * (end_y - start_y)
    ends = np.exp(-(((out - start_out - t * (end_out - start_out)) / 18.0) ** 2))
    ridge = 0.26 * blade.height_mm * np.exp(-(((y - ridge_y) / (15.0 * scale)) ** 2)) * ends
    return np.asarray(plate + ridge, dtype=np.float32)


def latissimus(subject: Subject, rows: TrunkRows, z_mm: Field) -> Field:
    """Broad muscle sheets that run from the axilla obliquely down to the lumbar fascia."""
    heights = subject.spine_photo.centres_mm[:, 1]
    high, low = heights[VERTEBRA_INDEX["T8"]], heights[VERTEBRA_INDEX["L2"]]
    scale = subject.traits.stature_mm / 1600.0
    t = np.clip((rows.y_mm - low) / (high - low), -0.5, 1.2)
    ridge = scale * (62.0 + 56.0 * t)
    amount = np.clip(2.2 + 1.1 * subject.traits.muscularity, 0.5, 5.0) * np.exp(-(((t - 0.6) / 0.55) ** 2))
    out = np.abs(z_mm[None, :] - rows.spinous_z_mm)
    return np.asarray(amount * np.exp(-(((out - ridge) / (26.0 * scale)) ** 2)), dtype=np.float32)


def sacral_dimples(subject: Subject, look: Appearance, rows: TrunkRows, z_mm: Field) -> Field:
    """Hollows over the posterior superior iliac spines, where no waistband hides them (negative: they go in)."""
    scale = subject.traits.stature_mm / 1600.0
    height = posterior_iliac_y_mm(subject)
    out = np.abs(z_mm[None, :] - rows.spinous_z_mm)
    spot = np.exp(-0.5 * (((rows.y_mm - height) / 8.0) ** 2 + ((out - 42.0 * scale) / 9.0) ** 2))
    return np.asarray(-look.dimple_mm * spot, dtype=np.float32)


def posterior_iliac_y_mm(subject: Subject) -> float:
    """Height of the posterior superior iliac spines: second sacral level, 2 % of stature below the S1 endplate."""
    return -0.020 * subject.traits.stature_mm


def skin_folds(subject: Subject, look: Appearance, rows: TrunkRows, z_mm: Field) -> Field:
    """Creases of the flank with the rolls beside them, and the roll above the waistband."""
    across = z_mm[None, :] - rows.mid_z_mm
    total = np.zeros((len(rows.y_mm), len(z_mm)), np.float32)
    for y_mm, side, depth_mm, reach_mm in look.waist_folds:
        from_edge = rows.half_width_mm - side * across
        centre = y_mm + 0.0011 * np.maximum(from_edge, 0.0) ** 2 * 0.5 - 0.08 * from_edge
        near = smooth_step(np.asarray(1.0 - from_edge / reach_mm, np.float32)) * (from_edge > -20)
        d = rows.y_mm - centre
        total += near * depth_mm * (0.55 * np.exp(-((np.abs(d) - 17.0) / 14.0) ** 2) - np.exp(-((d / 5.5) ** 2)))
    fat = max(0.0, 0.6 + 1.6 * subject.traits.adiposity)
    above = rows.y_mm - (subject.torso.waistband_y_mm + 13.0)
    sides = smooth_step(np.abs(across) / rows.half_width_mm * 1.4 - 0.3)
    total += fat * sides * np.exp(-((above / 14.0) ** 2))
    return total


def back_relief(subject: Subject, look: Appearance, rows: TrunkRows, z_mm: Field) -> Field:
    """Everything that is added before the mid-line is restored, mm backwards, (R, C); bumps come after it."""
    scale = subject.traits.stature_mm / 1600.0
    total = contour(subject, rows, z_mm) + paraspinal(rows, z_mm, scale)
    for side, blade in zip((-1, 1), look.scapulae, strict=True):
        total = total + scapula(subject, look, blade, side, rows, z_mm)
    total = total + latissimus(subject, rows, z_mm) + sacral_dimples(subject, look, rows, z_mm)
    total = total + skin_folds(subject, look, rows, z_mm)
    # Towards the outline, "backwards" is no longer the way the skin faces.
    share = np.abs(z_mm[None, :] - rows.mid_z_mm) / np.maximum(rows.half_width_mm, look.biacromial_half_mm * 0.8)
    return np.asarray(total * (1.0 - 0.7 * smooth_step((share - 0.75) * 4.0)), dtype=np.float32)

"""The bare trunk as a height field: the torso's superelliptic sections, shoulder girdle and neck.

The skin's mid-line (over the spinous processes) lies exactly at ``Torso.back_x_mm``: that profile carries the
statistics of the spine, and nothing that is added for looks may move it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from calib.phantom.appearance import Appearance
from calib.phantom.height_field import FALL, Field, rounded, smooth_min, smooth_step
from calib.phantom.subject import Subject
from calib.phantom.tiers import tier_named

# Radius with which the shoulders' top rounds forwards, at the side of the neck and at the acromion. On twelve scans the
# surface 80 mm beside the spine leaves the blades' plane 60 mm below the C7/T1 disc, by 9 mm at 40 and by 18 at 20 mm
# below it. With one radius of 58 mm it did so some 10 mm further up (4 mm at 40), and the network found C7 of scans 11
# mm too low; with these it is 9 mm at 40 and, too much, 22 at 20.
_GIRDLE_ROUND_MM = (90.0, 55.0)
_MIDLINE_REACH_MM = 60.0  # half width over which the mid-line's correction fades out
# On scans with radiographs the spinous line of the skin swings 0.43 mm sideways per millimetre of the column, SD 0.10
# where that swings by 20 mm or more (on straighter ones what the line does by itself spoils the figure), the phantom's
# spinous tips 0.73. It leaves the column's by 2.0 mm rms, of which a good part is how well a line can be marked.
_SKIN_FOLLOWS = (0.62, 0.09)  # mean and SD, of the tips' swing
_WANDER_MM = 1.7
_WANDER_WAVES = 6  # half waves over the height, of 1 to so many
_WANDER_STREAM = 23
# The furrow is deepest some millimetres beside the spinous line: on the scans it follows the column with r 0.3 only.
_FURROW_OFF_MM = 5.0
_FURROW_STREAM = 37
_FOLLOW_STREAM = 29


@dataclass(frozen=True)
class TrunkRows:
    """Per row of the grid, all (R, 1) float32: the torso's arrays and the spinous line at each height."""

    y_mm: Field
    back_x_mm: Field
    middle_x_mm: Field  # coronal plane of the outline
    half_depth_mm: Field
    mid_z_mm: Field
    half_width_mm: Field
    twist: Field  # tangent of the twist
    furrow_mm: Field
    bumps_mm: Field
    spinous_z_mm: Field
    furrow_z_mm: Field  # where the furrow is deepest: the muscles beside it are not alike


def trunk_rows(subject: Subject, y_mm: Field) -> TrunkRows:
    """Interpolate the torso to the rows of a grid (held beyond its ends)."""
    torso = subject.torso
    tips = subject.spine_photo.spinous_tips_mm

    def at(values: np.ndarray) -> Field:
        return np.interp(y_mm, torso.y_mm, values).astype(np.float32)[:, None]

    back, front = at(torso.back_x_mm), at(torso.front_x_mm)
    # The skin lies behind the tips, which the vertebrae turn into the hollow of a curve: the furrow swings less.
    straight = np.polynomial.Polynomial.fit(tips[:, 1], tips[:, 2], 1)(tips[:, 1])
    own_mm = _wander(subject, tips[:, 1], _WANDER_MM, _WANDER_STREAM)
    skin_z = straight + _follows(subject) * (tips[:, 2] - straight) + own_mm
    order = np.argsort(tips[:, 1])
    spinous = np.interp(y_mm, tips[order, 1], skin_z[order])
    kernel = np.exp(-0.5 * (np.arange(-9, 10) / 4.0) ** 2)
    spinous = np.convolve(np.pad(spinous, 9, mode="edge"), kernel / kernel.sum(), mode="valid")
    heights = np.linspace(tips[0, 1], tips[-1, 1], 30)
    furrow = np.interp(y_mm, heights[::-1], _wander(subject, heights, _FURROW_OFF_MM, _FURROW_STREAM)[::-1])
    return TrunkRows(
        y_mm=y_mm[:, None],
        back_x_mm=back,
        middle_x_mm=0.5 * (back + front),
        half_depth_mm=0.5 * (front - back),
        mid_z_mm=at(torso.mid_z_mm),
        half_width_mm=at(torso.half_width_mm),
        twist=np.tan(np.deg2rad(at(torso.twist_deg))),
        furrow_mm=at(torso.furrow_mm),
        bumps_mm=at(torso.bumps_mm),
        spinous_z_mm=spinous.astype(np.float32)[:, None],
        furrow_z_mm=(spinous + furrow).astype(np.float32)[:, None],
    )


def turn_deg(subject: Subject, y_mm: Field) -> Field:
    """Axial rotation of the vertebrae at heights of any shape, smoothed over the thickness of muscle and fascia."""
    centres = subject.spine_photo.centres_mm[::-1, 1]
    step = 5.0
    even = np.arange(centres[0] - 60.0, centres[-1] + 60.0, step)
    turn = np.interp(even, centres, subject.spine_photo.rotation_deg[::-1], left=0.0, right=0.0)
    kernel = np.exp(-0.5 * (np.arange(-9, 10) * step / 16.0) ** 2)
    turn = np.convolve(np.pad(turn, 9, mode="edge"), kernel / kernel.sum(), mode="valid")
    return np.interp(y_mm, even, turn, left=0.0, right=0.0).astype(np.float32)


def _follows(subject: Subject) -> float:
    """How much of the sideways swing of the spinous tips this subject's skin shows."""
    draw = np.random.default_rng([subject.traits.seed, _FOLLOW_STREAM]).standard_normal()
    mean, spread = _SKIN_FOLLOWS
    return float(np.clip(mean + tier_named(subject.tier).muscle_variation * spread * draw, 0.12, 1.0))


def _wander(subject: Subject, y_mm: NDArray[np.float64], sd_mm: float, stream: int) -> NDArray[np.float64]:
    """Sideways deviation that no bone explains, mm, smooth along ``y_mm`` (descending heights)."""
    rng = np.random.default_rng([subject.traits.seed, stream])
    share = (y_mm - y_mm[-1]) / (y_mm[0] - y_mm[-1])
    waves = np.arange(1, _WANDER_WAVES + 1)
    amount = rng.standard_normal((2, waves.size)) / np.sqrt(waves.size)
    angle = np.pi * waves[:, None] * share
    wander = amount[0] @ np.sin(angle) + amount[1] @ np.cos(angle)
    return np.asarray(tier_named(subject.tier).muscle_variation * sd_mm * wander)


def shoulder_height(subject: Subject, z_mm: Field) -> Field:
    """Height in mm of the acromion on the side of ``z_mm`` (a raised right shoulder has a positive tilt)."""
    torso = subject.torso
    tilt = np.tan(np.deg2rad(torso.shoulder_tilt_deg))
    return np.asarray(torso.shoulder_y_mm + tilt * z_mm, dtype=np.float32)


def bare_trunk(subject: Subject, look: Appearance, rows: TrunkRows, z_mm: Field) -> tuple[Field, Field]:
    """(x_mm, inside_mm) of trunk, girdle and neck, each (R, C), before relief and mid-line correction."""
    torso, scale = subject.torso, subject.traits.stature_mm / 1600.0
    exponent = np.float32(torso.exponent)
    y, z = rows.y_mm, z_mm[None, :]
    across = z - rows.mid_z_mm

    # From the axilla upwards the sections widen to the girdle; the torso's own taper towards the neck is not used.
    acromion = np.float32(look.biacromial_half_mm)
    rise = smooth_step((y - (torso.shoulder_y_mm - 185.0 * scale)) / (135.0 * scale))
    width = rows.half_width_mm + rise * np.maximum(acromion + 4.0 - rows.half_width_mm, 0.0)
    share = np.abs(across) / width
    profile = np.power(np.maximum(1.0 - np.power(np.minimum(share, 1.0), exponent), 0.0), 1.0 / exponent)
    middle = rows.middle_x_mm - rows.twist * across
    half_depth = np.maximum(rows.half_depth_mm, 62.0 * scale)
    middle = middle + half_depth - rows.half_depth_mm
    x = middle - half_depth * profile + FALL * np.maximum(np.abs(across) - width, 0.0)

    # Shoulder line: concave from the side of the neck to the acromion; above it the surface has rounded forwards.
    neck = np.float32((0.0325 * subject.traits.stature_mm) * (1.0 + 0.05 * max(subject.traits.adiposity, -1.0)))
    slope = np.clip((np.abs(across) - neck) / (acromion - neck), 0.0, 1.0)
    trapezius = np.float32(scale * (62.0 + 5.0 * subject.traits.muscularity))
    top = shoulder_height(subject, z) + trapezius * (1.0 - slope) ** 1.7
    top = top - 1.2 * np.maximum(np.abs(across) - acromion, 0.0)
    radius = _GIRDLE_ROUND_MM[0] + np.float32(_GIRDLE_ROUND_MM[1] - _GIRDLE_ROUND_MM[0]) * slope
    over = 1.0 - (top - y) / radius  # 0 where the rounding starts, 1 on the shoulder line
    crown = np.where(over > 0.0, rounded(np.maximum(over, 0.0)), 1.0)
    x = middle - (middle - x) * np.where(x < middle, crown, 1.0)
    x = np.where(over > 1.0, np.maximum(x, middle + FALL * (y - top)), x).astype(np.float32)

    # Neck: an upright elliptic cylinder behind which the nape runs along the torso's back line.
    neck_across = z - rows.spinous_z_mm
    below = np.maximum(torso.shoulder_y_mm - y, 0.0)
    nape_mm = float(subject.spine_photo.centres_mm[0, 1]) + 0.06 * subject.traits.stature_mm + look.head_up_mm
    above = np.maximum(y - nape_mm, 0.0)
    neck_x = rows.back_x_mm + 4.0 + 0.8 * below + 1.5 * above + 1.05 * neck * (1.0 - rounded(neck_across / neck))
    x = smooth_min(x, neck_x.astype(np.float32), 34.0)

    outline = np.where(np.abs(neck_across) < neck * 1.5, np.maximum(middle, rows.back_x_mm + neck), middle)
    outline = middle + smooth_step((y - torso.shoulder_y_mm) / 40.0) * (outline - middle)
    return x, np.asarray(outline - x, dtype=np.float32)


def keep_midline(x_mm: Field, rows: TrunkRows, z_mm: Field) -> Field:
    """Shift the field near the spinous line so that it passes exactly through ``back_x_mm`` there."""
    across = z_mm[None, :] - rows.spinous_z_mm
    step = z_mm[1] - z_mm[0]
    position = (rows.spinous_z_mm[:, 0] - z_mm[0]) / step
    left = np.clip(np.floor(position).astype(int), 0, len(z_mm) - 2)
    share = position - left
    at = np.arange(len(left))
    on_line = (1.0 - share) * x_mm[at, left] + share * x_mm[at, left + 1]
    error = on_line[:, None] - rows.back_x_mm
    return np.asarray(x_mm - error * np.exp(-((across / _MIDLINE_REACH_MM) ** 2)), dtype=np.float32)

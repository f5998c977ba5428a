"""The whole rear surface of a subject, from shoes to hair: trunk, two arms and trouser legs as separate layers.

Separate layers keep the gaps between arms and trunk open to the background.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import cv2
import numpy as np

from calib.phantom.appearance import Appearance, draw_appearance
from calib.phantom.arms import arm_field, arm_joints
from calib.phantom.colour import cloth_albedo, gloss_of, hair_albedo, shoe_albedo, skin_albedo
from calib.phantom.head import with_head
from calib.phantom.height_field import Field, HeightField, Mesh, grid, joined, smooth_min, smooth_step, triangulate
from calib.phantom.relief import back_relief, spinous_bumps
from calib.phantom.subject import Subject
from calib.phantom.trousers import BAND_MM, S1_HEIGHT, TRUNK_BOTTOM, below_band, dressed, leg_fields
from calib.phantom.trunk import bare_trunk, keep_midline, trunk_rows

STREAM: Final = 11
STEP_MM: Final = 3.0
_LEG_STEP_MM: Final = 8.0
_JOINT_BLUR_MM: Final = 11.0
_JOIN_MM: Final = 75.0  # fillet between arm and trunk at the shoulder
_MELT_FROM_MM: Final = 80.0  # below the acromion the fillet starts to fade ...
_MELT_OVER_MM: Final = 75.0  # ... over this height


def skin_mesh(subject: Subject, step_mm: float = STEP_MM) -> Mesh:
    """Triangles of the rear surface in the subject frame (the trunk's grid at ``step_mm``)."""
    return joined([triangulate(layer) for layer in skin_layers(subject, step_mm=step_mm)])


def skin_layers(
    subject: Subject, look: Appearance | None = None, step_mm: float = STEP_MM
) -> tuple[HeightField, HeightField, HeightField, HeightField]:
    """Trunk with head, left arm, right arm, legs. ``look`` defaults to the subject's own appearance."""
    look = look or draw_appearance(subject)
    rng = np.random.default_rng([subject.traits.seed, STREAM])
    torso, stature = subject.torso, subject.traits.stature_mm
    c7_y = float(subject.spine_photo.centres_mm[0, 1])
    reach = float(max(look.biacromial_half_mm + 80.0, torso.half_width_mm.max() + 25.0))
    middle = float(np.median(torso.mid_z_mm))
    top = c7_y + 0.155 * stature + max(look.head_up_mm, 0.0)
    y, z = grid(top, TRUNK_BOTTOM * stature, middle - reach, middle + reach, step_mm)

    rows = trunk_rows(subject, y)
    x, inside = bare_trunk(subject, look, rows, z)
    relief = back_relief(subject, look, rows, z)
    x, inside = x - relief, inside + relief
    limbs = []
    for side in (-1, 1):
        limb = _limb(subject, look, side, y, z, step_mm)
        x, inside, limb = _melted(torso.shoulder_y_mm, x, inside, limb)
        limbs.append(limb)

    x = keep_midline(x, rows, z) - spinous_bumps(subject, rows, z)
    x, inside = dressed(subject, look, rows, z, x, inside)
    covered = with_head(subject, look, rows, z, x, inside)
    down = np.broadcast_to(below_band(subject, rows.y_mm), covered.x_mm.shape)
    shape = covered.x_mm.shape
    skin = skin_albedo(look, y, z, rng)
    cover = 0.6 if look.hair_style == "shaven" else 1.0
    albedo = skin + cover * covered.hair[..., None] * (hair_albedo(look, y, z, rng) - skin)
    albedo = np.where((down > 0.0)[..., None], cloth_albedo(look, down, BAND_MM, shape, rng), albedo)
    trunk = HeightField(y, z, covered.x_mm, covered.inside_mm, albedo, gloss_of(albedo, covered.hair))

    fields = []
    for limb in limbs:
        albedo = skin_albedo(look, limb.y_mm, limb.z_mm, rng)
        gloss = gloss_of(albedo, np.zeros_like(limb.x_mm))
        fields.append(HeightField(limb.y_mm, limb.z_mm, limb.x_mm, limb.inside_mm, albedo, gloss))
    return trunk, fields[0], fields[1], _legs(subject, look, rng, middle, reach)


@dataclass(frozen=True)
class _Limb:
    """An arm on the trunk's lattice: ``row`` and ``col`` are its first row and column there (may lie outside)."""

    row: int
    col: int
    y_mm: Field
    z_mm: Field
    x_mm: Field
    inside_mm: Field
    soft_x_mm: Field


def _limb(subject: Subject, look: Appearance, side: int, y_mm: Field, z_mm: Field, step_mm: float) -> _Limb:
    joints = arm_joints(subject, look, side)
    margin = 1.3 * look.arm_radius_mm + 2.0 * step_mm
    low, high = joints.min(axis=0) - margin, joints.max(axis=0) + margin
    row, rows = int((y_mm[0] - high[1]) / step_mm), int((high[1] - low[1]) / step_mm) + 2
    col, cols = int(np.floor((low[2] - z_mm[0]) / step_mm)), int((high[2] - low[2]) / step_mm) + 2
    y = y_mm[0] - np.arange(row, row + rows, dtype=np.float32) * np.float32(step_mm)
    z = z_mm[0] + np.arange(col, col + cols, dtype=np.float32) * np.float32(step_mm)
    return _Limb(row, col, y, z, *arm_field(subject, look, side, y, z))


def _melted(shoulder_y_mm: float, x_mm: Field, inside_mm: Field, limb: _Limb) -> tuple[Field, Field, _Limb]:
    """Fillet an arm and the trunk at the shoulder; below the axilla the fillet fades and they are two things."""
    x, inside, arm_x = x_mm.copy(), inside_mm.copy(), limb.x_mm.copy()
    rows, cols = x.shape
    r0, r1 = max(limb.row, 0), min(limb.row + arm_x.shape[0], rows)
    c0, c1 = max(limb.col, 0), min(limb.col + arm_x.shape[1], cols)
    on_trunk = (slice(r0, r1), slice(c0, c1))
    on_limb = (slice(r0 - limb.row, r1 - limb.row), slice(c0 - limb.col, c1 - limb.col))

    trunk, arm = x[on_trunk], arm_x[on_limb]
    arm_outline, trunk_outline = limb.inside_mm[on_limb] + arm, inside[on_trunk] + trunk
    share = 1.0 - smooth_step((shoulder_y_mm - _MELT_FROM_MM - limb.y_mm[on_limb[0], None]) / _MELT_OVER_MM)
    soft = limb.soft_x_mm[on_limb]
    both = smooth_min(trunk, soft, _JOIN_MM)
    outline = np.where((soft < trunk) & (share > 0.5), arm_outline, trunk_outline)
    # Deltoid and shoulder blade pass into each other without an edge: blur the joint, away from the outline.
    front = np.minimum(both, outline + 12.0)
    step = float(limb.z_mm[1] - limb.z_mm[0])
    soft_joint = np.asarray(cv2.GaussianBlur(front, (0, 0), _JOINT_BLUR_MM / step), np.float32)
    deep = smooth_step((outline - both - 12.0) / 20.0) * smooth_step((_JOIN_MM - np.abs(trunk - soft)) / 30.0)
    both = both + deep * (soft_joint - both)
    x[on_trunk] = trunk + share * (both - trunk)
    inside[on_trunk] = outline - x[on_trunk]
    arm_x[on_limb] = arm + share * (both - arm)
    return x, inside, replace(limb, x_mm=arm_x)


def _legs(subject: Subject, look: Appearance, rng: np.random.Generator, middle: float, reach: float) -> HeightField:
    stature = subject.traits.stature_mm
    y, z = grid((TRUNK_BOTTOM + 0.01) * stature, -S1_HEIGHT * stature, middle - reach, middle + reach, _LEG_STEP_MM)
    x, inside, shoe = leg_fields(subject, look, y, z)
    down = np.full(x.shape, 10.0 * BAND_MM, np.float32)
    albedo = np.where(shoe[..., None] > 0, shoe_albedo(x.shape), cloth_albedo(look, down, BAND_MM, x.shape, rng))
    return HeightField(y, z, x, inside, albedo, gloss_of(albedo, 0 * x))

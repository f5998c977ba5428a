"""Back of the head and its hair: an ellipsoid, a hair line at the nape, tied, short or hanging hair."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from calib.phantom.appearance import Appearance
from calib.phantom.height_field import FALL, Field, rounded, smooth_min, smooth_step
from calib.phantom.subject import Subject
from calib.phantom.trunk import TrunkRows


@dataclass(frozen=True)
class Covered:
    """A field after something was put over it, and the share of each point that is hair (0..1)."""

    x_mm: Field
    inside_mm: Field
    hair: Field


def with_head(
    subject: Subject, look: Appearance, rows: TrunkRows, z_mm: Field, x_mm: Field, inside_mm: Field
) -> Covered:
    """Set the head on the neck and the hair on the head (vertex about 14 % of stature above C7, less or more)."""
    stature, c7 = subject.traits.stature_mm, subject.spine_photo.centres_mm[0]
    radii = stature * np.array([0.058, 0.066, 0.046])  # half depth, height and width of the skull
    tip_z = float(subject.spine_photo.spinous_tips_mm[0, 2])
    back_c7 = float(np.interp(c7[1], subject.torso.y_mm, subject.torso.back_x_mm))
    centre = np.array([back_c7 + look.head_forward_mm, c7[1] + 0.142 * stature + look.head_up_mm - radii[1], tip_z])
    y, z = rows.y_mm, z_mm[None, :]

    share = np.sqrt(((y - centre[1]) / radii[1]) ** 2 + ((z - centre[2]) / radii[2]) ** 2).astype(np.float32)
    skull = centre[0] - radii[0] * rounded(share) + FALL * 20.0 * np.maximum(share - 1.0, 0.0)
    x = smooth_min(x_mm, skull.astype(np.float32), 22.0)
    inside = np.where(skull < x_mm + 3.0, centre[0] - x, inside_mm)

    hairline = c7[1] + stature * (0.028 if look.hair_style == "shaven" else 0.022)
    hairline = hairline + look.head_up_mm + look.hairline_up_mm
    ragged = 4.0 * np.sin(0.35 * z + look.texture_seed % 7) + 2.5 * np.sin(0.9 * z)
    near = np.abs(z - centre[2]) < 0.055 * stature
    hair = smooth_step((y - hairline - ragged) / 10.0) * near
    thickness = {"shaven": 1.5, "short": 8.0, "bun": 6.0, "ponytail": 6.0, "long": 12.0}[look.hair_style]
    x = x - thickness * hair * smooth_step((y - hairline) / 45.0)
    if look.hair_style in ("bun", "ponytail", "long"):
        lock, lock_centre = _lock(subject, look, rows, z_mm, x, centre, radii)
        on_top = lock < x
        inside = np.where(on_top, np.maximum(inside, lock_centre - lock), inside)
        hair = np.where(on_top, 1.0, hair)
        x = smooth_min(x, lock, 6.0)
    return Covered(x.astype(np.float32), inside.astype(np.float32), np.asarray(hair, np.float32))


def _lock(
    subject: Subject, look: Appearance, rows: TrunkRows, z_mm: Field, x_mm: Field, centre: np.ndarray,
    radii: np.ndarray,
) -> tuple[Field, Field]:
    """Bun, pony tail or hanging hair as a field of its own, and the x of its outline."""
    scale, y, z = subject.traits.stature_mm / 1600.0, rows.y_mm, z_mm[None, :]
    occiput = centre[0] - radii[0]
    if look.hair_style == "bun":
        at_y, r = centre[1] + 0.45 * radii[1], 34.0 * scale
        share = np.hypot((y - at_y) / r, (z - centre[2]) / r).astype(np.float32)
        lock = (occiput + 8.0 - r * 0.8 * rounded(share)).astype(np.float32)
        return lock, np.full_like(lock, occiput + 8.0)
    if look.hair_style == "ponytail":
        # Tied up for the examination: it ends on the neck, above C7.
        high = centre[1] + 0.3 * radii[1]
        low = float(subject.spine_photo.centres_mm[0, 1]) + 26.0 * scale + look.head_up_mm
        width, thick, lean = 24.0 * scale, 16.0 * scale, 10.0
    else:
        high, low = centre[1], look.hair_end_y_mm
        width, thick, lean = 0.046 * subject.traits.stature_mm, 24.0 * scale, -2.0
    share_y = np.clip((y - low) / (high - low), -0.2, 1.0)
    # Hair hangs straight down from the occiput until it lies on the back.
    rear = x_mm[:, np.argmin(np.abs(z_mm - centre[2]))][:, None]
    hang = occiput - lean - 6.0 * np.sin(np.pi * np.clip(share_y, 0, 1))
    hang = np.minimum(hang, rear - 5.0) if look.hair_style == "long" else np.minimum(hang, rear - 2.0)
    tips = 9.0 * np.sin(0.21 * z + look.texture_seed % 5) + 5.0 * np.sin(0.55 * z)
    half = width * (0.72 + 0.28 * np.clip(share_y, 0, 1))
    strands = 1.2 * np.sin(0.8 * z + 0.02 * y) + 0.8 * np.sin(1.7 * z - 0.03 * y)
    off = np.abs(z - centre[2]) / half
    lock = hang + strands + thick * (1.0 - rounded(off)) + FALL * half * np.maximum(off - 1.0, 0.0)
    lock = lock + FALL * np.maximum(low + tips - y, 0.0) + FALL * np.maximum(y - high, 0.0) * 0.3
    return lock.astype(np.float32), np.broadcast_to(np.float32(hang + 1.6 * thick), lock.shape)

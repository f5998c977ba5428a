"""Arms as tapered round segments hanging from the shoulders, seen from behind, each on a grid of its own."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from calib.phantom.appearance import Appearance
from calib.phantom.height_field import FALL, Field, smooth_min
from calib.phantom.subject import Subject
from calib.phantom.trunk import shoulder_height

# Segment lengths as shares of stature (Drillis and Contini).
_UPPER_ARM: Final = 0.186
_FOREARM: Final = 0.146
_HAND: Final = 0.085  # of a loosely closed hand


def arm_joints(subject: Subject, look: Appearance, side: int) -> NDArray[np.float64]:
    """(4, 3) shoulder, elbow, wrist and finger end of one arm (side -1 left, +1 right), subject frame, mm."""
    stature, arm = subject.traits.stature_mm, look.arms[(side + 1) // 2]
    torso = subject.torso
    z = side * (look.biacromial_half_mm - 0.25 * look.arm_radius_mm)
    y = float(shoulder_height(subject, np.array([z], np.float32))[0]) - 0.95 * look.arm_radius_mm
    back = float(np.interp(y - 40.0, torso.y_mm, torso.back_x_mm))
    front = float(np.interp(y - 40.0, torso.y_mm, torso.front_x_mm))
    twist = np.tan(np.deg2rad(np.interp(y - 40.0, torso.y_mm, torso.twist_deg)))
    shoulder = np.array([0.46 * (back + front) + 0.08 * front - twist * z, y, z])

    out, forward = np.deg2rad(arm.abduction_deg), np.deg2rad(arm.flexion_deg)
    upper = np.array([np.sin(forward) * np.cos(out), -np.cos(forward) * np.cos(out), side * np.sin(out)])
    bend, inward = np.deg2rad(arm.elbow_deg), np.deg2rad(arm.elbow_inward_deg)
    aside = np.array([np.cos(inward), 0.0, -side * np.sin(inward)])
    aside -= upper * (aside @ upper)
    aside /= np.linalg.norm(aside)
    fore = np.cos(bend) * upper + np.sin(bend) * aside
    elbow = shoulder + stature * _UPPER_ARM * upper
    wrist = elbow + stature * _FOREARM * fore
    return np.stack([shoulder, elbow, wrist, wrist + stature * _HAND * fore])


def arm_field(subject: Subject, look: Appearance, side: int, y_mm: Field, z_mm: Field) -> tuple[Field, Field]:
    """(x_mm, inside_mm) of one arm on a grid, each (R, C)."""
    joints, r = arm_joints(subject, look, side), look.arm_radius_mm
    shoulder, elbow, wrist, end = joints
    middle = shoulder + 0.42 * (elbow - shoulder)
    belly = elbow + 0.25 * (wrist - elbow)
    segments = (
        (shoulder, middle, 1.22 * r, 1.06 * r),  # deltoid
        (middle, elbow, 1.06 * r, 0.82 * r),
        (elbow, belly, 0.84 * r, 0.86 * r),
        (belly, wrist, 0.86 * r, 0.56 * r),
        (wrist, wrist + 0.55 * (end - wrist), 0.56 * r, 0.82 * r),
        (wrist + 0.55 * (end - wrist), end, 0.82 * r, 0.55 * r),
    )
    x = np.full((len(y_mm), len(z_mm)), 1e4, np.float32)
    axis = np.zeros_like(x)
    for start, stop, radius_start, radius_stop in segments:
        part, part_axis = _segment(start, stop, radius_start, radius_stop, y_mm, z_mm)
        axis = np.where(part < x, part_axis, axis)
        x = smooth_min(x, part, 14.0)
    return x, np.asarray(axis - x, dtype=np.float32)


def _segment(
    start: NDArray[np.float64], stop: NDArray[np.float64], radius_start: float, radius_stop: float, y_mm: Field,
    z_mm: Field,
) -> tuple[Field, Field]:
    """Rear surface of a tapered round segment, and the x of its axis, at every grid point."""
    # Arms hang nearly in the frontal plane, so the nearest point is sought there; a segment that points forwards is
    # foreshortened to (nearly) a ball, which is what is seen of it from behind.
    direction = stop - start
    along = direction[1:]
    length_square = max(float(along @ along), 1.0)
    y, z = y_mm[:, None], z_mm[None, :]
    t = ((y - start[1]) * along[0] + (z - start[2]) * along[1]) / np.float32(length_square)
    t = np.clip(t, 0.0, 1.0).astype(np.float32)
    radius = np.float32(radius_start) + t * np.float32(radius_stop - radius_start)
    off = np.hypot(y - (start[1] + t * along[0]), z - (start[2] + t * along[1])).astype(np.float32)
    axis = (start[0] + t * direction[0]).astype(np.float32)
    height = np.sqrt(np.maximum(radius * radius - off * off, 0.0))
    return axis - height + FALL * np.maximum(off - radius, 0.0), axis

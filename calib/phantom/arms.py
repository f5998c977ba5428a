"""Arms as tapered tubes hanging from the shoulders, seen from behind, each on a grid of its own."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from calib.phantom.appearance import Appearance
from calib.phantom.height_field import FALL, Field
from calib.phantom.subject import Subject
from calib.phantom.trunk import shoulder_height

# Segment lengths as shares of stature (Drillis and Contini).
_UPPER_ARM: Final = 0.186
_FOREARM: Final = 0.146
_HAND: Final = 0.085  # of a loosely closed hand
_SKIRT_MM: Final = 28.0  # how far the field is continued beyond the outline
# Radius as a share of the arm's, by station (0 shoulder, 1 elbow, 2 wrist, 3 finger ends): deltoid, triceps, elbow,
# forearm, wrist, hand.
_PROFILE: Final = (
    [0.0, 0.25, 0.45, 0.70, 0.95, 1.05, 1.25, 1.55, 1.80, 1.98, 2.25, 2.55, 2.85, 3.0],
    [1.14, 1.14, 1.06, 1.00, 0.84, 0.83, 0.88, 0.76, 0.60, 0.54, 0.72, 0.78, 0.58, 0.40],
)


def arm_joints(subject: Subject, look: Appearance, side: int) -> NDArray[np.float64]:
    """(4, 3) shoulder, elbow, wrist and finger end of one arm (side -1 left, +1 right), subject frame, mm."""
    stature, arm = subject.traits.stature_mm, look.arms[(side + 1) // 2]
    torso = subject.torso
    z = side * (look.biacromial_half_mm - 0.3 * look.arm_radius_mm)
    y = float(shoulder_height(subject, np.array([z], np.float32))[0]) - 1.2 * look.arm_radius_mm
    back = float(np.interp(y - 40.0, torso.y_mm, torso.back_x_mm))
    front = float(np.interp(y - 40.0, torso.y_mm, torso.front_x_mm))
    twist = np.tan(np.deg2rad(np.interp(y - 40.0, torso.y_mm, torso.twist_deg)))
    shoulder = np.array([0.56 * back + 0.44 * front - twist * z, y, z])

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


def arm_field(subject: Subject, look: Appearance, side: int, y_mm: Field, z_mm: Field) -> tuple[Field, Field, Field]:
    """(x_mm, inside_mm, soft_x_mm) of one arm on a grid, each (R, C).

    ``soft_x_mm`` is nearly the same surface without the edge at its outline: what the shoulder's fillet is made from.
    """
    x = np.full((len(y_mm), len(z_mm)), 1e4, np.float32)
    axis, soft = np.zeros_like(x), x.copy()
    step = float(z_mm[1] - z_mm[0])
    # The arm is the envelope of spheres along its axis: right for segments that point forwards too, and cheap, because
    # each sphere touches only the grid points near it.
    for centre, radius in zip(*_tube(arm_joints(subject, look, side), look.arm_radius_mm), strict=True):
        reach = radius + _SKIRT_MM
        r0, r1 = ((y_mm[0] - centre[1] - reach) / step, (y_mm[0] - centre[1] + reach) / step + 1)
        c0, c1 = ((centre[2] - z_mm[0] - reach) / step, (centre[2] - z_mm[0] + reach) / step + 1)
        near = (slice(max(int(r0), 0), max(int(r1), 0)), slice(max(int(c0), 0), max(int(c1), 0)))
        y, z = y_mm[near[0], None] - np.float32(centre[1]), z_mm[None, near[1]] - np.float32(centre[2])
        square = y * y + z * z
        height = np.sqrt(np.maximum(np.float32(radius * radius) - square, 0.0))
        fall = FALL * np.maximum(np.sqrt(square) - np.float32(radius), 0.0)
        sphere = np.float32(centre[0]) - height + fall
        bowl = np.float32(centre[0] - radius) + square * np.float32(1.0 / (1.1 * radius))
        soft[near] = np.minimum(soft[near], bowl)
        nearer = sphere < x[near]
        x[near] = np.where(nearer, sphere, x[near])
        axis[near] = np.where(nearer, np.float32(centre[0]), axis[near])
    return x, np.asarray(axis - x, dtype=np.float32), soft


def _tube(joints: NDArray[np.float64], radius_mm: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Points of the arm's axis, bent smoothly at the elbow, and its radius at each: (K, 3), (K,)."""
    station = np.array([0.0, 1.0, 2.0, 3.0])
    dense = np.linspace(0.0, 3.0, 121)
    line = np.stack([np.interp(dense, station, axis) for axis in joints.T], axis=1)
    kernel = np.exp(-0.5 * (np.arange(-12, 13) / 4.0) ** 2)
    kernel /= kernel.sum()
    mirrored = np.concatenate([2 * line[0] - line[12:0:-1], line, 2 * line[-1] - line[-2:-14:-1]])
    line = np.stack([np.convolve(axis, kernel, mode="valid") for axis in mirrored.T], axis=1)
    radii = np.interp(dense, *_PROFILE) * radius_mm
    padded = np.pad(radii, 12, mode="edge")
    radii = np.convolve(padded, kernel, mode="valid")
    return line, radii

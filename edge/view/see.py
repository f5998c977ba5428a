"""The one entrance from a camera frame to the back view, or to a named refusal.

The device, the training data and the calibration all go through ``see``, so that they see the same.
"""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray

from edge.frame import Frame
from edge.order import median
from edge.view.back_view import BackView, gather_points, project
from edge.view.gates import Refusal, judge, refuse
from edge.view.gravity import Mount, mount_of
from edge.view.motion import frames_advanced, movement
from edge.view.pose import Pose, find_pose
from edge.view.relief import convexity_mm, fold_mm
from edge.view.segment import Segment, Thinned, find_subject, thin

TRUNK_BELOW_MM = 380.0  # how far below the shoulders the outline must be whole


def see(frame: Frame, previous: Frame | None = None) -> BackView | Refusal:
    """The back view of a frame, or the first gate that it fails.

    Args:
        frame: any mount, intrinsics and distance; bad readings (0, NaN, infinite, negative) count as missing.
        previous: the frame before it from the same camera, for the gates ``stale_frame`` and ``moving``.

    Returns:
        a BackView with the measured value of every gate, or a Refusal. Bad pixels never raise.
    """
    with np.errstate(invalid="ignore", over="ignore"):
        return _see(frame, previous)


def _see(frame: Frame, previous: Frame | None) -> BackView | Refusal:
    measured: dict[str, float] = {}
    if previous is not None:
        measured["frames_advanced"] = frames_advanced(frame, previous)
        if refusal := judge(measured):
            return refusal
    k = frame.intrinsics
    if frame.depth_m.shape != (k.height, k.width):
        return refuse("missing_depth", f"a depth image of {k.width}x{k.height}", f"shape {frame.depth_m.shape}")
    mount = mount_of(frame.gravity)
    if mount is None:
        return refuse("tilted", "gravity across the optical axis", f"gravity {np.asarray(frame.gravity).tolist()}")
    thinned = thin(frame, mount.level_from_camera)
    segment = find_subject(thinned, float(np.sqrt(k.fx * k.fy)))
    measured |= _stance(thinned, segment, mount)
    if refusal := judge(measured):
        return refusal
    assert segment is not None  # the area gate refuses without one
    points = np.stack([a[segment.mask] for a in (thinned.x_m, thinned.y_m, thinned.z_m)], axis=1) * np.float32(1000)
    pose = find_pose(points)
    if pose is None:
        if segment.touches.any():
            return refuse("partial", "shoulders and waist in view", "a trunk cut by the image border")
        return refuse("not_a_back", "an outline 180 mm wide over 250 mm", "none")
    measured |= _posture(thinned, segment, pose, float(np.sqrt(k.fx * k.fy)))
    if refusal := judge(measured):
        return refusal
    found = gather_points(frame, thinned, segment, pose, mount.level_from_camera)
    projected = project(frame, found, pose, mount.level_from_camera)
    view = projected.view
    measured["missing_share"] = projected.missing_share
    measured["convexity_mm"] = convexity_mm(view.surface_x_mm, view.mask, projected.anchors)
    measured["fold_mm"] = fold_mm(view.surface_x_mm, view.mask, projected.anchors)
    if previous is not None and previous.depth_m.shape == frame.depth_m.shape:
        measured |= movement(thinned, thin(previous, mount.level_from_camera), segment, pose)
    return judge(measured) or dataclasses.replace(view, gates=measured)


def _stance(thinned: Thinned, segment: Segment | None, mount: Mount) -> dict[str, float]:
    """What is known before the trunk's outline is looked for."""
    measured = {
        "valid_share": float(thinned.valid.mean()) if thinned.valid.size else 0.0,
        "camera_pitch_deg": mount.pitch_deg,
        "camera_roll_deg": mount.roll_deg,
        "subject_area_m2": segment.area_m2 if segment else 0.0,
    }
    if segment:
        measured |= {"other_subjects": float(segment.others), "distance_m": segment.distance_m}
    return measured


def _posture(thinned: Thinned, segment: Segment, pose: Pose, focal_px: float) -> dict[str, float]:
    """What the coarse outline and the plane of the back tell."""
    found = pose.anchors
    return {
        "cut_mm": _cut_mm(thinned, segment, pose, focal_px),
        "visible_height_mm": found.visible_height_mm,
        "offset_mm": _offset_mm(thinned, segment),
        "trunk_lean_deg": pose.lean_deg,
        "trunk_list_deg": pose.list_deg,
        "yaw_deg": pose.yaw_deg,
        "shoulder_width_mm": found.shoulder_width_mm,
        "waist_width_mm": pose.waist_width_mm,
        "waist_to_shoulder": pose.waist_width_mm / max(found.shoulder_width_mm, 1.0),
    }


def _offset_mm(thinned: Thinned, segment: Segment) -> float:
    """Sideways distance of the subject from the camera's vertical plane, positive to the right."""
    return median(thinned.z_m[segment.mask]) * 1000


def _cut_mm(thinned: Thinned, segment: Segment, pose: Pose, focal_px: float) -> float:
    """Length of the image border that cuts through the trunk between the shoulders and 380 mm below them."""
    touching: NDArray[np.bool_] = segment.touches
    if not touching.any():
        return 0.0
    x, y, z = (a[touching] * 1000 for a in (thinned.x_m, thinned.y_m, thinned.z_m))
    turn = pose.body_from_level
    across = turn[2, 0] * x + turn[2, 2] * z
    shape = pose.outline
    row = np.clip(np.round((shape.y_mm[0] - y) / (shape.y_mm[0] - shape.y_mm[1])), 0, len(shape.y_mm) - 1).astype(int)
    below = y - pose.anchors.shoulder_y_mm
    in_rows = (below <= 12.0) & (below >= -TRUNK_BELOW_MM)
    in_run = (across >= shape.left_mm[row] - 24.0) & (across <= shape.right_mm[row] + 24.0)
    return float((in_rows & in_run).sum()) * segment.distance_m * 1000 * thinned.step / focal_px

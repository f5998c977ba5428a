"""How the subject stands: yaw and lean of the back's plane, and the coarse outline, from the thinned points.

The yaw is that of a plane fitted to the trunk's back alone (no arms, no flanks). Where the plane is fitted depends
on the mid-line and the mid-line on the yaw, so both are found together in a few rounds.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.view.gravity import yaw_rotation
from edge.view.silhouette import TRUNK_MM, Anchors, Outline, anchors, fill_pores, outline

CELL_MM: Final = 12.0
ROUNDS: Final = 4
SETTLED_DEG: Final = 0.1
PLANE_SHARE: Final = 0.4  # half width of the fitted strip in widths of the waist: the flanks curve away
PLANE_TRIM_SD: Final = 2.5


@dataclass(frozen=True)
class Pose:
    """The subject's stance, in the levelled frame turned by ``yaw_deg`` (mm).

    body_from_level: (3, 3) that turn. lean_deg: positive where the trunk leans forward (its top is anterior).
    """

    yaw_deg: float
    lean_deg: float
    body_from_level: NDArray[np.float64]
    outline: Outline
    anchors: Anchors


def find_pose(points_mm: NDArray[np.float32]) -> Pose | None:
    """The pose of a segmented subject, or None where its outline has no trunk.

    Args:
        points_mm: (N, 3) levelled points (x forward, y up, z right), a few thousand.
    """
    yaw = 0.0
    middle: float | None = None
    for round_ in range(ROUNDS):
        turn = yaw_rotation(yaw)
        x, y, z = (points_mm @ turn.T.astype(np.float32)).T
        shape = coarse_outline(y, z, middle)
        found = anchors(shape)
        if found is None:
            return None
        middle = found.middle_z_mm
        tilt, slope = _plane(x, y - found.shoulder_y_mm, z - middle, PLANE_SHARE * found.waist_width_mm)
        pose = Pose(yaw, math.degrees(math.atan(tilt)), turn, shape, found)
        turned = math.degrees(math.atan(slope))
        # The mid-line turns with the frame: carry it on, so that the next round looks for the run around it.
        middle = float(middle * math.cos(math.radians(turned)) + np.median(x) * math.sin(math.radians(turned)))
        yaw += turned
        if round_ and abs(turned) < SETTLED_DEG:
            break
    return pose


def coarse_outline(y: NDArray[np.float32], z: NDArray[np.float32], middle_mm: float | None) -> Outline:
    """Outline of thinned points on 12 mm cells, around ``middle_mm`` (their median where None)."""
    top, left = float(y.max()) + 2 * CELL_MM, float(z.min()) - 2 * CELL_MM
    rows = int((top - float(y.min())) / CELL_MM) + 3
    cols = int((float(z.max()) - left) / CELL_MM) + 3
    cell = ((top - y) / CELL_MM).astype(np.int64) * cols + ((z - left) / CELL_MM).astype(np.int64)
    count = np.bincount(cell, minlength=rows * cols).reshape(rows, cols).astype(np.float32)
    density = fill_pores(np.asarray(cv2.GaussianBlur(count, (0, 0), 0.8), np.float32), CELL_MM)
    return outline(density, top, left, CELL_MM, float(np.median(z)) if middle_mm is None else middle_mm)


def _plane(
    x: NDArray[np.float32], y: NDArray[np.float32], z: NDArray[np.float32], half_width_mm: float
) -> tuple[float, float]:
    """Slopes dx/dy and dx/dz of the plane through the trunk's back, by trimmed least squares."""
    keep = (y >= TRUNK_MM[0]) & (y <= TRUNK_MM[1]) & (np.abs(z) <= half_width_mm)
    if int(keep.sum()) < 30:
        return 0.0, 0.0
    design = np.stack([y[keep], z[keep], x[keep]]).astype(np.float64)
    design -= design.mean(axis=1, keepdims=True)
    weight = np.ones(design.shape[1])
    slopes: NDArray[np.float64] = np.zeros(2)
    for _ in range(3):
        centred = design - (design @ weight / weight.sum())[:, None]
        moments = (centred * weight) @ centred.T
        slopes = np.linalg.solve(moments[:2, :2] + 1e-6 * np.eye(2), moments[:2, 2])
        rest = centred[2] - slopes @ centred[:2]
        spread = 1.4826 * float(np.median(np.abs(rest))) + 1e-3
        weight = (np.abs(rest) <= PLANE_TRIM_SD * spread).astype(np.float64)
    return float(slopes[0]), float(slopes[1])

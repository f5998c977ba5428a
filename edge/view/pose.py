"""How the subject stands: yaw and lean of the back's plane, and the mid-line, from the thinned points.

The yaw is that of a plane fitted to the trunk's back alone (no arms, no flanks), the mid-line lies midway between
the flanks. Each depends on the other, because the back is round; so both are solved for together.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.view.gravity import yaw_rotation
from edge.view.silhouette import TRUNK_MM, WAIST_MM, Anchors, Outline, anchors, fill_pores, outline

CELL_MM: Final = 12.0
ROUNDS: Final = 5
SETTLED_DEG: Final = 0.05
MIN_GAIN: Final = 0.15  # a back so round that its yaw can hardly be told is turned with care
FLANK_MM: Final = 20.0  # depth behind the row's foremost skin at which the flanks are met: seen from both sides
NECK_MM: Final = 24.0  # rows to either side of the shoulder line
PLANE_SHARE: Final = 0.55  # half width of the fitted strip in widths between the flanks
BIWEIGHT: Final = 4.685  # Tukey's constant: 95 % efficient on Gaussian residuals


@dataclass(frozen=True)
class Pose:
    """The subject's stance, in the levelled frame turned by ``yaw_deg`` (mm).

    body_from_level: (3, 3) that turn. lean_deg: positive where the trunk leans forward (its top is anterior).
    list_deg: sideways lean from the waist to the neck, positive to the right.
    middle_z_mm: z of the mid-line, midway between the flanks. flank_width_mm: the distance between them.
    """

    yaw_deg: float
    lean_deg: float
    list_deg: float
    body_from_level: NDArray[np.float64]
    outline: Outline
    anchors: Anchors
    middle_z_mm: float
    flank_width_mm: float


def find_pose(points_mm: NDArray[np.float32]) -> Pose | None:
    """The pose of a segmented subject, or None where its outline has no trunk.

    Args:
        points_mm: (N, 3) levelled points (x forward, y up, z right), a few thousand.
    """
    start = anchors(coarse_outline(points_mm[:, 1], points_mm[:, 2]))
    if start is None:
        return None
    height = points_mm[:, 1] - np.float32(start.shoulder_y_mm)
    trunk = points_mm[(height >= TRUNK_MM[0]) & (height <= TRUNK_MM[1])]
    across = trunk[:, 2] - np.float32(start.middle_z_mm)
    back = trunk[np.abs(across) <= start.waist_width_mm / 2]
    if len(back) < 30:
        return None
    pivot = np.array([np.median(back[:, 0]), start.shoulder_y_mm, start.middle_z_mm])
    best, rest = _Square(0.0, 0.0, 0.0, start.waist_width_mm, 0.0), math.inf
    tried: list[tuple[float, float]] = []
    yaw = 0.0
    for _ in range(ROUNDS):
        square = _square_at(trunk - pivot.astype(np.float32), yaw, start.waist_width_mm)
        if abs(square.left_deg) < rest:
            best, rest = square, abs(square.left_deg)
        if rest < SETTLED_DEG:
            break
        tried.append((yaw, square.left_deg))
        yaw = float(np.clip(_next_yaw(tried), -60.0, 60.0))
    turn = yaw_rotation(best.yaw_deg)
    middle = float((turn @ pivot)[2]) + best.middle_mm
    turned = points_mm @ turn.T.astype(np.float32)
    shape = coarse_outline(turned[:, 1], turned[:, 2])
    found = anchors(shape, best.width_mm)
    if found is None:
        return None
    list_deg = _list_deg(shape, found.shoulder_y_mm, middle)
    return Pose(best.yaw_deg, best.lean_deg, list_deg, turn, shape, found, middle, best.width_mm)


@dataclass(frozen=True)
class _Square:
    """What a turn by ``yaw_deg`` about the pivot shows: mid-line and width between the flanks (mm), angles left."""

    yaw_deg: float
    left_deg: float
    middle_mm: float
    width_mm: float
    lean_deg: float


def _square_at(trunk_mm: NDArray[np.float32], yaw_deg: float, waist_width_mm: float) -> _Square:
    """Mid-line and plane of trunk points (about the pivot: y from the shoulders) after a turn by ``yaw_deg``."""
    x, y, z = (trunk_mm @ yaw_rotation(yaw_deg).T.astype(np.float32)).T
    flanks = find_flanks(x, y, z, 0.0) or (-waist_width_mm / 2, waist_width_mm / 2)
    middle, width = (flanks[0] + flanks[1]) / 2, flanks[1] - flanks[0]
    tilt, slope = _plane(x, y, z - np.float32(middle), PLANE_SHARE * width)
    left, lean = (math.degrees(math.atan(s)) for s in (slope, tilt))
    return _Square(yaw_deg, left, middle, width, lean)


def _next_yaw(tried: list[tuple[float, float]]) -> float:
    """Secant step to the yaw at which the plane is square, from (yaw, angle still left) pairs."""
    yaw, left = tried[-1]
    if len(tried) < 2:
        return yaw + left
    before, left_before = tried[-2]
    gain = (left_before - left) / (yaw - before) if yaw != before else 1.0
    return yaw + float(np.clip(left / max(gain, MIN_GAIN), -15.0, 15.0))


def _list_deg(shape: Outline, shoulder_y_mm: float, middle_mm: float) -> float:
    """Lean of the line from the mid-line at the waist to the root of the neck, which no arm hides or widens."""
    neck = np.abs(shape.y_mm - shoulder_y_mm) <= NECK_MM
    middles = shape.middle_mm[neck & np.isfinite(shape.middle_mm)]
    waist_below = -sum(WAIST_MM) / 2
    return math.degrees(math.atan((float(np.median(middles)) - middle_mm) / waist_below)) if middles.size else 0.0


def find_flanks(
    x: NDArray[np.float32], y: NDArray[np.float32], z: NDArray[np.float32], middle_mm: float
) -> tuple[float, float] | None:
    """Median z of the left and the right flank over the waist and lumbar rows, or None where too few show both.

    A flank is where the skin falls ``FLANK_MM`` behind the foremost skin of its row. Unlike the silhouette it is seen
    whole from either side, arms do not hide or widen it, and it is interpolated between depths.

    Args:
        x, y, z: (N,) thinned points, mm; y from the shoulders up.
        middle_mm: z from which the flanks are looked for outwards.
    """
    rows = round((WAIST_MM[1] - WAIST_MM[0]) / CELL_MM)
    reach = 20  # cells to either side: 240 mm
    cols = 2 * reach + 1
    row = np.floor((WAIST_MM[1] - y) / CELL_MM)
    col = np.floor((z - middle_mm) / CELL_MM + 0.5) + reach
    inside = (row >= 0) & (row < rows) & (col >= 0) & (col < cols)
    if int(inside.sum()) < 100:
        return None
    cell = (row[inside] * cols + col[inside]).astype(np.int64)
    sums = [np.bincount(cell, weights=w, minlength=rows * cols) for w in (None, x[inside], z[inside])]
    blurred = [cv2.GaussianBlur(s.reshape(rows, cols).astype(np.float32), (0, 0), 0.7) for s in sums]
    weight = np.maximum(blurred[0], 1e-6)
    depth = np.where(blurred[0] > 0.3, blurred[1] / weight, np.nan)
    across = blurred[2] / weight
    centre = depth[:, reach - 4 : reach + 5]
    seen = np.isfinite(centre).all(axis=1)
    if int(seen.sum()) < 5:
        return None
    depth, across = depth[seen], across[seen]
    limit = depth[:, reach - 4 : reach + 5].min(axis=1) + FLANK_MM
    edges = []
    for outward in (np.s_[:, reach::-1], np.s_[:, reach:]):
        d, position = depth[outward], across[outward]
        behind = d >= limit[:, None]  # False where nothing was read
        first = behind.argmax(axis=1)
        at = np.arange(len(d))
        met = behind.any(axis=1) & np.isfinite(d[at, np.maximum(first - 1, 0)]) & (first > 0)
        first = np.maximum(first, 1)
        share = (limit - d[at, first - 1]) / np.maximum(d[at, first] - d[at, first - 1], 1e-3)
        edge = position[at, first - 1] + share * (position[at, first] - position[at, first - 1])
        edges.append(np.where(met, edge, np.nan))
    both = np.isfinite(edges[0]) & np.isfinite(edges[1])
    if int(both.sum()) < 5:
        return None
    return float(np.median(edges[0][both])), float(np.median(edges[1][both]))


def coarse_outline(y: NDArray[np.float32], z: NDArray[np.float32]) -> Outline:
    """Outline of thinned points on 12 mm cells, around their median."""
    top, left = float(y.max()) + 2 * CELL_MM, float(z.min()) - 2 * CELL_MM
    rows = int((top - float(y.min())) / CELL_MM) + 3
    cols = int((float(z.max()) - left) / CELL_MM) + 3
    cell = ((top - y) / CELL_MM).astype(np.int64) * cols + ((z - left) / CELL_MM).astype(np.int64)
    count = np.bincount(cell, minlength=rows * cols).reshape(rows, cols).astype(np.float32)
    density = fill_pores(np.asarray(cv2.GaussianBlur(count, (0, 0), 0.8), np.float32), CELL_MM)
    return outline(density, top, left, CELL_MM, float(np.median(z)))


def _plane(
    x: NDArray[np.float32], y: NDArray[np.float32], z: NDArray[np.float32], half_width_mm: float
) -> tuple[float, float]:
    """Slopes dx/dy and dx/dz of the plane through the trunk's back, by reweighted least squares."""
    keep = (y >= TRUNK_MM[0]) & (y <= TRUNK_MM[1]) & (np.abs(z) <= half_width_mm)
    if int(keep.sum()) < 30:
        return 0.0, 0.0
    design = np.stack([y[keep], z[keep], x[keep]]).astype(np.float64)
    taper = 1 - (design[1] / half_width_mm) ** 2  # no jump where a point enters or leaves the strip
    weight = taper
    slopes: NDArray[np.float64] = np.zeros(2)
    for _ in range(3):
        centred = design - (design @ weight / weight.sum())[:, None]
        moments = (centred * weight) @ centred.T
        slopes = np.linalg.solve(moments[:2, :2] + 1e-6 * np.eye(2), moments[:2, 2])
        rest = centred[2] - slopes @ centred[:2]
        spread = 1.4826 * float(np.median(np.abs(rest))) + 1e-3
        weight = taper * (1 - np.clip(rest / (BIWEIGHT * spread), -1, 1) ** 2) ** 2
    return float(slopes[0]), float(slopes[1])

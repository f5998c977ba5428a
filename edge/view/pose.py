"""How the subject stands: yaw and lean of the back's plane, and the mid-line, from the thinned points.

The yaw is that of a plane fitted to the trunk's back alone (no arms, no flanks), the mid-line lies midway between
the edges of the waist. Each depends on the other, because the back is round; so both are solved for together.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.order import median, quantiles
from edge.view.gravity import yaw_rotation
from edge.view.silhouette import TRUNK_MM, WAIST_MM, Anchors, Outline, anchors, fill_pores, outline

CELL_MM: Final = 12.0
ROUNDS: Final = 5
SETTLED_DEG: Final = 0.05
MIN_GAIN: Final = 0.5  # a back so round that its yaw can hardly be told is not turned too far
CREASE_MM: Final = 15.0  # an arm beside the flank stands out from the crease by more
CORE_MM: Final = 72.0  # half of the narrowest waist: a crease within it is a fold, not an arm's
NARROW: Final = (0.2, 0.6)  # quantiles of the widths of the rows that count as the waist: narrower ones have holes
WAIST_PORE_MM2: Final = 1200.0  # the rows of the waist cut the gap beside an arm into shorter pieces
NECK_MM: Final = 24.0  # rows to either side of the shoulder line
PLANE_SHARE: Final = 0.4  # half width of the fitted strip in widths of the waist
BIWEIGHT: Final = 4.685  # Tukey's constant: 95 % efficient on Gaussian residuals


@dataclass(frozen=True)
class Pose:
    """The subject's stance, in the levelled frame turned by ``yaw_deg`` (mm).

    body_from_level: (3, 3) that turn. lean_deg: positive where the trunk leans forward (its top is anterior).
    list_deg: sideways lean from the waist to the neck, positive to the right.
    middle_z_mm: z of the mid-line, midway between the edges of the waist. waist_width_mm: the distance between them.
    """

    yaw_deg: float
    lean_deg: float
    list_deg: float
    body_from_level: NDArray[np.float64]
    outline: Outline
    anchors: Anchors
    middle_z_mm: float
    waist_width_mm: float


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
    pivot = np.array([median(back[:, 0]), start.shoulder_y_mm, start.middle_z_mm])
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
    """What a turn by ``yaw_deg`` about the pivot shows: mid-line and width of the waist (mm), angles left."""

    yaw_deg: float
    left_deg: float
    middle_mm: float
    width_mm: float
    lean_deg: float


def _square_at(trunk_mm: NDArray[np.float32], yaw_deg: float, waist_width_mm: float) -> _Square:
    """Mid-line and plane of trunk points (about the pivot: y from the shoulders) after a turn by ``yaw_deg``."""
    x, y, z = (trunk_mm @ yaw_rotation(yaw_deg).T.astype(np.float32)).T
    waist = find_waist(x, y, z, 0.0) or (-waist_width_mm / 2, waist_width_mm / 2)
    middle, width = (waist[0] + waist[1]) / 2, waist[1] - waist[0]
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
    return math.degrees(math.atan((median(middles) - middle_mm) / waist_below)) if middles.size else 0.0


def find_waist(
    x: NDArray[np.float32], y: NDArray[np.float32], z: NDArray[np.float32], middle_mm: float
) -> tuple[float, float] | None:
    """z of the left and the right edge of the waist, or None where too few rows show it.

    Going outwards from the middle, a flank ends where nothing was read, or in the crease before an arm that touches
    it. The edges of a section turned about the vertical stay level with its middle, however round the back is: so a
    twisted spine does not move the mid-line. Taken over the narrowest rows of waist and lumbar area.

    Args:
        x, y, z: (N,) thinned points, mm; y from the shoulders up.
        middle_mm: z from which the flanks are looked for outwards.
    """
    rows = round((WAIST_MM[1] - WAIST_MM[0]) / CELL_MM)
    reach = 25  # cells to either side: 300 mm
    cols = 2 * reach + 1
    row = np.floor((WAIST_MM[1] - y) / CELL_MM)
    col = np.floor((z - middle_mm) / CELL_MM + 0.5) + reach
    inside = (row >= 0) & (row < rows) & (col >= 0) & (col < cols)
    if int(inside.sum()) < 100:
        return None
    cell = (row[inside] * cols + col[inside]).astype(np.int64)
    count, total = (np.bincount(cell, weights=w, minlength=rows * cols) for w in (None, x[inside]))
    density = np.asarray(cv2.GaussianBlur(count.reshape(rows, cols).astype(np.float32), (0, 0), 0.7), np.float32)
    density = fill_pores(density, CELL_MM, WAIST_PORE_MM2)
    with np.errstate(invalid="ignore"):
        depth = (total / count).reshape(rows, cols)  # not blurred: a crease is one cell wide. NaN where empty
    level = 0.5 * median(density[density > 0.1])
    at = np.arange(rows)
    aside = z[inside] - np.float32(middle_mm)
    edges = []
    for sign, outward in ((-1, np.s_[:, reach::-1]), (1, np.s_[:, reach:])):
        thick, deep = density[outward], depth[outward]
        present = thick >= level
        behind = np.where(present & np.isfinite(deep), deep, -np.inf)
        arm = np.zeros_like(present)  # within two cells: a back that is only turned rises more slowly
        arm[:, 2:] = present[:, 2:] & (deep[:, 2:] < np.maximum(behind[:, 1:-1], behind[:, :-2]) - CREASE_MM)
        arm[:, : round(CORE_MM / CELL_MM)] = False
        end = (~present | arm).argmax(axis=1)  # 0 where the row never ends within reach, or has no middle
        farthest = np.full(rows * cols, -np.inf, np.float32)  # the points themselves: cells would alias with pixels
        np.maximum.at(farthest, cell, sign * aside)
        rim = np.maximum.accumulate(farthest.reshape(rows, cols)[outward], axis=1)[at, end]
        edge = np.where(arm[at, end], (end - 1) * CELL_MM, rim)
        edges.append(np.where((end > 0) & np.isfinite(edge), middle_mm + sign * edge, np.nan))
    left, right = edges
    width = right - left
    found = np.isfinite(width)
    if int(found.sum()) < 5:
        return None
    low, high = quantiles(width[found], NARROW)
    narrow = found & (width >= low) & (width <= high)
    middle, wide = median((left + right)[narrow]) / 2, median(width[narrow])
    return middle - wide / 2, middle + wide / 2


def coarse_outline(y: NDArray[np.float32], z: NDArray[np.float32]) -> Outline:
    """Outline of thinned points on 12 mm cells, around their median."""
    top, left = float(y.max()) + 2 * CELL_MM, float(z.min()) - 2 * CELL_MM
    rows = int((top - float(y.min())) / CELL_MM) + 3
    cols = int((float(z.max()) - left) / CELL_MM) + 3
    cell = ((top - y) / CELL_MM).astype(np.int64) * cols + ((z - left) / CELL_MM).astype(np.int64)
    count = np.bincount(cell, minlength=rows * cols).reshape(rows, cols).astype(np.float32)
    density = fill_pores(np.asarray(cv2.GaussianBlur(count, (0, 0), 0.8), np.float32), CELL_MM)
    return outline(density, top, left, CELL_MM, median(z))


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
        (yy, yz, yx), (_, zz, zx), _ = ((centred * weight) @ centred.T).tolist()
        yy, zz = yy + 1e-6, zz + 1e-6  # never singular
        slopes = np.array([yx * zz - zx * yz, zx * yy - yx * yz]) / (yy * zz - yz * yz)
        rest = centred[2] - slopes @ centred[:2]
        spread = 1.4826 * median(np.abs(rest)) + 1e-3
        weight = taper * (1 - np.clip(rest / (BIWEIGHT * spread), -1, 1) ** 2) ** 2
    return float(slopes[0]), float(slopes[1])

"""The orthographic back view: points of the subject, averaged on a grid that hangs in the body frame.

A cell holds the mean of the points that fall into it within 25 mm of the foremost one, under a light Gaussian by
normalised convolution (exact in the mean, no matter how the camera's pixels fall on the cells).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.frame import Frame
from edge.order import median
from edge.view.grid import BACK_VIEW, Grid
from edge.view.pose import Pose
from edge.view.rays import pixel_rays
from edge.view.segment import MIN_DEPTH_M, Segment, Thinned, background_limit
from edge.view.silhouette import Anchors, Outline, anchors, fill_pores, outline

FOREMOST_MM: Final = 25.0  # skin seen through one cell: steeper than 83 deg is another surface behind
SMOOTH_CELLS: Final = 1.2  # sigma; the noise of a stereo camera is correlated over about one cell anyway
COVERED_SHARE: Final = 0.4  # of the plateau density: below it a cell is outside the subject, or a hole
COLOUR_CELLS: Final = 0.8
HOLE_CELLS: Final = 5  # holes up to 15 mm are bridged
MIDLINE_HALF_MM: Final = 20.0
MIDLINE_ROWS_MM: Final = (-420.0, -60.0)
_GRID_MARGIN_MM: Final = 24.0


@dataclass(frozen=True)
class BackView:
    """One accepted frame, on grid ``edge.view.grid.BACK_VIEW``.

    surface_x_mm: (256, 128) float32, body x of the skin (posterior = smaller), 0 where ``mask`` is False.
    mask: (256, 128) bool. colour: (256, 128, 3) uint8 RGB, or None where the frame has none.
    body_from_camera: (4, 4) float64, camera-frame mm to body-frame mm.
    gates: measured value of every gate's quantity. captured_at_ns, number: of the frame.
    """

    surface_x_mm: NDArray[np.float32]
    mask: NDArray[np.bool_]
    colour: NDArray[np.uint8] | None
    body_from_camera: NDArray[np.float64]
    gates: dict[str, float] = field(default_factory=dict)
    captured_at_ns: int = 0
    number: int = 0


@dataclass(frozen=True)
class SubjectPoints:
    """The subject's points at full resolution: body axes, mm, origin at the camera, and where they come from.

    x, y, z: (N,) float32. pixel: (N,) flat index into ``colour``. colour: (h, w, 3) uint8, the part of the frame's
    colour that holds the subject, or None. pitch_mm: spacing of the pixels on the skin.
    """

    x: NDArray[np.float32]
    y: NDArray[np.float32]
    z: NDArray[np.float32]
    pixel: NDArray[np.int64]
    colour: NDArray[np.uint8] | None
    pitch_mm: float


@dataclass(frozen=True)
class Projection:
    """What projecting gives beside the view: the fine outline (body frame) and the share of the trunk unread."""

    view: BackView
    outline: Outline
    anchors: Anchors
    missing_share: float


def gather_points(
    frame: Frame, thinned: Thinned, segment: Segment, pose: Pose, level_from_camera: NDArray[np.float64]
) -> SubjectPoints:
    """Deproject the subject's pixels, and only those that the back view can show."""
    step = thinned.step
    limit = background_limit(thinned, segment.mask)
    turn = pose.body_from_level.astype(np.float32)
    height = thinned.y_m * 1000 - np.float32(pose.anchors.shoulder_y_mm)
    across = (turn[2, 0] * thinned.x_m + turn[2, 2] * thinned.z_m) * 1000 - np.float32(pose.middle_z_mm)
    reach_z = -BACK_VIEW.left_mm + _GRID_MARGIN_MM
    low = BACK_VIEW.top_mm - BACK_VIEW.rows * BACK_VIEW.mm_per_px - _GRID_MARGIN_MM
    shown = segment.mask & (height < BACK_VIEW.top_mm + _GRID_MARGIN_MM) & (height > low) & (np.abs(across) < reach_z)
    rows, cols = np.flatnonzero(shown.any(axis=1)), np.flatnonzero(shown.any(axis=0))
    top, bottom = max(int(rows[0]) - 1, 0), min(int(rows[-1]) + 2, shown.shape[0])
    left, right = max(int(cols[0]) - 1, 0), min(int(cols[-1]) + 2, shown.shape[1])
    box = np.s_[top * step : bottom * step, left * step : right * step]
    depth = frame.depth_m[box]
    full = (depth.shape[1], depth.shape[0])
    limit = np.asarray(cv2.resize(limit[top:bottom, left:right], full, interpolation=cv2.INTER_NEAREST), np.float32)
    ray_x, ray_y = (ray[box] for ray in pixel_rays(frame.intrinsics))
    to_level = level_from_camera.astype(np.float32)
    forward = depth * (to_level[0, 0] * ray_x + to_level[0, 1] * ray_y + to_level[0, 2])
    inside = np.flatnonzero((forward < limit) & (depth > MIN_DEPTH_M))
    depth_mm = depth.reshape(-1)[inside] * np.float32(1000)
    camera = (depth_mm * ray_x.reshape(-1)[inside], depth_mm * ray_y.reshape(-1)[inside], depth_mm)
    rotation = (pose.body_from_level @ level_from_camera).astype(np.float32)
    x, y, z = (r[0] * camera[0] + r[1] * camera[1] + r[2] * camera[2] for r in rotation)
    colour = frame.colour[box] if frame.colour is not None and frame.colour.shape[:2] == frame.depth_m.shape else None
    focal = float(np.sqrt(frame.intrinsics.fx * frame.intrinsics.fy))
    return SubjectPoints(x, y, z, inside, colour, median(depth_mm[::7]) / focal if inside.size else 1.0)


def project(frame: Frame, points: SubjectPoints, pose: Pose, level_from_camera: NDArray[np.float64]) -> Projection:
    """Splat the points, hang the body frame on the fine outline, and average the surface and the colour."""
    grid = BACK_VIEW
    row = grid.row_of(points.y - np.float32(pose.anchors.shoulder_y_mm)).astype(np.float32)
    col = grid.col_of(points.z - np.float32(pose.middle_z_mm)).astype(np.float32)
    cell, inside = _cells(row, col, grid)
    count = np.bincount(cell, minlength=grid.rows * grid.cols).reshape(grid.rows, grid.cols).astype(np.float32)
    density = fill_pores(np.asarray(cv2.GaussianBlur(count, (0, 0), SMOOTH_CELLS), np.float32), grid.mm_per_px)
    shape = outline(density, grid.top_mm, grid.left_mm, grid.mm_per_px, 0.0)
    fine = anchors(shape, pose.waist_width_mm)
    if fine is None:  # the coarse anchors stand: the outline is whole at 12 mm but porous at 3 mm
        fine = Anchors(
            0.0, 0.0, pose.anchors.waist_width_mm, pose.anchors.shoulder_width_mm,
            pose.anchors.visible_height_mm,
        )
    missing = _missing_share(count, shape, fine, points.pitch_mm, grid)
    cell, inside = _cells(row + fine.shoulder_y_mm / grid.mm_per_px, col, grid)
    offset = median(points.x[::7])
    surface, mask, kept = _surface(cell, points.x[inside] - np.float32(offset), grid)
    x_zero = _midline_depth(surface, mask, grid)
    surface = np.where(mask, surface - np.float32(x_zero), np.float32(0))
    colour = None
    if points.colour is not None:
        colour = _colour(points.colour, points.pixel[inside][kept], cell[kept], mask, grid)
    body_from_camera = np.eye(4)
    body_from_camera[:3, :3] = pose.body_from_level @ level_from_camera
    body_from_camera[:3, 3] = (
        -(offset + x_zero),
        -(pose.anchors.shoulder_y_mm + fine.shoulder_y_mm),
        -pose.middle_z_mm,
    )
    shape = Outline(shape.y_mm - fine.shoulder_y_mm, shape.left_mm, shape.right_mm)
    view = BackView(surface, mask, colour, body_from_camera, {}, frame.captured_at_ns, frame.number)
    return Projection(view, shape, fine, missing)


def _cells(
    row: NDArray[np.float32], col: NDArray[np.float32], grid: Grid
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Flat cell of every point that falls on the grid, and the indices of those points."""
    r, c = np.floor(row + np.float32(0.5)), np.floor(col + np.float32(0.5))
    inside = np.flatnonzero((r >= 0) & (r < grid.rows) & (c >= 0) & (c < grid.cols))
    return (r[inside] * grid.cols + c[inside]).astype(np.int64), inside


def _surface(
    cell: NDArray[np.int64], x: NDArray[np.float32], grid: Grid
) -> tuple[NDArray[np.float32], NDArray[np.bool_], NDArray[np.int64]]:
    """Smoothed mean of the foremost points of each cell, its mask, and the indices of the points used."""
    size = grid.rows * grid.cols
    foremost = np.full(size, np.inf, np.float32)
    np.minimum.at(foremost, cell, x)
    kept = np.flatnonzero(x <= foremost[cell] + np.float32(FOREMOST_MM))
    cell, x = cell[kept], x[kept]
    count = np.bincount(cell, minlength=size).astype(np.float32).reshape(grid.rows, grid.cols)
    total = np.bincount(cell, weights=x, minlength=size).astype(np.float32).reshape(grid.rows, grid.cols)
    weight = cv2.GaussianBlur(count, (0, 0), SMOOTH_CELLS)
    mean = cv2.GaussianBlur(total, (0, 0), SMOOTH_CELLS) / np.maximum(weight, 1e-6)
    plateau = median(weight[weight > 0]) if weight.any() else 1.0
    mask = (weight >= COVERED_SHARE * plateau).astype(np.uint8)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (HOLE_CELLS, HOLE_CELLS))
    bridged = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, kernel) > mask
    if bridged.any():
        wide_weight = cv2.GaussianBlur(weight, (0, 0), HOLE_CELLS / 2)
        wide = cv2.GaussianBlur(mean * weight, (0, 0), HOLE_CELLS / 2) / np.maximum(wide_weight, 1e-6)
        # A bridged cell leans on its own few points as far as it has any.
        trust = np.clip(weight / (COVERED_SHARE * plateau), 0, 1)
        mean = np.where(bridged, trust * mean + (1 - trust) * wide, mean)
    return mean.astype(np.float32), (mask > 0) | bridged, kept


def _colour(
    image: NDArray[np.uint8], pixel: NDArray[np.int64], cell: NDArray[np.int64], mask: NDArray[np.bool_], grid: Grid
) -> NDArray[np.uint8]:
    """Colour of the cells: one pixel of each, lightly blurred (depth needs the mean, colour does not)."""
    chosen = np.full(grid.rows * grid.cols, -1, np.int64)
    chosen[cell] = pixel
    seen = chosen >= 0
    weight = seen.astype(np.float32).reshape(grid.rows, grid.cols)
    picked = image.reshape(-1, 3).take(np.maximum(chosen, 0), axis=0).reshape(grid.rows, grid.cols, 3)
    planes = [weight, *(plane * weight for plane in cv2.split(picked))]
    share, *blurred = (np.asarray(cv2.GaussianBlur(plane, (0, 0), COLOUR_CELLS), np.float32) for plane in planes)
    bare = mask & (share < 0.05)
    if bare.any():  # bridged holes take the colour around them
        size = (2 * HOLE_CELLS + 1, 2 * HOLE_CELLS + 1)
        for plane in (share, *blurred):
            plane[bare] = cv2.boxFilter(plane, -1, size)[bare]
    scale = mask / np.maximum(share, np.float32(1e-6))
    return np.asarray(cv2.merge([(plane * scale + np.float32(0.5)).astype(np.uint8) for plane in blurred]))


def _midline_depth(surface: NDArray[np.float32], mask: NDArray[np.bool_], grid: Grid) -> float:
    """Median depth of the mid-line strip: where x = 0 lies."""
    y, z = grid.rows_y_mm, grid.cols_u_mm
    rows = (y >= MIDLINE_ROWS_MM[0]) & (y <= MIDLINE_ROWS_MM[1])
    strip = mask & rows[:, None] & (np.abs(z) <= MIDLINE_HALF_MM)[None, :]
    values = surface[strip] if strip.any() else surface[mask]
    return median(values) if values.size else 0.0


def _missing_share(
    count: NDArray[np.float32], shape: Outline, found: Anchors, pitch_mm: float, grid: Grid
) -> float:
    """Share of the trunk's pixels without a reading: points found against points that its area would hold."""
    every = 4  # rows between two samples of the edges, which are medians over some 120 mm anyway
    edges = (_running_median(edge[::every], 11) for edge in (shape.left_mm, shape.right_mm))
    left, right = (np.repeat(edge, every)[: grid.rows, None] for edge in edges)
    y, z = shape.y_mm - found.shoulder_y_mm, grid.cols_u_mm
    hull = (z >= left + 9) & (z <= right - 9)
    hull &= ((y >= max(-400.0, -found.visible_height_mm + 9)) & (y <= -20.0))[:, None]
    expected = float(hull.sum()) * (grid.mm_per_px / pitch_mm) ** 2
    return float(np.clip(1.0 - (count * hull).sum() / expected, 0.0, 1.0)) if expected else 1.0


def _running_median(values: NDArray[np.float64], length: int) -> NDArray[np.float64]:
    """Median over ``length`` rows (odd), gaps left out: a hole in one row does not narrow the trunk."""
    known = np.isfinite(values)
    filled = values if known.all() else np.where(known, values, median(values[known]) if known.any() else 0.0)
    padded = np.concatenate([np.full(length // 2, filled[0]), filled, np.full(length // 2, filled[-1])])
    windows = np.lib.stride_tricks.sliding_window_view(padded, length)
    return np.asarray(np.partition(windows, length // 2, axis=1)[:, length // 2])

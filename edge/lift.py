"""What the network is fed: the back view as image channels, and the same surface lifted into the lateral plane.

The lift is free geometry: every skin point is drawn at its true height and depth on the lateral grid, whose rows
are those of the back view, so that the network starts from the outline of the trunk seen from the side.
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.view.back_view import BackView
from edge.view.grid import BACK_VIEW, LATERAL_VIEW

BACK_CHANNELS: Final = ("surface", "slope_y", "slope_z", "mask", "red", "green", "blue", "colour_present")
LIFT_CHANNELS: Final = ("midline", "left", "right", "depth_below_skin")

SURFACE_SCALE_MM: Final = 50.0
SURFACE_LIMIT: Final = 3.0
SLOPE_GAIN: Final = 2.0
SLOPE_LIMIT: Final = 4.0
SLOPE_CELLS: Final = 1.5  # sigma under the derivative: with the view's own 1.2 cells, 5.8 mm in all
DEPTH_SCALE_MM: Final = 100.0
DEPTH_LIMITS: Final = (-1.0, 3.0)
BANDS_MM: Final = {"midline": (-20.0, 20.0), "left": (-110.0, -20.0), "right": (20.0, 110.0)}
"""z of the strip that each lift channel shows; the subject's left is negative."""


def back_tensor(view: BackView) -> NDArray[np.float32]:
    """(8, 256, 128) float32, channels ``BACK_CHANNELS`` on grid BACK_VIEW; every channel is 0 outside the mask.

    surface: body x in units of 50 mm, clipped to +-3. slope_y, slope_z: dx/dy and dx/dz (mm/mm) times 2.
    red, green, blue: -0.5 to 0.5. colour_present: 1 everywhere where the view has colour.
    """
    mask = view.mask.astype(np.float32)
    tensor = np.zeros((len(BACK_CHANNELS), BACK_VIEW.rows, BACK_VIEW.cols), np.float32)
    tensor[0] = np.clip(view.surface_x_mm / SURFACE_SCALE_MM, -SURFACE_LIMIT, SURFACE_LIMIT) * mask
    slope_y, slope_z = _slopes(view.surface_x_mm, mask)
    tensor[1] = np.clip(slope_y * SLOPE_GAIN, -SLOPE_LIMIT, SLOPE_LIMIT) * mask
    tensor[2] = np.clip(slope_z * SLOPE_GAIN, -SLOPE_LIMIT, SLOPE_LIMIT) * mask
    tensor[3] = mask
    if view.colour is not None:
        for channel, plane in enumerate(cv2.split(view.colour), start=BACK_CHANNELS.index("red")):
            tensor[channel] = (plane * np.float32(1 / 255) - np.float32(0.5)) * mask
        tensor[7] = 1.0
    return tensor


def lateral_lift(view: BackView) -> NDArray[np.float32]:
    """(4, 256, 128) float32, channels ``LIFT_CHANNELS`` on grid LATERAL_VIEW.

    midline, left, right: where the strip's skin lies in each row, linear weights on the two nearest columns,
    summing to 1 per row (0 where the row has no skin). depth_below_skin: (x - x of the mid-line skin) / 100 mm,
    clipped to [-1, 3]; the skin line is interpolated over missing rows and held beyond the ends.
    """
    lift = np.zeros((len(LIFT_CHANNELS), LATERAL_VIEW.rows, LATERAL_VIEW.cols), np.float32)
    z = BACK_VIEW.cols_u_mm
    for channel, (low, high) in enumerate(BANDS_MM.values()):
        cols = np.flatnonzero((z >= low) & (z <= high))
        strip = np.s_[:, cols[0] : cols[-1] + 1]
        lift[channel] = _splat(view.surface_x_mm[strip], view.mask[strip])
    skin = midline_skin(view)
    if skin is not None:
        x = LATERAL_VIEW.cols_u_mm.astype(np.float32)
        lift[3] = np.clip((x[None, :] - skin[:, None]) / np.float32(DEPTH_SCALE_MM), *DEPTH_LIMITS)
    return lift


def midline_skin(view: BackView) -> NDArray[np.float32] | None:
    """(256,) float32 body x of the mid-line skin by row, gaps bridged linearly, ends held; None where none is known."""
    z = BACK_VIEW.cols_u_mm
    low, high = BANDS_MM["midline"]
    cols = (z >= low) & (z <= high)
    mask = view.mask[:, cols]
    count = mask.sum(axis=1)
    known = np.flatnonzero(count > 0)
    if known.size == 0:
        return None
    mean = (view.surface_x_mm[:, cols] * mask).sum(axis=1)[known] / count[known]
    return np.interp(np.arange(BACK_VIEW.rows), known, mean).astype(np.float32)


def _slopes(
    surface_mm: NDArray[np.float32], mask: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """dx/dy and dx/dz of the surface under a masked Gaussian, mm/mm; one-sided at the edge of the mask."""
    weight = cv2.GaussianBlur(mask, (0, 0), SLOPE_CELLS)
    smooth = cv2.GaussianBlur(surface_mm * mask, (0, 0), SLOPE_CELLS) / np.maximum(weight, 1e-3)
    slopes = []
    for axis, sign in ((0, -1.0), (1, float(BACK_VIEW.right_sign))):  # row 0 is the highest
        low, high = (np.s_[:-1], np.s_[1:]) if axis == 0 else (np.s_[:, :-1], np.s_[:, 1:])
        known = mask[low] * mask[high]
        step = (smooth[high] - smooth[low]) * known
        total, number = np.zeros_like(mask), np.zeros_like(mask)
        for side in (low, high):  # a cell takes the mean of its one or two known neighbour steps
            total[side] += step
            number[side] += known
        slopes.append(total / np.maximum(number, 1) * np.float32(sign / BACK_VIEW.mm_per_px))
    return slopes[0], slopes[1]


def _splat(surface_mm: NDArray[np.float32], mask: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Soft histogram of a strip's depths by row on the lateral grid: each row sums to 1, or to 0."""
    row, source = np.nonzero(mask)
    position = np.asarray(LATERAL_VIEW.col_of(surface_mm[row, source]), np.float32)
    left = np.floor(position)
    share = position - left
    width = LATERAL_VIEW.cols + 2  # one column more on either side catches what falls off the grid
    cell = row * width + np.clip(left, -1, LATERAL_VIEW.cols - 1).astype(np.int64) + 1
    inside = (left >= -1) & (left < LATERAL_VIEW.cols)
    size = LATERAL_VIEW.rows * width
    image = np.bincount(cell, weights=(1 - share) * inside, minlength=size)
    image[1:] += np.bincount(cell, weights=share * inside, minlength=size)[:-1]
    by_row = image.reshape(LATERAL_VIEW.rows, width)[:, 1:-1].astype(np.float32)
    return by_row / np.maximum(by_row.sum(axis=1, keepdims=True), np.float32(1e-6))

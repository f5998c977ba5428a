"""What happened between two frames: whether the camera moved on, and whether the subject stood still."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from edge.frame import Frame
from edge.order import median
from edge.view.pose import Pose
from edge.view.segment import Segment, Thinned

DEPTH_BAND_M: Final = 0.15  # what lies this near the trunk's depth counts as the subject, in both frames
REACH_M: Final = 0.4  # to either side of the mid-line
ROWS_MM: Final = (-400.0, 100.0)  # trunk, neck and head; no legs, no floor
BAND_MM: Final = 20.0


def frames_advanced(frame: Frame, previous: Frame) -> float:
    """Steps of the frame counter since ``previous``; 0 where either clock stood still or ran back."""
    clocks = frame.captured_at_ns > previous.captured_at_ns and frame.device_time_ms > previous.device_time_ms
    return float(frame.number - previous.number) if clocks else 0.0


def movement(now: Thinned, before: Thinned, segment: Segment, pose: Pose) -> dict[str, float]:
    """Change of the trunk's depth and its sideways shift between two thinned frames of one camera, mm.

    The shift is the median over bands of height of how far the middle between the outermost points moved: holes in
    either frame do not look like a step. Empty where the two frames cannot be compared.
    """
    if before.valid.shape != now.valid.shape:
        return {}
    both = segment.mask & before.valid
    if int(both.sum()) < 50:
        return {}
    moved = {"depth_change_mm": median(now.x_m[both] - before.x_m[both]) * 1000}
    middle_m = median(now.z_m[segment.mask])
    where = (segment.distance_m, middle_m, pose.anchors.shoulder_y_mm / 1000)
    steps = np.abs(_middles(now, *where) - _middles(before, *where))
    known = steps[np.isfinite(steps)]
    if known.size >= 5:
        moved["shift_mm"] = median(known) * 1000
    return moved


def _middles(view: Thinned, distance_m: float, middle_m: float, shoulder_m: float) -> NDArray[np.float64]:
    """Middle between the outermost near points of every band of height, NaN where a band is empty."""
    band = np.floor((view.y_m - shoulder_m - ROWS_MM[0] / 1000) * (1000 / BAND_MM))
    bands = round((ROWS_MM[1] - ROWS_MM[0]) / BAND_MM)
    near = view.valid & (np.abs(view.x_m - distance_m) < DEPTH_BAND_M) & (np.abs(view.z_m - middle_m) < REACH_M)
    near &= (band >= 0) & (band < bands)
    index, z = band[near].astype(np.int64), view.z_m[near]
    left, right = np.full(bands, np.inf, np.float32), np.full(bands, -np.inf, np.float32)
    np.minimum.at(left, index, z)
    np.maximum.at(right, index, z)
    return np.where(np.isfinite(left), (left + right) / 2, np.nan) if index.size else np.full(bands, np.nan)

"""What happened between two frames: whether the camera moved on, and whether the subject stood still."""

from __future__ import annotations

import numpy as np

from edge.frame import Frame
from edge.view.segment import Segment, Thinned

DEPTH_BAND_M = 0.15  # what lies this near the trunk's depth counts as the subject, in both frames


def frames_advanced(frame: Frame, previous: Frame) -> float:
    """Steps of the frame counter since ``previous``; 0 where either clock stood still or ran back."""
    clocks = frame.captured_at_ns > previous.captured_at_ns and frame.device_time_ms > previous.device_time_ms
    return float(frame.number - previous.number) if clocks else 0.0


def movement(now: Thinned, before: Thinned, segment: Segment) -> dict[str, float]:
    """Change of the trunk's depth and shift of its centroid between two thinned frames of one camera, mm.

    Empty where the two cannot be compared.
    """
    both = segment.mask & before.valid
    if before.valid.shape != now.valid.shape or int(both.sum()) < 50:
        return {}
    change = float(np.median(now.x_m[both] - before.x_m[both])) * 1000
    centres = []
    for view in (now, before):
        near = view.valid & (np.abs(view.x_m - segment.distance_m) < DEPTH_BAND_M)
        if not near.any():
            return {"depth_change_mm": change}
        centres.append((float(view.y_m[near].mean()), float(view.z_m[near].mean())))
    shift = float(np.hypot(centres[0][0] - centres[1][0], centres[0][1] - centres[1][1])) * 1000
    return {"depth_change_mm": change, "shift_mm": shift}

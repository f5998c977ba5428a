"""How far a predicted line through the vertebral bodies lies from the true one, millimetres."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edge.measure.centreline import spline_through, vertebral_line_mm

HEIGHTS: Final = (np.arange(20) + 0.5) / 20
"""Shares of the true line's height at which the lines are compared."""


@dataclass(frozen=True)
class LineError:
    """Means over the heights. distance_mm: horizontal distance of the lines; depth_mm, lateral_mm: its two parts,
    absolute; shape_mm: depth after the mean difference is taken off (how deep the spine lies is hardly to be known)."""

    distance_mm: float
    depth_mm: float
    lateral_mm: float
    shape_mm: float

    def as_json(self) -> dict[str, float]:
        """Fields by name."""
        return asdict(self)


def line_error(endplates_mm: NDArray[np.floating], true_line_mm: NDArray[np.floating]) -> LineError:
    """Hold the line of (37, 4, 3) endplates against the true (N, 3) one, both in one body frame."""
    line = spline_through(vertebral_line_mm(endplates_mm))
    true = np.asarray(true_line_mm, np.float64)
    true, line = (points[np.argsort(-points[:, 1])] for points in (true, line))
    y = true[0, 1] + HEIGHTS * (true[-1, 1] - true[0, 1])
    depth, lateral = (
        np.interp(-y, -line[:, 1], line[:, axis]) - np.interp(-y, -true[:, 1], true[:, axis]) for axis in (0, 2)
    )
    return LineError(
        distance_mm=float(np.hypot(depth, lateral).mean()),
        depth_mm=float(np.abs(depth).mean()),
        lateral_mm=float(np.abs(lateral).mean()),
        shape_mm=float(np.abs(depth - depth.mean()).mean()),
    )

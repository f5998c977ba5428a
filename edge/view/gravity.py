"""Rotation from the camera frame to the gravity-vertical frame, whatever the roll of the mount.

The levelled frame has the axes of the body frame (x anterior, y up, z right) for a subject who stands with the
back square to the camera; only the yaw is still free.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_MIN_HORIZONTAL = 0.2  # sine of the angle between optical axis and gravity below which "forward" means nothing


@dataclass(frozen=True)
class Mount:
    """How the camera hangs.

    level_from_camera: (3, 3) float64 rotation, camera frame to levelled frame.
    pitch_deg: elevation of the optical axis, positive upwards. roll_deg: rotation about the optical axis away from
    the nearest of the four upright mounts (landscape, portrait either way, upside down).
    """

    level_from_camera: NDArray[np.float64]
    pitch_deg: float
    roll_deg: float


def mount_of(gravity: NDArray[np.float64]) -> Mount | None:
    """The mount that a gravity vector tells, or None where it tells none (not finite, zero, or along the axis).

    Args:
        gravity: (3,) pointing down, camera frame (x right, y down, z forward), any length.
    """
    down = np.asarray(gravity, dtype=np.float64).reshape(-1)
    length = float(np.linalg.norm(down)) if down.shape == (3,) else math.nan
    if not math.isfinite(length) or length < 1e-6:
        return None
    up = -down / length
    forward = np.array([0.0, 0.0, 1.0]) - up[2] * up
    horizontal = float(np.linalg.norm(forward))
    if horizontal < _MIN_HORIZONTAL:
        return None
    forward /= horizontal
    rotation = np.stack([forward, up, np.cross(forward, up)])
    roll = math.degrees(math.atan2(down[0], down[1]))
    return Mount(rotation, math.degrees(math.asin(np.clip(up[2], -1.0, 1.0))), (roll + 45.0) % 90.0 - 45.0)


def yaw_rotation(yaw_deg: float) -> NDArray[np.float64]:
    """(3, 3) rotation about the vertical that brings a back turned by ``yaw_deg`` square to the x axis."""
    c, s = math.cos(math.radians(yaw_deg)), math.sin(math.radians(yaw_deg))
    return np.array([[c, 0.0, -s], [0.0, 1.0, 0.0], [s, 0.0, c]])

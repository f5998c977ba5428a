"""What a depth camera delivers: one aligned colour and depth image with its intrinsics, gravity and time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Intrinsics:
    """Pinhole intrinsics of the aligned pair, pixels; (cx, cy) in pixel-centre coordinates."""

    width: int
    height: int
    fx: float
    fy: float
    cx: float
    cy: float
    distortion_model: str = ""
    distortion: tuple[float, ...] = ()


@dataclass(frozen=True, eq=False)
class Frame:
    """One moment of a depth camera. The camera may be mounted in any roll: gravity says where down is.

    depth_m: (H, W) float32, metres along the optical axis, camera frame, 0 = no reading.
    colour: (H, W, 3) uint8 RGB aligned to the depth, or None where the camera gives none.
    gravity: (3,) float64 unit vector, camera frame (x right, y down, z forward), pointing down.
    captured_at_ns: host clock, nanoseconds since the epoch. device_time_ms: the camera's own clock.
    number: the camera's frame counter.
    """

    depth_m: NDArray[np.float32]
    colour: NDArray[np.uint8] | None
    intrinsics: Intrinsics
    gravity: NDArray[np.float64]
    captured_at_ns: int
    device_time_ms: float
    number: int
    camera_model: str = ""
    camera_serial: str = ""

"""Where down is: from the configuration, else from the camera's accelerometer, else a level mount is assumed."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

LEVEL: Final = (0.0, 1.0, 0.0)
SMOOTHING: Final = 0.2  # weight of the newest reading: breathes out vibration, follows a bump
AT_REST_M_S2: Final = (5.0, 15.0)
"""Length of a reading that can be gravity; anything else is a shake, or no reading."""


class Gravity:
    """Direction of down, camera frame (x right, y down, z forward), unit length.

    Args:
        configured: used as it is. turn: (3, 3) rotation from the accelerometer's frame to the picture's.
    """

    def __init__(
        self, configured: tuple[float, float, float] | None = None, turn: NDArray[np.float64] | None = None
    ) -> None:
        self._configured = configured is not None
        self._turn = np.eye(3) if turn is None else turn
        self._mean: NDArray[np.float64] | None = None  # not of unit length: only so can it turn right round
        self.down: NDArray[np.float64] = np.array(LEVEL if configured is None else configured, np.float64)

    @property
    def known(self) -> bool:
        """Whether anything but the assumption of a level mount stands behind it."""
        return self._configured or self._mean is not None

    def note(self, x: float, y: float, z: float) -> None:
        """Follow a reading, m/s2. At rest it is the specific force, which points up: down is its opposite."""
        up = self._turn @ np.array([x, y, z])
        length = float(np.linalg.norm(up))
        if self._configured or not AT_REST_M_S2[0] < length < AT_REST_M_S2[1]:
            return
        down = -up / length
        self._mean = down if self._mean is None else (1 - SMOOTHING) * self._mean + SMOOTHING * down
        length = float(np.linalg.norm(self._mean))
        self.down = self._mean / length if length > 1e-6 else down


def rotation_between(source: Any, target: Any) -> NDArray[np.float64]:
    """(3, 3) rotation from one librealsense stream profile's frame to another's; identity where it is not told."""
    try:
        told = source.get_extrinsics_to(target).rotation  # column-major
    except RuntimeError:
        return np.eye(3)
    return np.array(told, np.float64).reshape(3, 3).T

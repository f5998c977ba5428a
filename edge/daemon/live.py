"""The newest frame's radiograph and angles for whoever looks: one place, in which the newest wins.

Nothing queues up behind a slow viewer, nothing is drawn without one, and nothing is ever stored.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge.anatomy import ANGLE_NAMES
from edge.pipeline import Measurements


@dataclass(frozen=True)
class LiveFrame:
    """One measured frame. angles_deg by ``ANGLE_NAMES``; log_attenuation: (512, 256) float32, grid RADIOGRAPH."""

    sequence: int
    captured_at_ns: int
    angles_deg: dict[str, float]
    log_attenuation: NDArray[np.float32]


class LiveView:
    """Written by the loop, read by any thread."""

    def __init__(self) -> None:
        self._news = threading.Condition()
        self._frame: LiveFrame | None = None
        self._sequence = 0

    def show(self, measured: Measurements) -> None:
        """Replace what is shown."""
        with self._news:
            self._sequence += 1
            angles = {name: measured.angles_deg[name] for name in ANGLE_NAMES}
            self._frame = LiveFrame(self._sequence, measured.captured_at_ns, angles, measured.log_attenuation)
            self._news.notify_all()

    def clear(self) -> None:
        """Show nothing: live mode is off, or nobody is there."""
        with self._news:
            if self._frame is not None:
                self._frame = None
                self._news.notify_all()

    def newest(self, after: int = 0, timeout_s: float = 0.0) -> LiveFrame | None:
        """The newest frame if its sequence is above ``after``, waiting up to ``timeout_s`` for one; else None."""
        with self._news:
            self._news.wait_for(lambda: self._newer(after), timeout_s)
            return self._frame if self._newer(after) else None

    def _newer(self, after: int) -> bool:
        return self._frame is not None and self._frame.sequence > after

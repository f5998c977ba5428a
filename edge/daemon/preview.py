"""Live mode's radiograph for a screen elsewhere: a small JPEG now and then, drawn for nobody who is not there.

It shows the synthetic picture with its notice burned in and never a frame of the camera.
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.clock import Clock
from edge.daemon.link import Link
from edge.daemon.live import LiveView
from edge.draw.radiograph import radiograph_picture

QUALITIES: Final = (80, 60, 40, 20)
"""JPEG's, best first: the first whose picture is small enough is taken."""


class Preview:
    """A chore of the loop.

    Args:
        hz: pictures a second. max_bytes: of a picture.
    """

    def __init__(self, live: LiveView, link: Link, hz: float, max_bytes: int, clock: Clock) -> None:
        self._live, self._link, self._clock = live, link, clock
        self._every_s, self._max_bytes = 1 / hz, max_bytes
        self._due_s, self._sequence = float("-inf"), 0

    def chore(self) -> None:
        """Publish the newest live frame, when that is due and there is a new one."""
        now_s = self._clock.monotonic_s()
        if now_s < self._due_s or not self._link.status.connected:
            return
        frame = self._live.newest(self._sequence)
        if frame is None:
            return
        self._due_s, self._sequence = now_s + self._every_s, frame.sequence
        picture = small_jpeg(radiograph_picture(frame.log_attenuation), self._max_bytes)
        if picture is not None:
            self._link.publish_preview(picture, frame.angles_deg)


def small_jpeg(picture: NDArray[np.uint8], max_bytes: int) -> bytes | None:
    """JPEG of a grey (H, W) picture in the best of ``QUALITIES`` that fits; None where none does."""
    for quality in QUALITIES:
        encoded = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
        if encoded.size <= max_bytes:
            return encoded.tobytes()
    return None

"""From a camera's own clock to the host's.

The camera stamps the exposure, but by its own clock; the host knows its own time, but only of the arrival, which USB
and the scheduler delay by varying amounts. The shortest delay among recent frames ties the two clocks together.
"""

from __future__ import annotations

from collections import deque
from typing import Final

WINDOW: Final = 300
"""Frames over which the shortest delay is looked for: 10 s at 30/s, in which a 50 ppm drift is half a millisecond."""
JUMP_NS: Final = 1_000_000_000
"""A clock that differs by more than this from what was expected was set anew, and the past is forgotten."""


class DeviceClock:
    """Maps device time to host time; strictly increasing as long as neither clock is set back."""

    def __init__(self) -> None:
        self._offsets: deque[int] = deque(maxlen=WINDOW)
        self._last_device_ms = -float("inf")

    def host_ns(self, device_ms: float, arrived_at_ns: int) -> int:
        """Host time, nanoseconds since the epoch, of a frame stamped ``device_ms`` that came in at ``arrived_at_ns``.

        The delay of the fastest frame stays in it: some milliseconds, the same for all.
        """
        offset = arrived_at_ns - round(device_ms * 1e6)
        jumped = bool(self._offsets) and abs(offset - self._offsets[-1]) > JUMP_NS
        if jumped or device_ms <= self._last_device_ms:
            self._offsets.clear()
        self._offsets.append(offset)
        self._last_device_ms = device_ms
        return round(device_ms * 1e6) + min(self._offsets)

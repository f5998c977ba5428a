"""Time as a part that is handed in, so that what waits, backs off or gives up can be tested in no time.

``SystemClock`` on a device; ``ManualClock`` where somebody else turns the hands.
"""

from __future__ import annotations

import threading
import time
from typing import Final, Protocol


class Clock(Protocol):
    """Two clocks and the wish to wait."""

    def monotonic_s(self) -> float:
        """Seconds that never run back, from an arbitrary start: for waits and ages."""
        ...

    def now_ns(self) -> int:
        """Host time, nanoseconds since the epoch: for stamps. It jumps when the host is set right."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait; nothing where ``seconds`` is not above 0."""
        ...


class SystemClock:
    """The host's own clocks."""

    def monotonic_s(self) -> float:
        return time.monotonic()

    def now_ns(self) -> int:
        return time.time_ns()

    def sleep(self, seconds: float) -> None:
        if seconds > 0:
            time.sleep(seconds)


class ManualClock:
    """A clock that moves when it is told to, and by every sleep: a sleeper returns at once, that much later.

    Args:
        start_ns: host time at the start.
    """

    def __init__(self, start_ns: int = 1_767_225_600_000_000_000) -> None:
        self._start_ns = start_ns
        self._elapsed_ns = 0
        self._lock = threading.Lock()

    def monotonic_s(self) -> float:
        return self._elapsed_ns / 1e9

    def now_ns(self) -> int:
        return self._start_ns + self._elapsed_ns

    def sleep(self, seconds: float) -> None:
        if seconds > 0:
            self.advance(seconds)

    def advance(self, seconds: float) -> None:
        """Turn the hands forward."""
        with self._lock:
            self._elapsed_ns += round(seconds * 1e9)


SYSTEM_CLOCK: Final[Clock] = SystemClock()

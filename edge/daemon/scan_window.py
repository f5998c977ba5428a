"""The frames of one scan while it runs: good ones spread over time, until there are enough or the time is over."""

from __future__ import annotations

import time

from edge.clock import Clock
from edge.daemon.settings import ScanSettings
from edge.fuse import MIN_ACCEPTED
from edge.pipeline import Measurements
from edge.runtime.bundle import Bundle
from edge.scan import Outcome, Scan, answer


class ScanWindow:
    """Collects outcomes from now on.

    Args:
        subject_ref: opaque reference that the command gave, or None.
    """

    def __init__(self, settings: ScanSettings, clock: Clock, subject_ref: str | None = None) -> None:
        self._settings, self._clock, self.subject_ref = settings, clock, subject_ref
        self._began_s = self._due_s = clock.monotonic_s()
        self._started = time.perf_counter()
        self._outcomes: list[Outcome] = []
        self._measured = 0

    @property
    def wants(self) -> bool:
        """Whether a frame that comes now is to be measured."""
        return self._clock.monotonic_s() >= self._due_s

    @property
    def complete(self) -> bool:
        """Whether there are frames enough, or no time is left."""
        over = self._clock.monotonic_s() - self._began_s >= self._settings.over_s
        return over or self._measured >= self._settings.frames

    @property
    def progress(self) -> float:
        """Share of the wanted frames that is measured, 0 to 1."""
        return min(1.0, self._measured / self._settings.frames)

    def add(self, outcome: Outcome) -> None:
        """Take a frame's outcome; only after a good one the next has to wait."""
        self._outcomes.append(outcome)
        if isinstance(outcome, Measurements):
            self._measured += 1
            self._due_s += self._settings.spacing_s
            self._due_s = max(self._due_s, self._clock.monotonic_s() - self._settings.spacing_s)

    def fused(self, bundle: Bundle, source: str) -> Scan:
        """One answer from what was collected.

        Raises:
            RefusedError: too few good frames; the reason is named.
        """
        needed = min(MIN_ACCEPTED, self._settings.frames)
        # `fuse` asks for no more frames than it is given: a scan whose time was over after one frame is no scan.
        padded = self._outcomes if len(self._outcomes) >= needed else []
        return Scan(answer(padded, bundle, needed, source), (time.perf_counter() - self._started) * 1e3)

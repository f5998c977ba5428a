"""Where results go, whether there is room for one more, and what deletes them: asked before a scan, not after it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Final

from edge.clock import Clock
from edge.errors import LatxError, OutputError
from edge.health.metrics import Metrics
from edge.privacy.retention import Retention
from edge.sinks.outbox.outbox import Outbox, free_bytes_of
from edge.sinks.sink import Report, Sink

_log = logging.getLogger(__name__)

LOOK_S: Final = 2.0
"""Time between two looks at the disk."""


class Store:
    """The sink of reports with its conditions.

    Args:
        room: why one more result could not be kept, or None. outbox: None without a broker.
    """

    def __init__(self, scans: Path, sink: Sink, room: Callable[[], str | None], clock: Clock, metrics: Metrics, *,
                 outbox: Outbox | None = None, retention: Retention | None = None) -> None:
        self._scans, self._sink, self._room, self._clock, self._metrics = scans, sink, room, clock, metrics
        self._outbox, self._retention = outbox, retention
        self._looked_s = float("-inf")
        self._refusal: str | None = None
        self._complaint = ""

    def refusal(self) -> str | None:
        """Why no scan may begin, or None; looked at anew when due."""
        now_s = self._clock.monotonic_s()
        if now_s - self._looked_s >= LOOK_S:
            self._looked_s = now_s
            self._refusal = self._room()
            self._measure()
        return self._refusal

    def accept(self, report: Report) -> None:
        """Keep a report: on disk, on record, and in the queue where there is one, when this returns.

        Raises:
            OutputError: it could not be kept. ``refusal`` says so until the next look.
        """
        try:
            self._sink.accept(report)
        except OutputError as error:
            self._refusal, self._looked_s = error.what, self._clock.monotonic_s()
            raise

    def chore(self) -> None:
        """Delete what is too old, when that is due. A disk that refuses is no reason to end."""
        if self._retention is None:
            return
        try:
            self._retention.tick()
            self._complaint = ""
        except OutputError as error:
            if error.line() != self._complaint:
                _log.error("%s", error.line())
            self._complaint = error.line()

    def _measure(self) -> None:
        try:
            self._metrics.set("disk_free_bytes", free_bytes_of(self._scans))
            if self._outbox is not None:
                backlog = self._outbox.backlog()
                self._metrics.set("outbox_reports", backlog.reports)
                self._metrics.set("outbox_bytes", backlog.bytes)
                self._metrics.set("outbox_oldest_seconds", backlog.oldest_s)
        except (OSError, LatxError):
            return  # `room` has said so


def disk_room(scans: Path, min_free_mb: float) -> Callable[[], str | None]:
    """Room where nothing queues: free space alone."""

    def room() -> str | None:
        try:
            free_mb = free_bytes_of(scans) / 1e6
        except OSError as failure:
            return f"the disk does not answer: {failure.strerror}"
        return None if free_mb >= min_free_mb else f"{free_mb:.0f} MB free, {min_free_mb:.0f} MB reserved"

    return room

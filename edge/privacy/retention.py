"""The retention timer: results older than configured leave the disk and the queue, delivered or not.

Age counts on the host's clock, right or not: a kiosk that never hears of the time must not keep results for ever, and a
clock that was only stopped errs towards keeping. When a clock is set right it leaps; so a result from before (its
``clock_synced`` is false) starts to age anew then: its folder's time is set.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

from edge.clock import SYSTEM_CLOCK, Clock
from edge.privacy.audit import AuditLog
from edge.privacy.settings import PrivacySettings
from edge.privacy.wipe import RESULT_FILE, Queue, delete_result, results_in
from edge.result.identity import clock_synced

_DAY_S: Final = 86_400.0
_SAME_S: Final = 60.0  # a folder and its record are written within this time


class Retention:
    """Looks through ``scans`` when it is due; meant to be asked often."""

    def __init__(self, scans: Path, settings: PrivacySettings, outbox: Queue | None = None,
                 audit: AuditLog | None = None, clock: Clock = SYSTEM_CLOCK,
                 synced: Callable[[], bool] = clock_synced) -> None:
        self._scans, self._settings, self._outbox, self._audit = scans, settings, outbox, audit
        self._clock, self._synced = clock, synced
        self._next_s = clock.monotonic_s()

    def tick(self) -> int:
        """Delete what is too old if a look is due. Returns how many results went.

        Raises:
            OutputError: something cannot be deleted.
        """
        now_s = self._clock.monotonic_s()
        if self._settings.retention_days is None or now_s < self._next_s:
            return 0
        self._next_s = now_s + self._settings.retention_check_s
        return self.sweep()

    def sweep(self) -> int:
        """Delete what is too old now; nothing where results are kept for ever."""
        days = self._settings.retention_days
        if days is None:
            return 0
        too_old = [p for p in results_in(self._scans) if self._age_s(p) > days * _DAY_S]
        for folder in too_old:
            if self._outbox is not None:
                self._outbox.remove(folder.name)
            delete_result(self._scans, folder.name)
            if self._audit is not None:
                self._audit.record("result_deleted", scan_id=folder.name, reason="retention")
        return len(too_old)

    def _age_s(self, folder: Path) -> float:
        now_s = self._clock.now_ns() / 1e9
        try:
            written_s, record = folder.stat().st_mtime, folder / RESULT_FILE
            untouched = self._synced() and abs(record.stat().st_mtime - written_s) < _SAME_S
            if untouched and json.loads(record.read_text(encoding="utf-8")).get("clock_synced") is False:
                os.utime(folder, (now_s, now_s))
                return 0.0
        except (OSError, ValueError, AttributeError):
            return now_s - _mtime(folder)  # a record that cannot be read is data to be deleted all the same
        return now_s - written_s


def _mtime(folder: Path) -> float:
    try:
        return folder.stat().st_mtime
    except OSError:
        return 0.0

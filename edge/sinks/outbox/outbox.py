"""The outbox: which scans still have to be delivered. Rows name folders; the folders hold the reports.

A scan is ``intended`` before its folder is written and ``queued`` after. What a power cut leaves is therefore told
apart at the next start: an intention with a folder is queued, one without never was. SQLite in WAL mode with
synchronous FULL (https://www.sqlite.org/pragma.html#pragma_synchronous): what was committed survives.
"""

from __future__ import annotations

import os
import re
import sqlite3
import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from edge.clock import SYSTEM_CLOCK, Clock
from edge.errors import OutputError
from edge.result.identity import SCAN_ID, clock_synced
from edge.sinks.outbox.settings import OutboxSettings

_VERSION: Final = 1  # PRAGMA user_version
_TABLE: Final = """
CREATE TABLE IF NOT EXISTS report (
    scan_id TEXT PRIMARY KEY,
    state TEXT NOT NULL CHECK (state IN ('intended', 'queued')),
    bytes INTEGER NOT NULL,
    queued_ns INTEGER NOT NULL,
    clock_synced INTEGER NOT NULL,
    parts_sent INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID
"""
_PRAGMAS: Final = ("journal_mode = WAL", "synchronous = FULL", "secure_delete = ON", f"user_version = {_VERSION}")
_BUSY_S: Final = 10.0  # wait for another process's transaction (wipe) before an error
_TYPICAL_BYTES: Final = 1_000_000  # room that one more report is given
_DAY_NS: Final = 86_400 * 10**9


@dataclass(frozen=True)
class Room:
    """Whether one more scan can be kept and queued; if not, why, for the person at the device."""

    ok: bool
    reason: str = ""


@dataclass(frozen=True)
class Backlog:
    """What waits. oldest_s: age of the oldest report, 0 where none waits."""

    reports: int
    bytes: int
    oldest_s: float


@dataclass(frozen=True)
class Entry:
    """One queued report. parts_sent: its messages on topics of their own have been taken by the broker."""

    scan_id: str
    bytes: int
    parts_sent: bool


class Outbox:
    """The queue beside a folder of results. Every method may be called from any thread.

    Args:
        path: the database, made where it is missing. A damaged one is set aside and every result on disk is queued
            again; receivers recognise what they have by its id.
        scans: the folder of result folders.
        synced: whether the host's clock can be trusted; ages count from when it first can.
        free_bytes: free space of the disk that holds a path.

    Raises:
        OutputError: the database cannot be opened.
    """

    def __init__(
        self,
        path: Path,
        scans: Path,
        settings: OutboxSettings | None = None,
        clock: Clock = SYSTEM_CLOCK,
        synced: Callable[[], bool] = clock_synced,
        free_bytes: Callable[[Path], int] | None = None,
    ) -> None:
        self.scans, self.path, self._settings = scans, path, settings or OutboxSettings()
        self._clock, self._synced, self._free_bytes = clock, synced, free_bytes or free_bytes_of
        self._lock, self._listeners = threading.RLock(), list[Callable[[], None]]()
        self.rebuilt = False
        with self._failing("opened"):
            path.parent.mkdir(parents=True, exist_ok=True)
            scans.mkdir(parents=True, exist_ok=True)
            try:
                self._database = _open(path)
            except sqlite3.DatabaseError as failure:
                if isinstance(failure, sqlite3.OperationalError):
                    raise
                self._rebuild()

    def on_change(self, listener: Callable[[], None]) -> None:
        """Call ``listener`` after each report that is queued; it must return at once."""
        self._listeners.append(listener)

    # The writer's side

    def room(self) -> Room:
        """Whether one more scan may start: asked before it, so that nothing is measured that cannot be kept."""
        settings = self._settings
        try:
            free = self._free_bytes(self.scans)
            if os.statvfs(self.scans).f_flag & os.ST_RDONLY:
                return Room(False, "the disk has become read-only")
            backlog = self.backlog()
        except (OSError, OutputError) as failure:
            return Room(False, f"the disk does not answer: {getattr(failure, 'strerror', None) or failure}")
        if free - _TYPICAL_BYTES < settings.min_free_mb * 1e6:
            return Room(False, f"the disk is full: {free / 1e6:.0f} MB free, {settings.min_free_mb:.0f} MB reserved")
        if backlog.bytes + _TYPICAL_BYTES > settings.max_mb * 1e6:
            return Room(False, f"{backlog.reports} reports ({backlog.bytes / 1e6:.0f} MB) wait for a receiver and the "
                               f"queue holds {settings.max_mb:.0f} MB")
        return Room(True)

    def refusal(self) -> str | None:
        """Why there is no room for one more scan; None where there is."""
        room = self.room()
        return None if room.ok else room.reason

    def intend(self, scan_id: str) -> None:
        """Say that ``scan_id`` is about to be written to its folder.

        Raises:
            OutputError: this could not be put on disk.
        """
        with self._writing() as database:
            database.execute("INSERT INTO report VALUES (?, 'intended', 0, ?, ?, 0)",
                             (scan_id, self._clock.now_ns(), self._synced()))

    def queue(self, scan_id: str, size: int) -> None:
        """Queue the report whose folder is on disk now.

        Raises:
            OutputError: this could not be put on disk.
        """
        with self._writing() as database:
            database.execute("INSERT OR REPLACE INTO report VALUES (?, 'queued', ?, ?, ?, 0)",
                             (scan_id, size, self._clock.now_ns(), self._synced()))
        for listener in self._listeners:
            listener()

    def recover(self) -> list[str]:
        """At the writer's start: settle what a killed one intended. Returns the ids that were queued by this."""
        found = []
        with self._lock:
            for (scan_id,) in self._read("SELECT scan_id FROM report WHERE state = 'intended'"):
                if (self.scans / scan_id).is_dir():
                    self.queue(scan_id, self._size(scan_id))
                    found.append(scan_id)
                else:
                    self.remove(scan_id)
        return found

    # The sender's side

    def due(self, limit: int, leave_out: Collection[str] = ()) -> list[Entry]:
        """The oldest queued reports, at most ``limit``, without those in ``leave_out``."""
        rows = self._read("SELECT scan_id, bytes, parts_sent FROM report WHERE state = 'queued' "
                          "ORDER BY queued_ns, scan_id LIMIT ?", limit + len(leave_out))
        return [Entry(s, b, bool(p)) for s, b, p in rows if s not in leave_out][:limit]

    def load(self, scan_id: str) -> dict[str, bytes]:
        """The files of a report by name; empty where its folder is gone (wiped, past retention)."""
        try:
            return {p.name: p.read_bytes() for p in sorted((self.scans / scan_id).iterdir()) if p.is_file()}
        except (FileNotFoundError, NotADirectoryError):
            return {}

    def parts_sent(self, scan_id: str) -> None:
        """The messages beside the report were taken; a repetition of the report need not repeat them."""
        with self._writing() as database:
            database.execute("UPDATE report SET parts_sent = 1 WHERE scan_id = ?", (scan_id,))

    def remove(self, scan_id: str) -> bool:
        """Take one report off the queue: delivered, or deleted. Returns whether it was there."""
        with self._writing() as database:
            return database.execute("DELETE FROM report WHERE scan_id = ?", (scan_id,)).rowcount > 0

    def clear(self) -> int:
        """Take everything off the queue. Returns how many reports."""
        with self._writing() as database:
            count = database.execute("DELETE FROM report").rowcount
        with self._failing("emptied"), self._lock:
            self._database.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # the log would keep the ids
        return count

    def expire(self) -> list[str]:
        """Take reports off the queue that waited longer than configured, and return their ids; folders stay.

        Nothing expires while the host's clock is not to be trusted. Reports queued in such a time start to age when
        it can be trusted again: a device that starts in the wrong year must not throw its queue away.
        """
        if not self._synced():
            return []
        now = self._clock.now_ns()
        with self._writing() as database:
            database.execute("UPDATE report SET queued_ns = ?, clock_synced = 1 WHERE clock_synced = 0", (now,))
            limit = now - int(self._settings.max_age_days * _DAY_NS)
            gone = [row[0] for row in database.execute("SELECT scan_id FROM report WHERE queued_ns < ?", (limit,))]
            database.executemany("DELETE FROM report WHERE scan_id = ?", [(scan_id,) for scan_id in gone])
        return gone

    def backlog(self) -> Backlog:
        """How much waits."""
        ((reports, size, oldest),) = self._read(
            "SELECT COUNT(*), COALESCE(SUM(bytes), 0), MIN(queued_ns) FROM report WHERE state = 'queued'"
        )
        age_s = 0.0 if oldest is None else max(0.0, (self._clock.now_ns() - oldest) / 1e9)
        return Backlog(reports, size, age_s)

    def close(self) -> None:
        """Let go of the database. Harmless when repeated."""
        with self._lock:
            self._database.close()

    def _read(self, query: str, *values: object) -> list[tuple]:  # type: ignore[type-arg]
        with self._failing("read"), self._lock:
            return self._database.execute(query, values).fetchall()

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._failing("written"), self._lock:
            self._database.execute("BEGIN IMMEDIATE")
            try:
                yield self._database
                self._database.execute("COMMIT")
            except BaseException:
                if self._database.in_transaction:
                    self._database.execute("ROLLBACK")
                raise

    @contextmanager
    def _failing(self, verb: str) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as failure:
            raise OutputError(f"the outbox cannot be {verb}", where=str(self.path),
                              expected="a database on a writable disk with free space", found=str(failure),
                              mend="free space or give another state folder") from failure

    def _size(self, scan_id: str) -> int:
        return sum(p.stat().st_size for p in (self.scans / scan_id).iterdir() if p.is_file())

    def _rebuild(self) -> None:
        stamp = self._clock.now_ns()
        for suffix in ("", "-wal", "-shm"):
            part = self.path.with_name(self.path.name + suffix)
            if part.exists():
                part.rename(part.with_name(f"{self.path.name}.damaged-{stamp}{suffix}"))
        self._database, self.rebuilt = _open(self.path), True
        for folder in sorted(self.scans.iterdir()):
            if re.fullmatch(SCAN_ID, folder.name) and folder.is_dir():
                self.queue(folder.name, self._size(folder.name))


def free_bytes_of(path: Path) -> int:
    """Bytes that an unprivileged process may still write to the disk that holds ``path``."""
    status = os.statvfs(path)
    return status.f_bavail * status.f_frsize


def _open(path: Path) -> sqlite3.Connection:
    database = sqlite3.connect(path, timeout=_BUSY_S, isolation_level=None, check_same_thread=False)
    try:
        for pragma in _PRAGMAS:
            database.execute(f"PRAGMA {pragma}")
        if database.execute("PRAGMA quick_check").fetchone() != ("ok",):
            raise sqlite3.DatabaseError("quick_check finds damage")
        database.execute(_TABLE)
    except BaseException:
        database.close()
        raise
    return database

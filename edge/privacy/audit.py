"""The audit log: one line per event, each with the hash of the one before, so that no line can be changed or taken out
unseen. It names scans by their random ids and never a person.

Whoever can rewrite the whole file can rewrite the whole chain: note its head (``latx-edge audit verify`` prints it)
elsewhere from time to time, and ask later whether the chain still contains it.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from edge.clock import SYSTEM_CLOCK, Clock
from edge.errors import OutputError
from edge.result.identity import clock_synced, rfc3339

FIRST: Final = "0" * 64
"""The hash before the first line."""

RECOVERED: Final = "log_recovered"
EVENTS: Final[dict[str, tuple[str, ...]]] = {
    "started": ("version",),
    "stopped": ("reason",),
    "configured": ("changed",),
    "result_stored": ("scan_id",),
    "report_delivered": ("scan_id", "by"),
    "report_received": ("scan_id", "device"),
    "report_expired": ("scan_id",),
    "result_deleted": ("scan_id", "reason"),
    "wipe": ("reason", "results", "everything"),
    "command": ("verb", "status"),
    "outbox_rebuilt": ("reports",),
    RECOVERED: ("torn_bytes", "torn_sha256"),
}
"""Every event and the only data it may carry."""

_TAIL_BYTES: Final = 65_536  # longer than any line


@dataclass(frozen=True)
class Verification:
    """What a look at a log found. problem: None where every line is as it was written; line: where it is not, from 1.

    head: hash of the last line in order.
    """

    entries: int
    head: str
    line: int = 0
    problem: str | None = None


class AuditLog:
    """Appends to one file; several processes may. Made where it is missing, readable by its owner alone."""

    def __init__(self, path: Path, clock: Clock = SYSTEM_CLOCK) -> None:
        self.path, self._clock = path, clock
        self._lock = threading.Lock()

    def record(self, event: str, **data: Any) -> str:
        """Append one event, on the disk when this returns. Returns its hash.

        Raises:
            OutputError: it cannot be written. ValueError: no such event, or data that its row does not have.
        """
        if event not in EVENTS or not set(data) <= set(EVENTS[event]):
            raise ValueError(f"no row for {event} with {sorted(data)} in EVENTS")
        try:
            with self._lock, self._locked() as descriptor:
                return self._append(descriptor, event, data)
        except OSError as failure:
            raise OutputError("the audit log cannot be written", where=str(self.path), expected="a writable disk",
                              found=failure.strerror or str(failure), mend="free space or mend its rights") from None

    @contextlib.contextmanager
    def _locked(self) -> Iterator[int]:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            if os.geteuid() == 0:  # made by root on behalf of the service, it must stay the service's
                owner = os.stat(self.path.parent)
                os.fchown(descriptor, owner.st_uid, owner.st_gid)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield descriptor
        finally:
            os.close(descriptor)

    def _append(self, descriptor: int, event: str, data: dict[str, Any]) -> str:
        seq, head, torn = _end(descriptor)
        text = b""
        if torn:  # a power cut left half a line: close it, and say so
            found = {"torn_bytes": len(torn), "torn_sha256": hashlib.sha256(torn).hexdigest()}
            line, head = self._line(seq, RECOVERED, found, head)
            text, seq = b"\n" + line, seq + 1
        line, head = self._line(seq, event, data, head)
        text += line
        while text:
            text = text[os.write(descriptor, text):]
        os.fsync(descriptor)
        return head

    def _line(self, seq: int, event: str, data: dict[str, Any], prev: str) -> tuple[bytes, str]:
        entry = {"seq": seq, "time": rfc3339(self._clock.now_ns()), "clock_synced": clock_synced(), "event": event,
                 "data": data, "prev": prev}
        entry["hash"] = digest(entry)
        return json.dumps(entry, separators=(",", ":")).encode() + b"\n", str(entry["hash"])


def digest(entry: dict[str, Any]) -> str:
    """SHA-256 over an entry without its own hash, as JSON with sorted keys and no spaces."""
    body = {key: value for key, value in entry.items() if key != "hash"}
    return hashlib.sha256(json.dumps(body, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def verify(path: Path, expected_head: str | None = None) -> Verification:
    """Read a whole log and say whether every line is as it was written and follows from the one before.

    Args:
        expected_head: a hash noted earlier, which the chain must still contain (else lines are missing at its end).

    Raises:
        OutputError: the file cannot be read.
    """
    try:
        content = path.read_bytes()
    except OSError as failure:
        raise OutputError("the audit log cannot be read", where=str(path), expected="a readable file",
                          found=failure.strerror or str(failure), mend="give its path") from None
    head, count, torn, seen = FIRST, 0, None, {FIRST}
    lines = content.split(b"\n")
    tail = lines.pop()
    for number, line in enumerate(lines, 1):
        entry = _read(line)
        if entry is None:
            if torn is not None:
                return Verification(count, head, number, "it is no entry")
            torn = line
            continue
        wrong = _wrong(entry, count, head, torn)
        if wrong:
            return Verification(count, head, number, wrong)
        head, count, torn = str(entry["hash"]), count + 1, None
        seen.add(head)
    if torn is not None:
        return Verification(count, head, len(lines), "it is no entry")
    if tail:
        return Verification(count, head, len(lines) + 1, "it is cut off (a power cut; the next entry will say so)")
    if expected_head is not None and expected_head not in seen:
        return Verification(count, head, count, "the expected head is not in the chain: lines are missing at its end")
    return Verification(count, head)


def _wrong(entry: dict[str, Any], seq: int, head: str, torn: bytes | None) -> str | None:
    if entry.get("hash") != digest(entry):
        return "it was changed: its hash does not fit"
    if entry.get("prev") != head or entry.get("seq") != seq:
        return "it does not follow from the line before: lines are missing, added or in another order"
    if torn is not None:
        data = entry.get("data", {})
        if entry.get("event") != RECOVERED or data.get("torn_sha256") != hashlib.sha256(torn).hexdigest():
            return "the line before it is no entry"
    return None


def _read(line: bytes) -> dict[str, Any] | None:
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return entry if isinstance(entry, dict) else None


def _end(descriptor: int) -> tuple[int, str, bytes]:
    """Next number, hash of the last whole entry, and what follows it without an end of line."""
    size = os.fstat(descriptor).st_size
    tail = os.pread(descriptor, _TAIL_BYTES, max(0, size - _TAIL_BYTES))
    *whole, torn = tail.split(b"\n")
    for line in reversed(whole):
        entry = _read(line)
        if entry is not None and "hash" in entry:
            return int(entry["seq"]) + 1, str(entry["hash"]), torn
    return 0, FIRST, torn

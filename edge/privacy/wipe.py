"""Deleting results: each folder vanishes in one step before its files go, so no half of a child's record remains."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from edge.errors import OutputError
from edge.privacy.audit import AuditLog
from edge.result.identity import SCAN_ID
from edge.result.writer import PARTIAL

RESULT_FILE = "result.json"


class Queue(Protocol):
    """What may still hold a result: the outbox."""

    def remove(self, scan_id: str) -> bool:
        """Take one report off the queue."""
        ...

    def clear(self) -> int:
        """Take everything off the queue."""
        ...


@dataclass(frozen=True)
class Wiped:
    """What was deleted. leftovers: hidden folders of killed writers."""

    results: int
    queued: int
    leftovers: int = 0


def results_in(scans: Path) -> list[Path]:
    """The result folders below ``scans``, oldest first; nothing else that lies there."""
    try:
        return sorted(p for p in scans.iterdir() if re.fullmatch(SCAN_ID, p.name) and p.is_dir())
    except FileNotFoundError:
        return []


def delete_result(scans: Path, scan_id: str) -> bool:
    """Delete one result's folder, in one step for everybody who looks; False where there is none.

    Raises:
        OutputError: it cannot be deleted.
    """
    folder, hidden = scans / scan_id, scans / f"{PARTIAL}deleted-{scan_id}"
    try:
        with contextlib.suppress(FileNotFoundError):
            os.rename(folder, hidden)
            shutil.rmtree(hidden)
            return True
    except OSError as failure:
        raise OutputError("a result cannot be deleted", where=str(scans), expected="a folder that this user may write",
                          found=failure.strerror or str(failure), mend="run as the service's user or as root") from None
    return False


def wipe(scans: Path, outbox: Queue | None, audit: AuditLog | None, *, reason: str, scan_id: str | None = None,
         subject_ref: str | None = None) -> Wiped:
    """Delete all results, or those that match, with what of them is queued and what killed writers left.

    Args:
        reason: for the audit log: "operator", "command".
        scan_id, subject_ref: delete only what matches; None: everything.

    Raises:
        OutputError: something cannot be deleted; what comes before it is gone.
    """
    chosen = [p for p in results_in(scans) if _matches(p, scan_id, subject_ref)]
    if audit is not None:  # before the deed: a wipe that is cut short is on record
        audit.record("wipe", reason=reason, results=len(chosen), everything=scan_id is None and subject_ref is None)
    results = queued = 0
    for folder in chosen:
        queued += outbox.remove(folder.name) if outbox is not None else 0
        results += delete_result(scans, folder.name)
        if audit is not None:
            audit.record("result_deleted", scan_id=folder.name, reason=reason)
    leftovers = 0
    if scan_id is None and subject_ref is None:
        leftovers = _delete_leftovers(scans)
        queued += outbox.clear() if outbox is not None else 0
    return Wiped(results, queued, leftovers)


def _delete_leftovers(scans: Path) -> int:
    leftovers = [p for p in scans.glob(f"{PARTIAL}*") if p.is_dir()]
    for folder in leftovers:
        shutil.rmtree(folder, ignore_errors=True)
    return len(leftovers)


def _matches(folder: Path, scan_id: str | None, subject_ref: str | None) -> bool:
    if scan_id is not None and folder.name != scan_id:
        return False
    if subject_ref is None:
        return True
    try:
        return bool(json.loads((folder / RESULT_FILE).read_text(encoding="utf-8")).get("subject_ref") == subject_ref)
    except (OSError, ValueError, AttributeError):
        return False

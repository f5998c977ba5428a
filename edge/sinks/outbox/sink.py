"""Disk first, then the queue: a report is accepted when it lies in its folder and its delivery is owed."""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path

from edge.errors import OutputError
from edge.privacy.audit import AuditLog
from edge.sinks.disk import DiskSink
from edge.sinks.outbox.outbox import Outbox
from edge.sinks.sink import Report


class QueuedSink:
    """Keeps every report on the disk and queues it for delivery. The one writer of its outbox.

    Args:
        disk: writes into the folder that ``outbox`` watches over.
        audit: gets every result that is kept; None: none is.

    Raises:
        OutputError: the outbox or the audit log cannot be written.
    """

    def __init__(self, disk: DiskSink, outbox: Outbox, audit: AuditLog | None = None) -> None:
        self._disk, self._outbox, self._audit = disk, outbox, audit
        self.recovered = outbox.recover()
        if audit is not None:
            for scan_id in self.recovered:
                audit.record("result_stored", scan_id=scan_id)
            if outbox.rebuilt:
                audit.record("outbox_rebuilt", reports=outbox.backlog().reports)

    def accept(self, report: Report) -> Path:
        """Keep and queue one report; when this returns, no power cut can lose it.

        Raises:
            OutputError: there is no room, or it cannot be written. The report is then as if it had never been.
        """
        room = self._outbox.room()
        if not room.ok:
            raise OutputError("no room for one more result", where=str(self._outbox.scans), expected="room on the disk "
                              "and in the outbox", found=room.reason, mend="free space or bring the receiver back")
        scan_id = report.result.scan_id
        self._outbox.intend(scan_id)
        folder: Path | None = None
        try:
            folder = self._disk.accept(report)
            if self._audit is not None:
                self._audit.record("result_stored", scan_id=scan_id)
            self._outbox.queue(scan_id, sum(map(len, report.files.values())))
        except OutputError:
            if folder is not None:
                shutil.rmtree(folder, ignore_errors=True)
            with contextlib.suppress(OutputError):  # settled at the next start
                self._outbox.remove(scan_id)
            raise
        return folder

"""Disk first, then the queue: a report is accepted when it lies in its folder and its delivery is owed."""

from __future__ import annotations

import contextlib
import logging
import shutil
from pathlib import Path
from typing import Any, Final

from edge.errors import OutputError
from edge.sinks.disk import DiskSink
from edge.sinks.outbox.outbox import Outbox
from edge.sinks.sink import Report

_LOG: Final = logging.getLogger(__name__)


class QueuedSink:
    """Keeps every report on the disk and queues it for delivery. The one writer of its outbox.

    Args:
        disk: writes into the folder that ``outbox`` watches over; its audit log also gets what a start finds.

    Raises:
        OutputError: the outbox cannot be written.
    """

    def __init__(self, disk: DiskSink, outbox: Outbox) -> None:
        self._disk, self._outbox = disk, outbox
        for scan_id in outbox.recover():  # a killed process had written it and no more
            self._note("result_stored", scan_id=scan_id)
        if outbox.rebuilt:
            _LOG.error("the outbox was damaged; every result on disk is queued again")
            self._note("outbox_rebuilt", reports=outbox.backlog().reports)

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
            self._outbox.queue(scan_id, sum(map(len, report.files.values())))
        except OutputError:
            if folder is not None:
                shutil.rmtree(folder, ignore_errors=True)
            with contextlib.suppress(OutputError):  # settled at the next start
                self._outbox.remove(scan_id)
            raise
        return folder

    def _note(self, event: str, **data: Any) -> None:
        """Put on record; a disk that refuses is no reason not to start: it refuses the next scan too, and says why."""
        try:
            if self._disk.audit is not None:
                self._disk.audit.record(event, **data)
        except OutputError as error:
            _LOG.error("%s", error.line())

"""The disk as a sink: one folder per scan, whole or absent, and on record in the audit log."""

from __future__ import annotations

import shutil
from pathlib import Path

from edge.errors import OutputError
from edge.privacy.audit import AuditLog
from edge.result.writer import check_writable, sweep, write_folder
from edge.sinks.sink import Report


class DiskSink:
    """Keeps every report in a folder of its own below ``out``.

    Args:
        audit: gets every result that is kept; None: none is.

    Raises:
        OutputError: ``out`` cannot be written; known before the first scan.
    """

    def __init__(self, out: Path, audit: AuditLog | None = None) -> None:
        check_writable(out)
        sweep(out)
        self._out, self.audit = out, audit

    def accept(self, report: Report) -> Path:
        """Write the report's files into ``out/<scan_id>``; see ``edge.result.writer.write_folder``.

        Raises:
            OutputError: they cannot be written, or not be put on record. Nothing of them is left then.
        """
        folder = write_folder(self._out, report.result.scan_id, report.files)
        try:
            if self.audit is not None:
                self.audit.record("result_stored", scan_id=report.result.scan_id)
        except OutputError:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        return folder

"""The disk as a sink: one folder per scan, whole or absent."""

from __future__ import annotations

from pathlib import Path

from edge.result.writer import check_writable, sweep, write_folder
from edge.sinks.sink import Report


class DiskSink:
    """Keeps every report in a folder of its own below ``out``.

    Raises:
        OutputError: ``out`` cannot be written; known before the first scan.
    """

    def __init__(self, out: Path) -> None:
        check_writable(out)
        sweep(out)
        self._out = out

    def accept(self, report: Report) -> Path:
        """Write the report's files into ``out/<scan_id>``; see ``edge.result.writer.write_folder``."""
        return write_folder(self._out, report.result.scan_id, report.files)

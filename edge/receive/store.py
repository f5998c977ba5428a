"""Where a receiver keeps reports: the same folders as on the device, whole or absent, each scan once."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from edge.errors import OutputError
from edge.result.writer import check_writable, sweep, write_folder
from edge.sinks.mqtt.report_message import RESULT


class ReportStore:
    """Result folders below ``out``, which several receivers may share.

    Raises:
        OutputError: ``out`` cannot be written.
    """

    def __init__(self, out: Path) -> None:
        check_writable(out)
        sweep(out)
        self.out = out

    def keep(self, scan_id: str, files: Mapping[str, bytes]) -> Literal["stored", "duplicate", "conflict"]:
        """Keep a report unless it is there already; a conflict is another record under the same id.

        Raises:
            OutputError: it cannot be written; nothing half-written stays behind.
        """
        if self._has(scan_id):
            return self._compare(scan_id, files)
        try:
            write_folder(self.out, scan_id, files)
        except OutputError:
            if self._has(scan_id):  # another receiver was faster
                return self._compare(scan_id, files)
            raise
        return "stored"

    def _has(self, scan_id: str) -> bool:
        return (self.out / scan_id).is_dir()

    def _compare(self, scan_id: str, files: Mapping[str, bytes]) -> Literal["duplicate", "conflict"]:
        try:
            same = _sha256((self.out / scan_id / RESULT).read_bytes()) == _sha256(files[RESULT])
        except OSError:
            same = False
        return "duplicate" if same else "conflict"


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()

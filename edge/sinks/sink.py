"""What a result sink is given: the record and the pictures of one scan, complete and final."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from edge.result.models import Result


@dataclass(frozen=True)
class Report:
    """One finished scan: its record and its files by name, ``result.json`` among them."""

    result: Result
    files: dict[str, bytes]


class Sink(Protocol):
    """Takes reports, one by one."""

    def accept(self, report: Report) -> Path | None:
        """Keep or forward one report.

        Returns:
            where it lies now, if it lies on this machine.

        Raises:
            OutputError: it could not be kept. The report is then as if it had never been.
        """

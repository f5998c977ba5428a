"""Where, beside the results, the service keeps its own files: whoever knows the results' folder knows them too."""

from __future__ import annotations

from pathlib import Path
from typing import Final

OWN_FOLDER: Final = ".latx"
"""Hidden, and no result's name, so that nothing that lists results sees it."""


def outbox_path(scans: Path) -> Path:
    """The queue of reports that wait for delivery."""
    return scans / OWN_FOLDER / "outbox.sqlite3"


def audit_path(scans: Path) -> Path:
    """The audit log."""
    return scans / OWN_FOLDER / "audit.jsonl"

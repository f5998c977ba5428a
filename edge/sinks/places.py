"""Where results lie and, beside them, the service's own files: whoever knows the results' folder knows them too."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

OWN_FOLDER: Final = ".latx"
"""Hidden, and no result's name, so that nothing that lists results sees it."""


def scans_folder(out: Path, environment: Mapping[str, str] = os.environ) -> Path:
    """Where results lie; a relative ``out`` is below systemd's ``$STATE_DIRECTORY``, where there is one."""
    state = environment.get("STATE_DIRECTORY", "").partition(":")[0]
    return Path(state) / out if state else out


def outbox_path(scans: Path) -> Path:
    """The queue of reports that wait for delivery."""
    return scans / OWN_FOLDER / "outbox.sqlite3"


def audit_path(scans: Path) -> Path:
    """The audit log."""
    return scans / OWN_FOLDER / "audit.jsonl"

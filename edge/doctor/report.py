"""A check-up as text for people, one line a finding, and as JSON for programs and for the file of a full one."""

from __future__ import annotations

import platform
import time
from collections.abc import Iterable
from typing import Any, Final

from edge import __version__
from edge.doctor.finding import LEVELS, Finding, Level
from edge.result.identity import rfc3339

SCHEMA: Final = "latx-doctor/1"
MARKS: Final[dict[Level, str]] = {"ok": "ok", "warning": "WARNING", "error": "ERROR"}
EXIT_CODE: Final = 8
"""Of ``latx-edge doctor`` where any finding is an error; warnings do not change it."""


def line(name: str, finding: Finding) -> str:
    """``ok  camera  WHAT -> MEND``."""
    mend = f" -> {finding.mend}" if finding.mend else ""
    return f"{MARKS[finding.level]:<7} {name:<13} {finding.what}{mend}"


def worst(findings: Iterable[Finding]) -> Level:
    """The worst level of them all."""
    return max((finding.level for finding in findings), key=LEVELS.index, default="ok")


def summary(findings: Iterable[Finding]) -> str:
    """How many of each level."""
    levels = [finding.level for finding in findings]
    return ", ".join(f"{levels.count(level)} {level}" for level in LEVELS)


def as_json(findings: dict[str, Finding], full: bool) -> dict[str, Any]:
    """Everything that was found, with the versions that it was found with. Holds no picture and no result of a scan."""
    return {
        "schema": SCHEMA,
        "checked_at": rfc3339(time.time_ns()),
        "full": full,
        "level": worst(findings.values()),
        "program": f"latx-edge {__version__}",
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.release()} {platform.machine()}",
        "findings": [
            {"check": name, "level": f.level, "what": f.what, "mend": f.mend, "values": f.values}
            for name, f in findings.items()
        ],
    }

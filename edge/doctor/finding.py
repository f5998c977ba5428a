"""What a check ends in: one line that says how things are and, where they are not well, how to mend them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final, Literal

from edge.errors import LatxError

Level = Literal["ok", "warning", "error"]
LEVELS: Final[tuple[Level, ...]] = ("ok", "warning", "error")


@dataclass(frozen=True)
class Finding:
    """One line. values: what was measured, by name with its unit."""

    level: Level
    what: str
    mend: str = ""
    values: dict[str, Any] = field(default_factory=dict)


def ok(what: str, **values: Any) -> Finding:
    """All is well."""
    return Finding("ok", what, "", values)


def warning(what: str, mend: str, **values: Any) -> Finding:
    """It works, but not as it should."""
    return Finding("warning", what, mend, values)


def error(what: str, mend: str, **values: Any) -> Finding:
    """The kiosk cannot work like this."""
    return Finding("error", what, mend, values)


def from_error(failure: LatxError, level: Level = "error") -> Finding:
    """What a foreseen failure says."""
    where = f"{failure.where}: " if failure.where else ""
    expected = f": expected {failure.expected}, found {failure.found or 'nothing'}" if failure.expected else ""
    return Finding(level, f"{where}{failure.what}{expected}", failure.mend)

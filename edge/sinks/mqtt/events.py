"""What a device may say on its topic ``event``: one table. The README's list is held against it by a test."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class EventRow:
    """One event: when it is sent, and what it carries beside its name. Never an identifier of a person or a scan."""

    what: str
    carries: tuple[str, ...] = ()


EVENTS: Final[dict[str, EventRow]] = {
    "camera_lost": EventRow("the camera cannot be opened or read, or delivers nothing new", ("reason",)),
    "camera_back": EventRow("it delivers again"),
    "condition": EventRow("something is wrong from now on: heat, a slow port, no room", ("key", "what")),
    "condition_over": EventRow("it no longer is", ("key",)),
    "scan_done": EventRow("a result is on the disk"),
    "scan_failed": EventRow("the frames gave no result, or it could not be kept", ("what", "advice")),
    "scan_given_up": EventRow("a scan was broken off, or a commanded one never began", ("reason",)),
    "reports_expired": EventRow("reports waited too long and are no longer sent", ("count",)),
}

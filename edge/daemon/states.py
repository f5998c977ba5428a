"""The scan's state machine as one table: which states there are, what happens to them, and where each event leads.

An event that a state's row does not name leaves the state as it is. Nothing else moves the machine.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class StateRow:
    """One state: what it is, what the person at the kiosk reads, and what each event leads to."""

    what: str
    shown: str
    leads_to: dict[str, str]


EVENTS: Final[dict[str, str]] = {
    "camera_seen": "the camera delivers frames",
    "camera_lost": "the camera cannot be opened or read, or delivers nothing new",
    "blocked": "something forbids scanning: no room for results, too hot, a camera that sees nothing",
    "impaired": "something is worse than it should be, and scanning goes on",
    "sound": "nothing is wrong",
    "empty": "nobody has been in view for a while",
    "subject": "somebody is in view and fails a gate",
    "aligned": "somebody is in view and passes every gate",
    "held": "the gates have held for long enough, and a scan is wanted",
    "fused": "the frames of the scan gave a result, which is on the disk",
    "failed": "the frames of the scan gave no result",
    "shown": "the result has been shown for long enough",
    "scan": "a command asks for a scan",
    "cancel": "a command gives the scan up",
    "expired": "the commanded scan did not begin in time",
    "stop": "the process is asked to end",
}
"""Every event and its meaning."""

# A result that has been reached is shown, whatever else is wrong by then.
_BEFORE_RESULT: Final = {"camera_lost": "no_camera", "blocked": "degraded", "stop": "stopping"}

STATES: Final[dict[str, StateRow]] = {
    "starting": StateRow(
        "the model is loaded and warmed up", "Starting. One moment, please.",
        {"camera_seen": "idle", "camera_lost": "no_camera", "stop": "stopping"},
    ),
    "no_camera": StateRow(
        "there is no camera; it is looked for without end", "The camera is missing. Please call the staff.",
        {"camera_seen": "idle", "stop": "stopping"},
    ),
    "idle": StateRow(
        "nobody is in view", "Stand on the mark with the bare back to the camera.",
        _BEFORE_RESULT | {"impaired": "degraded", "subject": "positioning", "aligned": "holding",
                          "scan": "positioning"},
    ),
    "positioning": StateRow(
        "a subject is being guided, or waited for after a command", "",
        _BEFORE_RESULT | {"empty": "idle", "aligned": "holding", "scan": "positioning", "cancel": "idle",
                          "expired": "idle"},
    ),
    "holding": StateRow(
        "every gate is passed; the subject has to hold still", "Very good. Stand still.",
        _BEFORE_RESULT | {"empty": "idle", "subject": "positioning", "held": "scanning", "scan": "holding",
                        "cancel": "idle", "expired": "idle"},
    ),
    "scanning": StateRow(
        "frames are collected", "Stand still and breathe calmly.",
        _BEFORE_RESULT | {"fused": "result", "failed": "positioning", "cancel": "idle"},
    ),
    "result": StateRow(
        "a result is on the disk and shown", "Done. You may step away.",
        {"camera_lost": "no_camera", "empty": "idle", "shown": "idle", "cancel": "idle", "scan": "positioning",
         "stop": "stopping"},
    ),
    "degraded": StateRow(
        "something is wrong, named beside the state; scanning goes on unless that forbids it",
        "Something is wrong with this device. Please call the staff.",
        {"camera_lost": "no_camera", "sound": "idle", "subject": "positioning", "aligned": "holding",
         "scan": "positioning", "stop": "stopping"},
    ),
    "stopping": StateRow("the process ends", "Switching off.", {}),
}
"""Every state, in the order in which a good scan goes through them; ``shown`` is empty where guidance is shown."""

INITIAL: Final = "starting"
WITH_SUBJECT: Final = frozenset({"positioning", "holding", "scanning"})
"""States in which somebody is being attended to."""


def next_state(state: str, event: str) -> str:
    """Where ``event`` leads from ``state``; ``state`` itself where its row does not name the event.

    Raises:
        KeyError: no such state or event.
    """
    EVENTS[event]
    return STATES[state].leads_to.get(event, state)

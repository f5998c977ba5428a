"""How the device is, at one moment, for everybody who asks: broker, probes, page. Nothing in it names anybody."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Any

from edge.daemon.conditions import Holding
from edge.daemon.guidance import NONE, Guidance
from edge.daemon.states import INITIAL, STATES


@dataclass(frozen=True)
class ShownAngle:
    """An angle as the kiosk shows it."""

    value_deg: float
    low_deg: float
    high_deg: float


@dataclass(frozen=True)
class ShownResult:
    """The newest result, until its subject has been gone for a while, the next one comes, or it is wiped.

    radiograph_png: with the notice burned in.
    """

    angles: dict[str, ShownAngle]
    radiograph_png: bytes = field(repr=False)
    sequence: int = 0


@dataclass(frozen=True)
class Status:
    """One moment. ready: warmed up. progress: of holding or scanning, 0 to 1. hz: frames per second that are allowed.

    problem: why the last scan gave no result, while its subject is still there.
    """

    state: str = INITIAL
    ready: bool = False
    conditions: tuple[Holding, ...] = ()
    guidance: Guidance = NONE
    progress: float = 0.0
    live: bool = False
    camera: str = "starting"
    camera_reason: str = ""
    problem: str = ""
    result: ShownResult | None = None

    @property
    def what(self) -> str:
        """What the state is."""
        return STATES[self.state].what

    @property
    def shown(self) -> str:
        """The sentence for the person at the kiosk."""
        advice = self.guidance.advice if self.state in ("positioning", "idle", "degraded") else ""
        return advice or STATES[self.state].shown or STATES["idle"].shown

    @property
    def can_scan(self) -> bool:
        """Whether a subject that comes now would be scanned."""
        blocked = any(held.row.blocking for held in self.conditions)
        return self.ready and not blocked and self.state not in ("starting", "no_camera", "stopping")

    def public(self) -> dict[str, Any]:
        """What a broker may keep: everything but results and what changes with every frame."""
        return {
            "state": self.state,
            "what": self.what,
            "can_scan": self.can_scan,
            "live": self.live,
            "camera": {"state": self.camera, "reason": self.camera_reason},
            "reasons": [{"key": held.key, "what": held.line(), "advice": held.row.advice,
                         "blocking": held.row.blocking} for held in self.conditions],
            "guidance": self.guidance.reason or None,
        }


class Board:
    """The newest status. Written by the loop, read by any thread."""

    def __init__(self) -> None:
        self._news = threading.Condition()
        self._status, self._sequence = Status(), 0
        self.beaten_s: float | None = None

    def beat(self, now_s: float) -> None:
        """The loop has made a turn, at ``now_s`` of the monotonic clock."""
        self.beaten_s = now_s

    @property
    def status(self) -> Status:
        """The newest one."""
        return self._status

    def post(self, status: Status) -> bool:
        """Replace it. Returns whether anything is new."""
        if status == self._status:
            return False
        with self._news:
            self._status, self._sequence = status, self._sequence + 1
            self._news.notify_all()
        return True

    def newest(self, after: int, timeout_s: float) -> tuple[int, Status]:
        """Sequence and status, waiting up to ``timeout_s`` for one after ``after``."""
        with self._news:
            self._news.wait_for(lambda: self._sequence > after, timeout_s)
            return self._sequence, self._status

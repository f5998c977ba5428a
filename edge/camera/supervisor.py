"""Keeps a camera running: opens it again after failures and stalls, never waits longer than told, counts everything.

It wraps the opener of any ``DepthCamera`` and itself never hangs, whatever the camera does. When nothing helps it says
so with a ``ServiceError``, on which the process is to end and the service manager to start it anew.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from edge.camera.depth_camera import DEGRADATIONS, CameraInfo, DepthCamera
from edge.camera.session import Session
from edge.camera.settings import CameraSettings
from edge.clock import SYSTEM_CLOCK, Clock
from edge.errors import LatxError, MissingDependencyError, ServiceError, UsageError
from edge.frame import Frame

_log = logging.getLogger(__name__)

SLICE_S: Final = 0.05  # how often a waiting reader looks at the clock
STEADY_S: Final = 5.0
"""A camera that has run for so long since it came back is tried again at once when it fails the next time."""
BLIND_AFTER_S: Final = 0.5
"""Nothing but blank frames for so long is a camera that sees nothing."""
MAX_LEFT_BEHIND: Final = 8
"""Hung threads that a process may carry before it has to be replaced."""
HOPELESS: Final = (MissingDependencyError, UsageError)
"""Failures that no further attempt mends."""

COUNTERS: Final[dict[str, str]] = {
    "reconnects_total": "Times that the camera came back after it was lost.",
    "failures_total": "Openings and readings of the camera that failed or stalled.",
    "stalls_total": "Times that no new frame came in time.",
    "stale_frames_total": "Frames dropped because they repeat the one before.",
    "blank_frames_total": "Frames dropped because they hold no depth at all.",
    "resets_total": "Hardware resets of the camera.",
    "stop_timeouts_total": "Times that the camera did not stop in time and was left behind.",
}


@dataclass(frozen=True)
class CameraState:
    """How the camera is. reason: "" or a key; what, advice: for people.

    Reasons of degraded: keys of ``DEGRADATIONS``. Of lost: ``gone`` (cannot be opened or read), ``stalled`` (no frame
    comes), ``stale`` (the same frame comes over and over), ``ended`` (the recording is over), ``closed``.
    """

    kind: Literal["starting", "streaming", "degraded", "lost"]
    reason: str = ""
    what: str = ""
    advice: str = ""


class CameraSupervisor:
    """A camera that comes back by itself.

    Args:
        opener: opens the camera; called anew after each failure, in a thread.
        reset: resets the camera's hardware, where it can be; called in that thread before an attempt.
        clock: for deadlines and back-off. ``read`` itself waits in real time: with a manual clock, poll with 0.
    """

    def __init__(
        self,
        opener: Callable[[], DepthCamera],
        settings: CameraSettings,
        clock: Clock = SYSTEM_CLOCK,
        reset: Callable[[], object] | None = None,
    ) -> None:
        self._opener, self._settings, self._clock, self._reset = opener, settings, clock, reset
        self._news = threading.Condition()
        self._session: Session | None = None
        self._closing: Session | None = None
        self._closing_since_s = 0.0
        self._left_behind: list[Session] = []
        self._failures = 0  # since a good frame: too many of them end the process
        self._troubles = 0  # since a steady run: they set the back-off, and when the hardware is reset
        self._retry_at_s = clock.monotonic_s()
        self._back_since_s: float | None = None
        self._info: CameraInfo | None = None
        self._state = CameraState("starting")
        self._counted = (0, 0)
        self.counters = dict.fromkeys(COUNTERS, 0)

    @property
    def state(self) -> CameraState:
        """How the camera was at the last ``read``."""
        return self._state

    @property
    def info(self) -> CameraInfo | None:
        """Of the camera as it was opened last; None before the first opening."""
        return self._info

    @property
    def left_behind(self) -> int:
        """Threads that still hang in a camera that did not stop in time."""
        return sum(not session.closed for session in self._left_behind)

    def read(self, timeout_s: float) -> Frame | None:
        """The newest good frame that was not read yet, or None where none comes within ``timeout_s``.

        Raises:
            ServiceError: the camera failed ``give_up_after`` times in a row.
            MissingDependencyError, UsageError: it can never be opened.
        """
        until = time.monotonic() + timeout_s
        with self._news:
            while True:
                frame = self._step()
                left = until - time.monotonic()
                if frame is not None or left <= 0:
                    return frame
                self._news.wait(min(left, SLICE_S))

    def close(self) -> bool:
        """Stop within ``stop_deadline_s``. False where the camera hangs: it dies with the process."""
        with self._news:
            if self._session is not None:
                self._session.stop()
                self._closing, self._session = self._session, None
                self._closing_since_s = self._clock.monotonic_s()
            closing, self._closing = self._closing, None
            self._tell(CameraState("lost", "closed", "the camera is closed"))
            self._retry_at_s = float("inf")
            if closing is None or self._news.wait_for(lambda: closing.closed, self._settings.stop_deadline_s):
                return True
            self._leave(closing)
            return False

    def _step(self) -> Frame | None:
        now_s = self._clock.monotonic_s()
        if self._session is None:
            self._reopen_when_due(now_s)
            return None
        session = self._session
        frame = session.take()
        self._collect_counts(session)
        if frame is not None:
            self._note_good(session, now_s)
            return frame
        self._judge(session, now_s)
        return None

    def _reopen_when_due(self, now_s: float) -> None:
        if self._closing is not None:
            if not self._closing.closed and now_s - self._closing_since_s < self._settings.stop_deadline_s:
                return
            if not self._closing.closed:
                self._leave(self._closing)
            self._closing = None
        if now_s < self._retry_at_s:
            return
        every = self._settings.reset_after
        with_reset = self._reset is not None and every > 0 and self._troubles > 0 and self._troubles % every == 0
        self.counters["resets_total"] += with_reset
        self._counted = (0, 0)
        self._session = Session(self._reset_and_open if with_reset else self._opener, self._news, self._clock)

    def _reset_and_open(self) -> DepthCamera:
        assert self._reset is not None
        self._reset()
        return self._opener()

    def _note_good(self, session: Session, now_s: float) -> None:
        assert session.info is not None
        self._info = session.info
        self._failures = 0
        if self._back_since_s is None:
            self._back_since_s = now_s
            self.counters["reconnects_total"] += self._state.kind == "lost"
        if now_s - self._back_since_s >= STEADY_S:
            self._troubles = 0
        self._tell(_degraded(session.info.degraded[0]) if session.info.degraded else CameraState("streaming"))

    def _judge(self, session: Session, now_s: float) -> None:
        """What it means that there is no frame now."""
        limit_s = self._settings.open_deadline_s if session.good_s is None else self._settings.frame_deadline_s
        if session.failure is not None:
            self._fail(session, "gone", session.failure, now_s)
        elif session.ended:
            self._end(session, now_s)
        elif now_s - session.alive_s > limit_s:
            self.counters["stalls_total"] += 1
            reason = "stale" if session.repeats else "stalled"
            what = "the camera repeats an old frame" if session.repeats else f"no frame for {limit_s:g} s"
            self._fail(session, reason, ServiceError(what, mend="check the USB cable and the camera's power"), now_s)
        elif session.blank and now_s - (session.good_s or session.started_s) > BLIND_AFTER_S:
            self._tell(_degraded("no_depth"))

    def _end(self, session: Session, now_s: float) -> None:
        """A recording is over, which is no failure; a live camera that ends is."""
        if session.info is not None and session.info.live:
            self._fail(session, "gone", ServiceError("the camera ended by itself"), now_s)
            return
        self._tell(CameraState("lost", "ended", "the recording is over", "Give another one, or loop it."))

    def _fail(self, session: Session, reason: str, failure: Exception, now_s: float) -> None:
        session.stop()
        self._session, self._closing, self._closing_since_s = None, session, now_s
        self._back_since_s = None
        self._failures += 1
        self._troubles += 1
        self.counters["failures_total"] += 1
        what = failure.what if isinstance(failure, LatxError) else f"{type(failure).__name__}: {failure}"
        advice = failure.mend if isinstance(failure, LatxError) else ""
        self._tell(CameraState("lost", reason, what, advice))
        doublings = min(self._troubles - 1, 32)
        back_off_s = min(self._settings.back_off_first_s * 2**doublings, self._settings.back_off_limit_s)
        self._retry_at_s = now_s + back_off_s
        if isinstance(failure, HOPELESS):
            raise failure
        limit = self._settings.give_up_after
        if (limit and self._failures >= limit) or self.left_behind >= MAX_LEFT_BEHIND:
            raise ServiceError(f"the camera failed {self._failures} times in a row", where=self._settings.uri,
                               expected="a frame", found=what, mend=advice or "check cable and power") from failure

    def _leave(self, session: Session) -> None:
        self.counters["stop_timeouts_total"] += 1
        self._left_behind = [s for s in self._left_behind if not s.closed] + [session]
        _log.warning("camera did not stop within %g s and is left behind", self._settings.stop_deadline_s)

    def _collect_counts(self, session: Session) -> None:
        stale, blank = self._counted
        self.counters["stale_frames_total"] += session.stale - stale
        self.counters["blank_frames_total"] += session.blank - blank
        self._counted = (session.stale, session.blank)

    def _tell(self, state: CameraState) -> None:
        if state != self._state:
            usual = state.kind in ("starting", "streaming") or state.reason in ("ended", "closed")
            level = logging.INFO if usual else logging.WARNING
            _log.log(level, "camera %s%s", state.kind, f" ({state.reason}): {state.what}" if state.reason else "")
        self._state = state


def _degraded(reason: str) -> CameraState:
    row = DEGRADATIONS[reason]
    return CameraState("degraded", reason, row.what, row.advice)

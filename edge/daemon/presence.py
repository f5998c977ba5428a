"""From what the gates say of each frame to the events of the state machine: who is there, and since when nobody is."""

from __future__ import annotations

from typing import Final

from edge.clock import Clock

ABSENT: Final = frozenset({"no_subject"})
UNTOLD: Final = frozenset({"stale_frame"})
"""Reasons that say nothing of the subject."""
UNSEEN: Final = frozenset({"missing_depth"})
"""About a subject only while one is attended to: an empty corridor can be out of the camera's range."""


class Presence:
    """Follows whether anybody stands before the camera.

    One refused frame between passed ones is the camera's, not the subject's (a patch without depth, the outline of a
    shoulder lost): only a second one in a row begins the hold anew.

    seen: somebody was in view since ``forget``.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._empty_since_s: float | None = None
        self._passed = False  # the frame before passed every gate
        self.seen = False

    def event(self, reason: str | None, attending: bool, left_s: float) -> str | None:
        """The event that a frame stands for.

        Args:
            reason: that a gate refused it with; None where it passed all.
            attending: somebody is being guided or measured.
            left_s: how long the view must be empty before somebody counts as gone.

        Returns:
            ``aligned``, ``subject``, ``empty``, or None where the frame changes nothing yet.
        """
        if reason is None or (reason not in ABSENT | UNTOLD | UNSEEN) or (reason in UNSEEN and attending):
            self._empty_since_s, self.seen = None, True
            passed, self._passed = self._passed, reason is None
            if reason is None:
                return "aligned"
            return None if passed else "subject"
        if reason in UNTOLD:
            return None
        now_s = self._clock.monotonic_s()
        if self._empty_since_s is None:
            self._empty_since_s = now_s
        return "empty" if now_s - self._empty_since_s >= left_s else None

    def forget(self) -> None:
        """Begin anew: whoever was seen is not who comes next."""
        self._empty_since_s, self._passed, self.seen = None, False, False

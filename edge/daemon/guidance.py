"""What the person at the kiosk is told to do, from the gate that a frame failed; steady enough to be read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from edge.clock import Clock
from edge.view.gates import REASONS

ASPECTS: Final[dict[str, str]] = {
    "no_subject": "presence",
    "two_subjects": "presence",
    "not_a_back": "shoulders",
    "partial": "shoulders",
    "too_close": "distance",
    "too_far": "distance",
    "not_centred": "centre",
    "turned": "tilt",
    "tilted": "tilt",
    "clothed": "clothing",
    "moving": "still",
    "missing_depth": "camera",
    "stale_frame": "camera",
}
"""What each reason of a gate is about, for pictograms and for whoever counts them."""
READABLE_S: Final = 0.8
"""Advice stays for so long at least: frames come faster than anybody reads."""


@dataclass(frozen=True)
class Guidance:
    """One sentence. aspect: a value of ``ASPECTS``; reason: the gate's, a key of ``ASPECTS``. All "" for none."""

    aspect: str = ""
    reason: str = ""
    advice: str = ""


NONE: Final = Guidance()


def guidance_for(reason: str) -> Guidance:
    """The advice for a gate's reason."""
    return Guidance(ASPECTS[reason], reason, REASONS[reason].advice)


class SteadyGuidance:
    """Keeps one advice until another has been due for ``READABLE_S``, so that the text does not flicker."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._changed_s = float("-inf")
        self.now = NONE

    def show(self, guidance: Guidance) -> Guidance:
        """Take note of the newest frame's advice; returns the one that is shown."""
        now_s = self._clock.monotonic_s()
        if guidance != self.now and (self.now == NONE or now_s - self._changed_s >= READABLE_S):
            self.now, self._changed_s = guidance, now_s
        return self.now

    def clear(self) -> None:
        """Nobody is guided any more."""
        self.now, self._changed_s = NONE, float("-inf")

"""Lowers the rate before the SoC throttles itself, and raises it again once it has cooled: steps with hysteresis.

A board that throttles by itself halves its clock at a moment of its own choosing; a scan would then take twice as long.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from edge.clock import Clock
from edge.daemon.settings import ThermalSettings
from edge.daemon.thermals import Reading, Thermals

SHARES: Final = (1.0, 0.5, 0.25, 0.125)
"""Shares of the full rate, one per level."""
LOOK_S: Final = 1.0
"""Time between two looks at sysfs."""
FALLBACK_C: Final = 85.0
"""Where to slow down when no zone names a passive trip point; Jetson Orin modules throttle from 99 degrees on."""


@dataclass(frozen=True)
class Heat:
    """How warm it is. excess_c: of the zone that is farthest above its limit (below: negative); None: nothing known.

    level: index into ``SHARES``. paused: no scan may begin. over_currents: since the board was switched on.
    """

    zone: str = ""
    celsius: float | None = None
    excess_c: float | None = None
    level: int = 0
    paused: bool = False
    over_currents: int = 0

    @property
    def share(self) -> float:
        """Share of the full rate that is allowed."""
        return SHARES[self.level]


class Cooling:
    """Looks at the temperatures when due and moves one level at a time."""

    def __init__(self, settings: ThermalSettings, thermals: Thermals, clock: Clock) -> None:
        self.settings, self._thermals, self._clock = settings, thermals, clock
        self._looked_s = self._stepped_s = float("-inf")
        self.heat = Heat(over_currents=thermals.over_currents())

    def tick(self) -> Heat:
        """The state of things, newly looked at when ``LOOK_S`` have passed."""
        now_s = self._clock.monotonic_s()
        if now_s - self._looked_s < LOOK_S:
            return self.heat
        self._looked_s = now_s
        readings, over_currents = self._thermals.read(), self._thermals.over_currents()
        starved = over_currents > self.heat.over_currents
        hottest = max(readings, key=self._excess_c, default=None)
        excess_c = None if hottest is None else self._excess_c(hottest)
        self.heat = Heat(
            "" if hottest is None else hottest.zone, None if hottest is None else hottest.celsius, excess_c,
            self._level(excess_c, starved, now_s), self._paused(excess_c), over_currents,
        )  # fmt: skip
        return self.heat

    def _excess_c(self, reading: Reading) -> float:
        settings = self.settings
        limit_c = settings.slow_at_c
        if limit_c is None:
            limit_c = FALLBACK_C if reading.passive_c is None else reading.passive_c - settings.margin_c
        return reading.celsius - limit_c

    def _level(self, excess_c: float | None, starved: bool, now_s: float) -> int:
        level = self.heat.level
        hot = starved or (excess_c is not None and excess_c >= 0)
        cool = excess_c is None or excess_c < -self.settings.hysteresis_c
        step = 1 if hot else -1 if cool else 0
        new = min(max(level + step, 0), len(SHARES) - 1)
        if new == level or now_s - self._stepped_s < self.settings.step_s:
            return level
        self._stepped_s = now_s
        return new

    def _paused(self, excess_c: float | None) -> bool:
        """Paused from ``pause_above_c`` on, until below the limit again."""
        if excess_c is None:
            return False
        return excess_c >= (0.0 if self.heat.paused else self.settings.pause_above_c)

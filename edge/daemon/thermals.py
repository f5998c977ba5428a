"""Temperatures and over-current counts from sysfs, found by name: the numbers of zones differ from board to board.

Thermal zones: https://docs.kernel.org/driver-api/thermal/sysfs-api.html. Over-current events of a Jetson: hwmon device
``soctherm_oc``, files ``oc*_event_cnt`` (Jetson Linux Developer Guide, "Over-current protection").
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

SYSFS: Final = Path("/sys")
OVER_CURRENT: Final = "soctherm_oc"
PLAUSIBLE_C: Final = (-40.0, 150.0)
"""A reading outside is a sensor that is switched off."""


@dataclass(frozen=True)
class Reading:
    """One zone: temperature, and the trip point at which the kernel begins to throttle, where it names one."""

    zone: str
    celsius: float
    passive_c: float | None


class Thermals(Protocol):
    """Where temperatures come from."""

    def read(self) -> tuple[Reading, ...]:
        """Every zone that answers now."""

    def over_currents(self) -> int:
        """Times that the board throttled for want of power, since it was switched on; 0 where it does not tell."""


class SysfsThermals:
    """The kernel's own.

    Args:
        zones: names that count. root: where sysfs is mounted, or a copy of its tree.
    """

    def __init__(self, zones: Sequence[str], root: Path = SYSFS) -> None:
        self._zones = {
            folder: (name, _passive_c(folder))
            for folder in sorted((root / "class/thermal").glob("thermal_zone*"))
            if (name := _text(folder / "type")) in zones
        }
        monitors = sorted((root / "class/hwmon").glob("hwmon*"))
        self._counters = [path for folder in monitors if _text(folder / "name") == OVER_CURRENT
                          for path in sorted(folder.glob("oc*_event_cnt"))]

    def read(self) -> tuple[Reading, ...]:
        readings = []
        for folder, (name, passive_c) in self._zones.items():
            celsius = _celsius(folder / "temp")
            if celsius is not None:
                readings.append(Reading(name, celsius, passive_c))
        return tuple(readings)

    def over_currents(self) -> int:
        return sum(int(text) for path in self._counters if (text := _text(path)).isdecimal())


def _passive_c(zone: Path) -> float | None:
    """The lowest passive trip point of a zone: from there on the kernel throttles."""
    trips = [_celsius(path.with_name(path.name.replace("_type", "_temp"))) for path in zone.glob("trip_point_*_type")
             if _text(path) == "passive"]
    return min((trip for trip in trips if trip is not None and trip > 0), default=None)


def _celsius(path: Path) -> float | None:
    """Millidegrees from a file; None where it cannot be read or says nothing plausible (a GPU that sleeps)."""
    try:
        celsius = int(_text(path)) / 1000
    except ValueError:
        return None
    return celsius if PLAUSIBLE_C[0] <= celsius <= PLAUSIBLE_C[1] else None


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return ""

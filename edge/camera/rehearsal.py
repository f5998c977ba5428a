"""The faults that a camera on USB has, by name, and a timetable of them to rehearse by."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from edge.errors import UsageError

LIVE_FAULTS: Final[dict[str, str]] = {
    "unplug": "the cable is out: reading fails, and so does every opening",
    "stale": "the same frame comes over and over",
    "usb2": "the camera comes back at USB 2 speed",
    "hang_on_stop": "reading fails, closing never returns, and the device stays busy",
    "hang_on_read": "reading never returns",
    "nan": "depth is not a number",
    "zeros": "depth is 0 everywhere",
    "no_colour": "colour is missing",
}


@dataclass(frozen=True)
class Scheduled:
    """A fault from ``start_s`` after the start of the rehearsal for ``seconds``."""

    fault: str
    start_s: float
    seconds: float


def parse_timetable(text: str) -> tuple[Scheduled, ...]:
    """Timetable such as ``unplug@10+3,stale@30+2``: fault, seconds from the start, duration.

    Raises:
        UsageError: another form, or an unknown fault.
    """
    rows = []
    for part in filter(None, (p.strip() for p in text.split(","))):
        match = re.fullmatch(r"([a-z0-9_]+)@([0-9]{1,6}(?:\.[0-9]+)?)\+([0-9]{1,6}(?:\.[0-9]+)?)", part)
        if match is None:
            raise UsageError("unreadable timetable of faults", expected="FAULT@SECONDS+DURATION, ...", found=repr(part))
        rows.append(Scheduled(known(match[1]), float(match[2]), float(match[3])))
    return tuple(rows)


def known(fault: str) -> str:
    """The same name, if there is such a fault.

    Raises:
        UsageError: there is none.
    """
    if fault not in LIVE_FAULTS:
        raise UsageError("unknown fault", expected=", ".join(LIVE_FAULTS), found=repr(fault))
    return fault

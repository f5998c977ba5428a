"""Who made a result and when: scan and device identifiers, capture times, and whether the clock can be trusted."""

from __future__ import annotations

import ctypes
import hashlib
import hmac
import os
import secrets
import time
from datetime import datetime, timezone
from pathlib import Path
from typing import Final

SCAN_ID: Final = r"^\d{8}T\d{9}Z-[0-9a-f]{8}$"
"""What ``new_scan_id`` makes, as a regular expression."""

NAMELESS: Final = "unknown"
"""Identifier of a machine that has none."""
_MACHINE_ID: Final = Path("/etc/machine-id")
_TIMESYNC_FLAG: Final = Path("/run/systemd/timesync/synchronized")
_STA_UNSYNC: Final = 0x0040  # status bit, linux/timex.h
_TIME_ERROR: Final = 5  # return value of adjtimex(2): the clock is not synchronised


class _Timex(ctypes.Structure):
    """The head of ``struct timex`` (adjtimex(2)), padded well beyond the rest of it."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_byte * 512),
    )


def new_scan_id(now_ns: int | None = None) -> str:
    """A fresh identifier that sorts by time: UTC to the millisecond, then 32 random bits."""
    stamp = _utc(time.time_ns() if now_ns is None else now_ns)
    return f"{stamp:%Y%m%dT%H%M%S}{stamp.microsecond // 1000:03d}Z-{secrets.token_hex(4)}"


def rfc3339(time_ns: int) -> str:
    """Nanoseconds since the epoch as RFC 3339 text, UTC, to the millisecond."""
    stamp = _utc(time_ns)
    return f"{stamp:%Y-%m-%dT%H:%M:%S}.{stamp.microsecond // 1000:03d}Z"


def device_id(machine_id: Path = _MACHINE_ID) -> str:
    """A stable identifier of this machine that does not disclose its machine id (machine-id(5) asks for that).

    ``LATX_DEVICE_ID`` overrides it; without a machine id it is ``NAMELESS``.
    """
    given = os.environ.get("LATX_DEVICE_ID", "").strip()
    if given:
        return given
    try:
        secret = machine_id.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        secret = ""
    if not secret:
        return NAMELESS
    return hmac.new(secret.encode(), b"latxgen-edge", hashlib.sha256).hexdigest()[:16]


def clock_synced(flag: Path = _TIMESYNC_FLAG) -> bool:
    """Whether the system clock is synchronised, without asking a daemon.

    systemd-timesyncd leaves a flag file; every other client (chrony, ntpd, PTP) tells the kernel, which
    ``adjtimex(2)`` reads back without privileges. Where neither can be read the answer is no.
    """
    return flag.exists() or _kernel_clock_synced()


def _kernel_clock_synced() -> bool:
    try:
        adjtimex = ctypes.CDLL(None, use_errno=True).adjtimex
    except (AttributeError, OSError):
        return False
    timex = _Timex(modes=0)  # 0: read only
    state = adjtimex(ctypes.byref(timex))
    return 0 <= state != _TIME_ERROR and not timex.status & _STA_UNSYNC


def _utc(time_ns: int) -> datetime:
    seconds, rest = divmod(time_ns, 1_000_000_000)
    return datetime.fromtimestamp(seconds, timezone.utc).replace(microsecond=rest // 1000)

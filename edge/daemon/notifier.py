"""The service manager's notify protocol (sd_notify(3)) in a few lines of socket, and what stands in for it."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Mapping
from typing import Final, Protocol

PINGS_PER_INTERVAL: Final = 4
"""Pings sent within one watchdog interval; sd_watchdog_enabled(3) asks for two at least."""


class Notifier(Protocol):
    """Tells the service manager how the daemon fares."""

    def send(self, **fields: str) -> None:
        """One message of ``NAME=value`` lines, such as READY="1" or STATUS="idle"."""

    def alive(self) -> None:
        """The loop has made progress: ping the watchdog, where one waits and the last ping is not too young."""


class NoNotifier:
    """Nobody is told."""

    def send(self, **fields: str) -> None:
        """Nothing."""

    def alive(self) -> None:
        """Nothing."""


class SystemdNotifier:
    """Writes to the socket that systemd names in ``$NOTIFY_SOCKET``.

    Args:
        address: path, or ``@`` and an abstract name. watchdog_s: interval that systemd waits; None: no watchdog.
    """

    def __init__(self, address: str, watchdog_s: float | None = None) -> None:
        self._address = "\0" + address[1:] if address.startswith("@") else address
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        self._socket.setblocking(False)  # a manager that does not listen must not hold the loop up
        self._every_s = None if watchdog_s is None else watchdog_s / PINGS_PER_INTERVAL
        self._last_s = float("-inf")

    def send(self, **fields: str) -> None:
        lines = "\n".join(f"{name}={' '.join(value.split())}" for name, value in fields.items())
        try:
            self._socket.sendto(lines.encode(), self._address)
        except OSError:
            return  # the manager will see for itself

    def alive(self) -> None:
        now_s = time.monotonic()
        if self._every_s is not None and now_s - self._last_s >= self._every_s:
            self._last_s = now_s
            self.send(WATCHDOG="1")


def notifier_from(environment: Mapping[str, str] = os.environ) -> Notifier:
    """What ``$NOTIFY_SOCKET``, ``$WATCHDOG_USEC`` and ``$WATCHDOG_PID`` ask for."""
    address = environment.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return NoNotifier()
    micro, pid = environment.get("WATCHDOG_USEC", ""), environment.get("WATCHDOG_PID", "")
    for_us = not pid or pid == str(os.getpid())
    watchdog_s = int(micro) / 1e6 if micro.isascii() and micro.isdigit() and int(micro) and for_us else None
    return SystemdNotifier(address, watchdog_s)

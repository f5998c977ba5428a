from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.daemon.notifier import NoNotifier, SystemdNotifier, notifier_from


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[socket.socket]:
    """A service manager's end."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as end:
        end.bind(str(tmp_path / "notify"))
        end.setblocking(False)
        yield end


def heard(manager: socket.socket) -> list[str]:
    messages = []
    while True:
        try:
            messages.append(manager.recv(4096).decode())
        except BlockingIOError:
            return messages


def test_messages_arrive_as_lines_and_no_value_can_forge_one(manager: socket.socket) -> None:
    notifier = SystemdNotifier(manager.getsockname())
    notifier.send(READY="1", STATUS="idle\nMAINPID=1")

    assert heard(manager) == ["READY=1\nSTATUS=idle MAINPID=1"]


def test_the_watchdog_is_pinged_at_most_four_times_an_interval(manager: socket.socket) -> None:
    notifier = SystemdNotifier(manager.getsockname(), watchdog_s=40.0)
    for _ in range(1000):
        notifier.alive()

    assert heard(manager) == ["WATCHDOG=1"]


def test_without_a_watchdog_nothing_is_pinged(manager: socket.socket) -> None:
    SystemdNotifier(manager.getsockname()).alive()

    assert heard(manager) == []


def test_abstract_sockets_are_spoken_to() -> None:
    name = f"latx-edge-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as end:
        end.bind("\0" + name)
        notifier_from({"NOTIFY_SOCKET": "@" + name}).send(STOPPING="1")
        end.settimeout(5)
        assert end.recv(100) == b"STOPPING=1"


def test_a_manager_that_went_away_or_does_not_read_holds_nobody_up(manager: socket.socket, tmp_path: Path) -> None:
    notifier = SystemdNotifier(manager.getsockname())
    for _ in range(5000):
        notifier.send(STATUS="x" * 100)
    manager.close()
    (tmp_path / "notify").unlink()
    notifier.send(STATUS="nobody hears this")


@pytest.mark.parametrize("environment", [{}, {"NOTIFY_SOCKET": "relative"}, {"WATCHDOG_USEC": "20000000"}])
def test_without_a_socket_nobody_is_told(environment: dict[str, str]) -> None:
    assert isinstance(notifier_from(environment), NoNotifier)
    notifier_from(environment).alive()


@pytest.mark.parametrize(
    ("more", "pings"),
    [
        ({"WATCHDOG_USEC": "20000000"}, 1),
        ({"WATCHDOG_USEC": "20000000", "WATCHDOG_PID": str(os.getpid())}, 1),
        ({"WATCHDOG_USEC": "20000000", "WATCHDOG_PID": "1"}, 0),
        ({"WATCHDOG_USEC": "soon"}, 0),
        ({"WATCHDOG_USEC": "0"}, 0),
        ({"WATCHDOG_USEC": "²"}, 0),
        ({}, 0),
    ],
)
def test_the_environment_says_whether_a_watchdog_waits(manager: socket.socket, more, pings: int) -> None:
    notifier_from({"NOTIFY_SOCKET": manager.getsockname(), **more}).alive()

    assert len(heard(manager)) == pings

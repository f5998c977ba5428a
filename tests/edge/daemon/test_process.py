"""The daemon as a process of its own under a service manager's socket: ready, alive, reloaded, stopped, replaced."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PATIENCE_S = 120.0  # a busy machine; nothing here waits as long when all is well
WATCHDOG_S = 4.0

STALLING = """
import sys, time
from pathlib import Path
from edge.config.load import load_config
from edge.daemon.service import Service
from edge.runtime.template_runner import template_bundle

def bundle(config):
    made = template_bundle()
    good, left = made.structure.run, [int(sys.argv[2])]
    def run(tensors):
        left[0] -= 1
        if left[0] == 0:
            time.sleep(600)  # a GPU that never answers
        return good(tensors)
    made.structure.run = run
    return made

service = Service(load_config(Path(sys.argv[1])).config, bundle=bundle)
service.heed_signals()
sys.exit(service.run())
"""


class Manager:
    """The service manager's side: starts a process with a notify socket and hears what it says."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.heard = folder, list[str]()
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(folder / "notify"))
        self.process: subprocess.Popen[str] | None = None
        self.config = folder / "kiosk.toml"

    def configure(self, **camera: object) -> None:
        keys = "\n".join(f"{key} = {value!r}" for key, value in camera.items())
        self.config.write_text(
            f"version = 1\n[camera]\n{keys}\n[model]\nthreads = 1\n[live]\nenabled = true\n[health]\nport = 0\n"
            "[outbox]\nmin_free_mb = 0.0\n[scan]\nframes = 3\nspacing_s = 0.0\nhold_s = 0.0\n"
        )

    def start(self, *argv: str) -> None:
        self.heard.clear()
        environment = {**os.environ, "NOTIFY_SOCKET": str(self.folder / "notify"), "STATE_DIRECTORY": str(self.folder),
                       "WATCHDOG_USEC": str(round(WATCHDOG_S * 1e6)), "PYTHONPATH": str(ROOT)}  # fmt: skip
        self.process = subprocess.Popen([sys.executable, *argv], stderr=subprocess.PIPE, text=True, env=environment)

    def listen(self, seconds: float) -> str | None:
        """The next message within ``seconds``, or None."""
        self._socket.settimeout(max(seconds, 0.001))
        try:
            message = self._socket.recv(4096).decode()
        except (TimeoutError, socket.timeout):  # noqa: UP041 - two classes before Python 3.10
            return None
        self.heard.append(message)
        return message

    def hear(self, wanted: str) -> str:
        """Listen until a message holds ``wanted``."""
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until:
            message = self.listen(1.0)
            if message is not None and wanted in message:
                return message
            assert self.process is not None
            assert self.process.poll() is None, (self.process.returncode, self.process.communicate()[1], self.heard)
        raise AssertionError(f"{wanted} was never heard: {self.heard}")

    def end(self, kind: signal.Signals = signal.SIGTERM) -> tuple[int, str]:
        assert self.process is not None
        self.process.send_signal(kind)
        _, errors = self.process.communicate(timeout=PATIENCE_S)
        return self.process.returncode, errors


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[Manager]:
    made = Manager(tmp_path)
    yield made
    if made.process is not None and made.process.poll() is None:
        made.process.kill()
        made.process.communicate()
    made._socket.close()


def eventually(holds: Callable[[], bool]) -> bool:
    until = time.monotonic() + PATIENCE_S
    while not holds():
        if time.monotonic() > until:
            return False
        time.sleep(0.05)
    return True


def test_it_gets_ready_lives_reloads_and_stops_in_good_order(manager: Manager) -> None:
    manager.configure(uri="demo:loop")
    manager.start("-m", "edge.cli", "run", "--config", str(manager.config))
    manager.hear("READY=1")
    manager.hear("WATCHDOG=1")
    scans = manager.folder / "scans"
    assert eventually(lambda: bool(list(scans.glob("*/result.json")))), "the demo's subject is scanned by itself"
    manager.config.write_text(manager.config.read_text().replace("hold_s = 0.0", "hold_s = 0.5"))
    manager.process.send_signal(signal.SIGHUP)
    manager.hear("RELOADING=1")
    manager.hear("READY=1")
    code, errors = manager.end()
    while manager.listen(0.01) is not None:
        pass

    assert code == 0, errors
    assert any("STOPPING=1" in message for message in manager.heard)
    assert "reload: reloaded" in errors
    assert "Traceback" not in errors
    assert not list(scans.glob(".partial-*"))
    assert {p.name for p in next(scans.glob("2*")).iterdir()} == {"result.json", "radiograph.png", "overlay.png"}


def test_a_stalled_inference_gets_no_ping_and_the_process_is_replaced(manager: Manager) -> None:
    manager.configure(uri="demo:loop")
    manager.start("-c", STALLING, str(manager.config), "4")
    manager.hear("READY=1")
    last_s = time.monotonic()
    while time.monotonic() - last_s < WATCHDOG_S:  # what systemd does: no ping for WatchdogSec
        if "WATCHDOG=1" in (manager.listen(0.5) or ""):
            last_s = time.monotonic()
    assert any("WATCHDOG=1" in message for message in manager.heard), "it was alive before it stalled"
    assert manager.process is not None
    assert manager.process.poll() is None, "it hangs; it did not end by itself"
    first = manager.process.pid
    assert manager.end(signal.SIGKILL)[0] == -signal.SIGKILL
    manager.start("-c", STALLING, str(manager.config), "-1")
    manager.hear("READY=1")
    for _ in range(3):
        manager.hear("WATCHDOG=1")

    assert manager.process.pid != first
    assert manager.end()[0] == 0


def test_a_missing_camera_is_no_reason_not_to_get_ready_and_giving_up_is_exit_code_75(manager: Manager) -> None:
    manager.configure(uri=f"file:{manager.folder}/missing.mcap", give_up_after=12)
    manager.start("-m", "edge.cli", "run", "--config", str(manager.config))
    manager.hear("READY=1\nSTATUS=no_camera")
    assert manager.process is not None
    _, errors = manager.process.communicate(timeout=PATIENCE_S)

    assert manager.process.returncode == 75
    assert errors.splitlines()[-1].startswith("latx-edge: error: file:")
    assert "failed 12 times" in errors.splitlines()[-1]


def test_a_camera_that_hangs_does_not_hold_the_end_up(manager: Manager) -> None:
    manager.configure(uri="demo:loop", stop_deadline_s=0.5, rehearse="hang_on_read@0.5+600")
    manager.start("-m", "edge.cli", "run", "--config", str(manager.config))
    manager.hear("READY=1")
    manager.hear("no_camera")
    began = time.monotonic()
    code, errors = manager.end()

    assert code == 0, errors
    assert time.monotonic() - began < 10.0, "systemd would have killed it"


def test_a_second_kiosk_at_the_same_port_still_scans(manager: Manager) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        manager.configure(uri="demo:loop")
        text = manager.config.read_text().replace("port = 0", f"port = {taken.getsockname()[1]}")
        manager.config.write_text(text)
        manager.start("-m", "edge.cli", "run", "--config", str(manager.config))
        manager.hear("READY=1")
        code, errors = manager.end()

    assert code == 0
    assert "the probes cannot be served" in errors

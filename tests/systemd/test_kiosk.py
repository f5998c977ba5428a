"""The kiosk for real: installed by its installer under a systemd that runs as PID 1, with the demonstration as camera.

Nothing differs from a kiosk but what an operator may change too: the configuration, and by a drop-in the watchdog's
interval and the pause before a restart. Tests share the machine, and several processes share out the tests: each one
says by its fixture whether it needs the service running or stopped, and takes nothing from the test before it.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.systemd.conftest import Kiosk

Wait = Callable[[str, Callable[[], bool], float], float]
ASK_CLOCK = (
    "import ctypes; libc = ctypes.CDLL(None, use_errno=True); "
    "[print(name, \"gave\", libc.adjtimex((ctypes.c_int * 256)(modes)), end=\", \") or "
    "print(\"errno\", ctypes.get_errno()) for name, modes in ((\"read\", 0), (\"set\", 2))]"
)
"""Reads the kernel's clock state as ``edge.result.identity`` does, then tries to change its frequency (2)."""
SLOW_S = 90.0
"""A start's limit here: the test machine may be busy with other tests. What a start takes is measured elsewhere."""


@pytest.fixture
def running(kiosk: Kiosk) -> Kiosk:
    """The service, ready."""
    if kiosk.state() != "active (running)":
        kiosk.start()
    return kiosk


@pytest.fixture
def stopped(kiosk: Kiosk) -> Kiosk:
    """The service, installed and not running."""
    kiosk.machine.done("systemctl", "stop", kiosk.unit)
    return kiosk


def test_the_service_is_ready_after_its_warm_up_and_not_before(stopped: Kiosk, wait: Wait) -> None:
    stopped.start("--no-block")
    wait("a process is there", lambda: stopped.main_pid() != 0, SLOW_S)
    while_warming = stopped.state()
    took_s = wait("it says that it is ready", lambda: stopped.state() == "active (running)", SLOW_S)

    assert while_warming == "activating (start)", stopped.machine.journal(stopped.unit)
    assert took_s > 0.2
    probe = "import urllib.request as u; print(u.urlopen('http://127.0.0.1:9475/readyz', timeout=5).status)"

    def could_scan() -> bool:
        return stopped.machine.run("/opt/latx-python/bin/python3", "-c", probe).stdout.strip() == "200"

    wait("a subject could be scanned, which also takes a camera", could_scan, SLOW_S)


def test_it_scans_by_itself_and_keeps_the_results_for_itself(running: Kiosk, wait: Wait) -> None:
    before = len(running.scans())

    wait("a scan is on the disk", lambda: len(running.scans()) > before, SLOW_S)

    folder = running.scans()[-1]
    result = json.loads((folder / "result.json").read_text())
    assert {"thoracic_kyphosis_t4_t12", "lumbar_lordosis_l1_s1", "sacral_slope"} <= set(result["angles"])
    owner = running.machine.done("stat", "--format=%U %a", f"{running.state_directory}/scans/{folder.name}").split()
    assert owner[0] == "latx-edge"
    assert owner[1].endswith("0"), "readable to everybody"


def test_the_process_is_confined(running: Kiosk) -> None:
    status = running.machine.path(f"/proc/{running.main_pid()}/status").read_text()
    fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)

    assert int(fields["Uid"].split()[0]) != 0
    assert {int(fields[name], 16) for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")} == {0}
    assert (fields["NoNewPrivs"], fields["Seccomp"]) == ("1", "2")
    limits = running.machine.path(f"/proc/{running.main_pid()}/limits").read_text()
    assert re.search(r"^Max core file size +0 +0 ", limits, re.M), "a core dump would hold a picture"


def test_the_secrets_reach_the_process_and_nobody_else(running: Kiosk) -> None:
    stat = running.machine.done("stat", "--format=%a %U %n", f"/run/credentials/{running.unit}",
                                f"/run/credentials/{running.unit}/mqtt-password", "/etc/latx-edge/credentials",
                                "/etc/latx-edge/credentials/mqtt-password").splitlines()

    assert [line.split()[:2] for line in stat] == [
        ["500", "latx-edge"], ["400", "latx-edge"], ["700", "root"], ["600", "root"],
    ]  # fmt: skip


def test_the_confined_process_may_ask_the_kernel_whether_the_clock_is_synchronised(
    running: Kiosk, wait: Wait
) -> None:
    drop_in = running.machine.path(f"/etc/systemd/system/{running.unit}.d/probe.conf")
    drop_in.write_text(f"[Service]\nExecStartPre=/opt/latx-python/bin/python3 -c '{ASK_CLOCK}'\n")
    try:
        running.machine.done("systemctl", "daemon-reload")
        running.machine.done("systemctl", "restart", running.unit)
    finally:
        drop_in.unlink()
        running.machine.done("systemctl", "daemon-reload")

    def answers() -> list[tuple[str, str, str]]:
        return re.findall(r"(read|set) gave (-?\d+), errno (\d+)", running.machine.journal(running.unit))

    wait("both answers are in the log", lambda: len(answers()) == 2, SLOW_S)
    read, changed = answers()
    assert read[0] == "read"
    assert read[1] != "-1"
    assert changed == ("set", "-1", "1"), "it could set the clock"


def test_the_watchdog_replaces_a_process_that_stalls(running: Kiosk, wait: Wait) -> None:
    stalled = running.signal("STOP")

    took_s = wait("another process is ready", lambda: running.replaced(stalled), SLOW_S)

    assert took_s > 1.0, "replaced before the watchdog can have noticed"
    assert "Watchdog timeout" in running.machine.journal(running.unit)


def test_a_process_that_is_killed_is_started_anew_and_scans_on(running: Kiosk, wait: Wait) -> None:
    before = len(running.scans())
    killed = running.signal("KILL")

    wait("another process is ready", lambda: running.replaced(killed), SLOW_S)
    wait("a scan is on the disk", lambda: len(running.scans()) > before, SLOW_S)


def test_reloading_takes_a_changed_configuration_without_another_process(running: Kiosk, wait: Wait) -> None:
    pid, config = running.main_pid(), running.machine.path(running.config)
    config.write_text(config.read_text().replace("repeat_after_s = 1.0", "repeat_after_s = 1.5"))

    running.machine.done("systemctl", "reload", running.unit)
    wait("the log says so", lambda: "reload: reloaded" in running.machine.journal(running.unit), SLOW_S)

    assert running.main_pid() == pid


def test_stopping_is_bounded_and_clean(running: Kiosk) -> None:
    start = time.monotonic()
    running.machine.done("systemctl", "stop", running.unit)
    took_s = time.monotonic() - start

    assert took_s < 10.0
    shown = running.machine.show(running.unit, "ActiveState", "Result", "ExecMainStatus")
    assert shown == {"ActiveState": "inactive", "Result": "success", "ExecMainStatus": "0"}
    assert not list(running.machine.path(f"{running.state_directory}/scans").rglob("*.partial"))


def test_a_wrong_configuration_is_refused_by_the_installer_and_not_retried(stopped: Kiosk, wait: Wait) -> None:
    config = stopped.machine.path(stopped.config)
    good = config.read_text()
    config.write_text(good + "[camera.wrong]\n")
    try:
        refused = stopped.installer("--source", "none")
        stopped.machine.run("systemctl", "start", stopped.unit)
        wait("it has failed for good", lambda: stopped.state() == "failed (failed)", SLOW_S)
    finally:
        config.write_text(good)

    assert refused.returncode == 2
    assert f"{stopped.config}:" in refused.stderr
    assert stopped.machine.show(stopped.unit, "ExecMainStatus", "NRestarts")["ExecMainStatus"] == "2"
    stopped.machine.done("systemctl", "reset-failed", stopped.unit)


def test_without_tensorrt_the_engine_build_is_skipped_and_nothing_fails(running: Kiosk) -> None:
    shown = running.machine.show("latx-edge-engine.service", "ActiveState", "Result", "ExecMainStatus")

    assert shown["ActiveState"] == "inactive"
    assert shown["Result"] == "exec-condition"


def test_installing_again_keeps_the_configuration_and_starts_the_new_program(running: Kiosk) -> None:
    former = running.main_pid()

    said = running.install()

    assert f"kept: {running.config}" in said
    assert "demo:loop" in running.machine.path(running.config).read_text()
    assert running.replaced(former)


def test_uninstalling_leaves_results_and_configuration_and_purging_leaves_nothing(running: Kiosk, wait: Wait) -> None:
    wait("a scan is on the disk", lambda: bool(running.scans()), SLOW_S)
    done = running.installer("--uninstall")

    assert done.returncode == 0, done.stderr
    assert running.state() == "inactive (dead)"
    for gone in ("/opt/latx-edge", "/usr/local/bin/latx-edge", f"/etc/systemd/system/{running.unit}"):
        assert not running.machine.path(gone).exists(), gone
    assert running.scans()
    assert running.machine.path(running.config).exists()

    assert running.installer("--uninstall", "--purge").returncode == 0
    for gone in (running.state_directory, "/etc/latx-edge"):
        assert not running.machine.path(gone).exists(), gone
    assert running.machine.run("id", "latx-edge").returncode != 0

"""A machine with a systemd of its own, and the kiosk installed on it as an operator installs it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable, Generator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NEEDED = ("unshare", "nsenter", "systemctl", "ip")
"""Programs that booting a machine takes, from the packages util-linux, systemd and iproute2."""
PYTHON, DEPENDENCIES = "/opt/latx-python", "/opt/latx-dependencies"
"""Where the machine sees this Python and its packages: it has no network to fetch any, and a service sees no home."""
BORROWED = {"PYTHONPATH": DEPENDENCIES, "LD_LIBRARY_PATH": f"{PYTHON}/lib"}
"""What a Python needs that lies elsewhere than it was made for."""


class Machine:
    """A booted machine, seen from outside: PID 1's namespaces."""

    def __init__(self, first: int) -> None:
        self.first = first

    def run(self, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a command in it as root."""
        inside = ["nsenter", "--target", str(self.first), "--all", "--", "env", "--ignore-environment",
                  "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "LC_ALL=C.UTF-8",
                  *(f"{name}={value}" for name, value in environment.items())]
        return subprocess.run([*inside, *command], capture_output=True, text=True, timeout=120, check=False)

    def done(self, *command: str, **environment: str) -> str:
        """Output of a command that has to succeed."""
        finished = self.run(*command, **environment)
        assert finished.returncode == 0, f"{command}: {finished.returncode}\n{finished.stdout}{finished.stderr}"
        return finished.stdout

    def path(self, inside: str) -> Path:
        """A file of the machine, for this process to read and write."""
        return Path(f"/proc/{self.first}/root") / inside.lstrip("/")

    def show(self, unit: str, *names: str) -> dict[str, str]:
        """Properties of a unit."""
        lines = self.done("systemctl", "show", unit, *(f"--property={name}" for name in names)).splitlines()
        return dict(line.split("=", 1) for line in lines)

    def journal(self, unit: str) -> str:
        """All that a unit and systemd said about it."""
        return self.run("journalctl", "--no-pager", "--output=short-monotonic", "--unit", unit).stdout


class Kiosk:
    """The service on its machine. ``checkout``: where the machine sees the product's files and its wheel."""

    unit = "latx-edge.service"
    config = "/etc/latx-edge/config.toml"
    state_directory = "/var/lib/latx-edge"

    def __init__(self, machine: Machine, wheel: str, folder: str) -> None:
        self.machine, self._wheel, self._folder = machine, wheel, folder

    def installer(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run install.sh as an operator does, but offline: what pip would fetch lies beside this Python."""
        return self.machine.run(f"{self._folder}/install.sh", *arguments, PIP_NO_INDEX="1", **BORROWED)

    def install(self, *arguments: str) -> str:
        python = f"{PYTHON}/bin/python3"
        done = self.installer("--source", self._wheel, "--extras", "none", "--python", python, *arguments)
        assert done.returncode == 0, f"{done.stdout}{done.stderr}{self.machine.journal(self.unit)}"
        return done.stdout

    def start(self, *options: str) -> None:
        """Start it; without options until it is ready."""
        started = self.machine.run("systemctl", "start", *options, self.unit)
        assert started.returncode == 0, f"{started.stderr}{self.machine.journal(self.unit)}"

    def drop_in(self, *lines: str) -> None:
        """Change the unit as an operator would, by a drop-in."""
        path = self.machine.path(f"/etc/systemd/system/{self.unit}.d/test.conf")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(["[Service]", *lines, ""]))
        self.machine.done("systemctl", "daemon-reload")

    def main_pid(self) -> int:
        """The service's process, as the machine counts; 0 where there is none."""
        return int(self.machine.show(self.unit, "MainPID")["MainPID"])

    def state(self) -> str:
        """Such as ``active (running)``."""
        shown = self.machine.show(self.unit, "ActiveState", "SubState")
        return f"{shown['ActiveState']} ({shown['SubState']})"

    def signal(self, name: str) -> int:
        """Send the main process a signal; gives its number."""
        pid = self.main_pid()
        assert pid, self.machine.journal(self.unit)
        self.machine.done("kill", f"-{name}", str(pid))
        return pid

    def replaced(self, former: int) -> bool:
        """Whether another process than ``former`` has become ready."""
        return self.main_pid() not in (0, former) and self.state() == "active (running)"

    def scans(self) -> list[Path]:
        """Folders of finished scans, oldest first."""
        folder = self.machine.path(f"{self.state_directory}/scans")
        return sorted(path.parent for path in folder.glob("*/result.json")) if folder.exists() else []


def wait_until(what: str, true: Callable[[], bool], seconds: float) -> float:
    """Seconds until ``true`` is; the machine has its own clock, so this one has to be waited for."""
    start = time.monotonic()
    while not true():
        assert time.monotonic() - start < seconds, f"not within {seconds} s: {what}"
        time.sleep(0.05)
    return time.monotonic() - start


@pytest.fixture(scope="session")
def wait() -> Callable[[str, Callable[[], bool], float], float]:
    return wait_until


@pytest.fixture(scope="session")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Generator[Machine, None, None]:
    """A machine on which nothing of the product is installed yet; it sees this checkout's packages."""
    missing = [name for name in NEEDED if shutil.which(name) is None]
    if missing:
        pytest.skip(f"booting a machine needs {', '.join(missing)} (apt-get install systemd util-linux iproute2)")
    if os.geteuid() != 0:
        pytest.skip("only root can boot a machine (sudo python -m pytest tests/systemd)")
    folder = tmp_path_factory.mktemp("machine")
    binds = ("--bind", sysconfig.get_paths()["purelib"], DEPENDENCIES, "--bind", sys.base_prefix, PYTHON)
    boot = subprocess.Popen([str(ROOT / ".ci" / "systemd-machine"), str(folder), *binds])
    try:
        pid = folder / "pid"
        wait_until("the machine has a PID 1", lambda: pid.exists() or boot.poll() is not None, 60)
        if not pid.exists():
            pytest.skip("no machine can be booted here: .ci/systemd-machine needs namespaces, overlayfs and cgroup v2")
        booted = Machine(int(pid.read_text()))
        up = ("systemctl", "is-system-running", "--wait")
        wait_until("the machine is up, and nothing failed", lambda: booted.run(*up).stdout.strip() == "running", 60)
        yield booted
    finally:
        boot.terminate()
        boot.wait(30)


@pytest.fixture(scope="session")
def tracked_scripts() -> list[Path]:
    """Every shell script that git tracks."""
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    paths = [ROOT / name for name in listing.split("\0") if name]
    return [path for path in paths if path.is_file() and path.open("rb").read(20).startswith(b"#!/usr/bin/env bash")]


@pytest.fixture(scope="session")
def kiosk(machine: Machine, tmp_path_factory: pytest.TempPathFactory) -> Kiosk:
    """The kiosk, installed but not started, with the demonstration in place of a camera and an impatient watchdog.

    ProtectHome hides this Python's libraries where they lie in a home, so the service is told of the copy.
    """
    source = tmp_path_factory.mktemp("source")
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, listing.split("\0")):
        if (ROOT / name).is_file():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, source / name)
    build = [sys.executable, "-c", "from setuptools.build_meta import build_wheel; print(build_wheel('wheel'))"]
    built = subprocess.run(build, cwd=source, capture_output=True, text=True, check=True).stdout.split()[-1]
    folder = machine.path("/opt/latx-under-test")
    shutil.copytree(source / "systemd", folder)
    shutil.copy2(source / "wheel" / built, folder)
    there = Kiosk(machine, f"/opt/latx-under-test/{built}", "/opt/latx-under-test")
    config = machine.path(there.config)
    config.parent.mkdir()
    config.write_text('version = 1\n[camera]\nuri = "demo:loop"\n[scan]\nrepeat_after_s = 1.0\n')
    there.drop_in(*(f"Environment={name}={value}" for name, value in BORROWED.items()), "WatchdogSec=6", "RestartSec=1")
    there.install("--no-start")
    return there

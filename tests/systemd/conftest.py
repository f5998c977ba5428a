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
        assert booted.run("systemctl", "is-system-running", "--wait").stdout.strip() == "running"
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

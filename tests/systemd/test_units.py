"""The unit files are what systemd takes, on the oldest device too, and stay as confined as they were."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

UNITS = Path(__file__).parents[2] / "systemd"
HIGHEST_EXPOSURE = 2.0  # of 10, as systemd-analyze counts; raise it only with a reason
NAMES = sorted(path.name for path in UNITS.glob("*.service"))

# JetPack 6 has systemd 249, which passes over what it does not know: such a line would hold on newer systems alone.
NEWER_THAN_249 = {
    r"^(Load|Set)CredentialEncrypted=": 250,
    r"^RestrictFileSystems=|^RestrictNetworkInterfaces=": 250,
    r"%d\b": 250,
    r"^ExtensionDirectories=": 251,
    r"^(Condition|Assert)Credential=": 252,
    r"^Type=notify-reload|^OpenFile=": 253,
    r"^ImportCredential=|^Restart(Steps|MaxDelaySec|Mode)=|^MemoryKSM=": 254,
    r"^PrivateUsers=identity|^PrivateTmp=disconnected|^PrivatePIDs=|^ProtectControlGroups=(private|strict)": 257,
}


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """The units as installed here: their program is the one beside this Python."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed (apt-get install systemd)")
    folder = Path(sys.executable).parent
    if not (folder / "latx-edge").exists():
        pytest.skip("the console script latx-edge is not installed beside this Python (pip install -e .)")
    for unit in UNITS.glob("*.service"):
        (tmp_path / unit.name).write_text(unit.read_text().replace("/opt/latx-edge/bin/", f"{folder}/"))
    return tmp_path


def analyze(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["systemd-analyze", *arguments], capture_output=True, text=True, timeout=60, check=False)


def exposure(unit: Path) -> float:
    """What systemd-analyze says of a unit file: 0 is sealed, 10 is everything open."""
    done = analyze("security", "--offline=true", "--no-pager", str(unit))
    score = re.search(r"exposure level for .*: ([\d.]+)", done.stdout)
    assert score, done.stdout + done.stderr
    return float(score.group(1))


def newer_than_249(text: str) -> list[str]:
    """Lines that systemd 249 would pass over."""
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    return [line for line in lines if any(re.search(pattern, line) for pattern in NEWER_THAN_249)]


def test_systemd_takes_every_unit_without_a_word(installed: Path) -> None:
    done = analyze("verify", "--man=no", *(str(installed / name) for name in NAMES))

    assert NAMES == ["latx-edge-engine.service", "latx-edge.service"]
    assert (done.returncode, done.stderr) == (0, "")


def test_the_verification_can_fail(installed: Path) -> None:
    unit = installed / "latx-edge.service"
    unit.write_text(unit.read_text().replace("Type=notify", "Type=sometimes\nNoSuchSetting=1"))

    assert "NoSuchSetting" in analyze("verify", "--man=no", str(unit)).stderr


@pytest.mark.parametrize("unit", NAMES)
def test_the_exposure_stays_at_2_or_better(installed: Path, unit: str) -> None:
    assert exposure(installed / unit) <= HIGHEST_EXPOSURE


@pytest.mark.parametrize("dropped", ["SystemCallFilter=", "User=", "CapabilityBoundingSet=", "Device(Allow|Policy)="])
def test_the_exposure_can_fail(installed: Path, dropped: str) -> None:
    unit = installed / "latx-edge.service"
    sealed = exposure(unit)
    kept = [line for line in unit.read_text().splitlines() if not re.match(dropped, line)]
    unit.write_text("\n".join(kept) + "\n")

    assert exposure(unit) > sealed


def test_a_unit_without_a_sandbox_is_above_the_limit(installed: Path) -> None:
    unit = installed / "open.service"
    unit.write_text("[Service]\nExecStart=/bin/true\nUser=latx-edge\n")

    assert exposure(unit) > HIGHEST_EXPOSURE


@pytest.mark.parametrize("unit", NAMES)
def test_nothing_is_newer_than_the_systemd_of_jetpack_6(unit: str) -> None:
    assert newer_than_249((UNITS / unit).read_text()) == []


def test_the_check_for_newer_settings_can_fail() -> None:
    text = "# RestartSteps=3\nRestartSteps=3\nExecStart=/bin/cat %d/secret\nRestartSec=3\n"

    assert newer_than_249(text) == ["RestartSteps=3", "ExecStart=/bin/cat %d/secret"]


@pytest.mark.parametrize("setting", [
    "Type=notify", "WatchdogSec=20", "Restart=on-failure", "RestartPreventExitStatus=2 4 7", "StartLimitIntervalSec=0",
    "LimitCORE=0", "PrivateDevices=no", "MemoryDenyWriteExecute=no", "ProcSubset=all",
])
def test_what_the_daemon_relies_on_is_set_or_left_open(setting: str) -> None:
    """PrivateDevices, MemoryDenyWriteExecute and ProcSubset=pid break CUDA, and each would improve the exposure."""
    name, _, value = setting.partition("=")
    lines = (UNITS / "latx-edge.service").read_text().splitlines()
    found = [line.partition("=")[2] for line in lines if line.startswith(f"{name}=")]

    assert found == [value] or (value in ("no", "all") and not found)

"""The unit files are what systemd takes, and stay as confined as they were."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

UNITS = Path(__file__).parents[2] / "systemd"
HIGHEST_EXPOSURE = 1.0  # of 10, as systemd-analyze counts; raise it only with a reason


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """The units as installed here: their program is the one beside this Python."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed (apt-get install systemd)")
    program = Path(sys.executable).with_name("latx-edge")
    if not program.exists():
        pytest.skip("the console script latx-edge is not installed beside this Python (pip install -e .)")
    for unit in UNITS.glob("*.service"):
        (tmp_path / unit.name).write_text(unit.read_text().replace("/opt/latx-edge/bin/latx-edge", str(program)))
    return tmp_path


def analyze(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["systemd-analyze", *arguments], capture_output=True, text=True, timeout=60, check=False)


def test_systemd_takes_every_unit_without_a_word(installed: Path) -> None:
    units = sorted(installed.glob("*.service"))

    done = analyze("verify", "--man=no", *map(str, units))

    assert units
    assert (done.returncode, done.stderr) == (0, "")


def test_the_verification_can_fail(installed: Path) -> None:
    unit = next(installed.glob("*.service"))
    unit.write_text(unit.read_text().replace("Type=oneshot", "Type=sometimes\nNoSuchSetting=1"))

    assert "NoSuchSetting" in analyze("verify", "--man=no", str(unit)).stderr


@pytest.mark.parametrize("unit", sorted(p.name for p in UNITS.glob("*.service")))
def test_the_exposure_stays_low(installed: Path, unit: str) -> None:
    done = analyze("security", "--offline=true", "--no-pager", str(installed / unit))

    score = re.search(r"exposure level for .*: ([\d.]+)", done.stdout)
    assert score, done.stdout + done.stderr
    assert float(score.group(1)) <= HIGHEST_EXPOSURE

"""The installed package is whole: every module, and every file that a module reads from beside itself."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

PACKAGES = ("edge", "export", "calib")


@pytest.fixture(scope="module")
def wheel(root: Path, tracked: list[Path], tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """Names in a wheel that is built from the tracked files alone."""
    source, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for path in tracked:
        (source / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(root / path, source / path)
    command = [sys.executable, "-c", "from setuptools.build_meta import build_wheel; build_wheel('OUT')"]
    command[-1] = command[-1].replace("OUT", str(out))
    done = subprocess.run(command, cwd=source, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    with zipfile.ZipFile(next(out.glob("*.whl"))) as archive:
        return set(archive.namelist())


def missing(tracked: list[Path], names: set[str]) -> list[str]:
    """Tracked files of the packages that the wheel lacks."""
    return [str(path) for path in tracked if path.parts[0] in PACKAGES and str(path) not in names]


def test_the_wheel_holds_every_file_of_the_packages(wheel: set[str], tracked: list[Path]) -> None:
    assert not missing(tracked, wheel)


def test_the_wheel_holds_nothing_else(wheel: set[str]) -> None:
    assert {name.partition("/")[0] for name in wheel if ".dist-info/" not in name} == set(PACKAGES)


def test_the_check_can_fail(wheel: set[str], tracked: list[Path]) -> None:
    assert missing([*tracked, Path("edge/demo/forgotten.bin")], wheel) == ["edge/demo/forgotten.bin"]

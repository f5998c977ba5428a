"""Prove with pip's own resolver that the base install resolves from wheels alone on every device that it is for.

Nothing is installed. JetPack 6 is Python 3.10 with glibc 2.35, JetPack 7 Python 3.12 with glibc 2.39; the wheels asked
for are those that glibc 2.35 can load. Run by ``make resolve``.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    from pip._vendor import tomli as tomllib

TARGETS = [(python, machine) for python in ("3.10", "3.12") for machine in ("aarch64", "x86_64")]
GLIBC = ("2014", "_2_17", "_2_24", "_2_26", "_2_27", "_2_28", "_2_31", "_2_34", "_2_35")
# A base install that drags one of these onto a device is wrong, however well it resolves.
UNWANTED = {"torch", "onnx", "onnxscript", "scipy", "numba", "matplotlib", "pyrealsense2", "opencv-python"}


def base_requirements(pyproject: Path) -> list[str]:
    """The requirement strings of a plain ``pip install`` of the project at ``pyproject``."""
    project: dict[str, Any] = tomllib.loads(pyproject.read_text())["project"]
    return list(project["dependencies"])


def resolve(requirements: list[str], python: str, machine: str) -> dict[str, str]:
    """Name to version of everything that pip would install.

    Raises:
        subprocess.CalledProcessError: pip finds no solution.
    """
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        platforms = [part for glibc in GLIBC for part in ("--platform", f"manylinux{glibc}_{machine}")]
        subprocess.run(
            [
                *(sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--dry-run"),
                *("--ignore-installed", "--only-binary=:all:", "--implementation", "cp", "--python-version", python),
                *platforms,
                *("--target", f"{folder}/nothing", "--report", str(report), *requirements),
            ],
            check=True,
        )
        installed = json.loads(report.read_text())["install"]
    return {item["metadata"]["name"].lower(): item["metadata"]["version"] for item in installed}


def main() -> int:
    """Resolve for every target and print what each would get. 0 where all resolve and none is bloated."""
    requirements = base_requirements(Path(__file__).parents[1] / "pyproject.toml")
    failed = False
    for python, machine in TARGETS:
        try:
            found = resolve(requirements, python, machine)
        except subprocess.CalledProcessError:
            print(f"Python {python} on {machine}: DOES NOT RESOLVE (pip's reason is above)")
            failed = True
            continue
        unwanted = sorted(UNWANTED & set(found))
        failed |= bool(unwanted)
        listing = " ".join(f"{name}={version}" for name, version in sorted(found.items()))
        print(f"Python {python} on {machine}: {len(found)} wheels: {listing}")
        if unwanted:
            print(f"  of these a device must never need: {', '.join(unwanted)}")
    return int(failed)


if __name__ == "__main__":
    raise SystemExit(main())

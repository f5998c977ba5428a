"""The repository as the tests about it see it: its root, its tracked files, and the device's import guard."""

from __future__ import annotations

import argparse
import contextlib
import importlib
import io
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# What a base install does not have. A device must never need one of them.
NOT_ON_A_DEVICE = (
    "torch", "onnx", "onnxscript", "onnx_graphsurgeon", "scipy", "numba", "matplotlib", "pydicom", "pyrealsense2",
    "tensorrt", "pycuda", "pytest", "export", "calib",
)

GUARD = """
import importlib.abc, sys

class Absent(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {absent!r}:
            raise ModuleNotFoundError(f"{{name}} is not part of the base install", name=name)
        return None

sys.meta_path.insert(0, Absent())
sys.path.insert(0, {path!r})
"""


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout's top folder."""
    return ROOT


@pytest.fixture(scope="session")
def tracked(root: Path) -> list[Path]:
    """Every file that git tracks, relative to the root."""
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=root, capture_output=True, text=True, check=True).stdout
    return [Path(name) for name in listing.split("\0") if name and (root / name).exists()]


@pytest.fixture
def run_like_a_device(root: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run Python code in a fresh process in which nothing beyond the base install can be imported."""

    def run(code: str, path: Path = root) -> subprocess.CompletedProcess[str]:
        program = GUARD.format(absent=set(NOT_ON_A_DEVICE), path=str(path)) + code
        return subprocess.run(
            [sys.executable, "-c", program], cwd=path, capture_output=True, text=True, timeout=300, check=False
        )

    return run


@pytest.fixture(scope="session")
def parser_of() -> Callable[[str, tuple[str, ...]], argparse.ArgumentParser]:
    """The argparse parser whose help ``PROGRAM PATH... -h`` prints, asked of the program itself."""

    def find(program: str, path: tuple[str, ...]) -> argparse.ArgumentParser:
        main = importlib.import_module(f"{program.removeprefix('latx-')}.cli").main
        shown: list[argparse.ArgumentParser] = []
        with pytest.MonkeyPatch.context() as patch, contextlib.suppress(SystemExit):
            patch.setattr(argparse.ArgumentParser, "print_help", lambda parser, _file=None: shown.append(parser))
            with contextlib.redirect_stderr(io.StringIO()):
                main([*path, "-h"])
        assert shown, f"{program} {' '.join(path)} is no command"
        return shown[-1]

    return find

"""The device's package runs on the base install: no torch, nothing optional, and none of its siblings."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., subprocess.CompletedProcess[str]]

IMPORT_EVERY_MODULE = """
import importlib, pkgutil, sys
package = importlib.import_module({package!r})
names = [m.name for m in pkgutil.walk_packages(package.__path__, {package!r} + ".") if not m.name.endswith("__main__")]
for name in names:
    importlib.import_module(name)
print(len(names), "torch" in sys.modules)
"""

FORBIDDEN_IN_EDGE = {"torch", "export", "calib", "matplotlib", "scipy", "numba", "anny", "onnx", "pydicom"}
OPTIONAL_IN_EDGE = {"pyrealsense2", "tensorrt", "pycuda"}


def test_every_module_of_edge_imports_on_the_base_install(run_like_a_device: Run) -> None:
    done = run_like_a_device(IMPORT_EVERY_MODULE.format(package="edge"))

    assert done.returncode == 0, done.stderr
    count, torch_loaded = done.stdout.split()
    assert int(count) > 20
    assert torch_loaded == "False"


def test_import_edge_alone_stays_light(run_like_a_device: Run) -> None:
    heavy = ("cv2", "onnxruntime", "pydantic", "mcap", "google")
    done = run_like_a_device(f"import edge, sys; print([m for m in {heavy!r} if m in sys.modules])")

    assert done.stdout.strip() == "[]", done.stderr


@pytest.mark.parametrize("line", ["import torch", "from export import train", "x = 1\nimport scipy.ndimage"])
def test_the_import_guard_can_fail(run_like_a_device: Run, tmp_path: Path, line: str) -> None:
    package = tmp_path / "leaky"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "deep.py").write_text(line + "\n")

    done = run_like_a_device(IMPORT_EVERY_MODULE.format(package="leaky"), path=tmp_path)

    assert done.returncode != 0
    assert "is not part of the base install" in done.stderr


def imported_roots(source: str, top_level_only: bool) -> set[str]:
    """First names of everything that ``source`` imports, at module level alone or anywhere in it."""
    tree = ast.parse(source)
    nodes = tree.body if top_level_only else list(ast.walk(tree))
    roots: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            roots |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            roots.add(node.module.partition(".")[0])
    return roots


def test_edge_imports_no_sibling_and_no_workstation_library_anywhere(root: Path, tracked: list[Path]) -> None:
    for path in tracked:
        if path.parts[0] == "edge" and path.suffix == ".py":
            found = imported_roots((root / path).read_text(), top_level_only=False) & FORBIDDEN_IN_EDGE
            assert not found, f"{path} imports {sorted(found)}"


def test_edge_imports_optional_parts_only_inside_functions(root: Path, tracked: list[Path]) -> None:
    for path in tracked:
        if path.parts[0] == "edge" and path.suffix == ".py":
            found = imported_roots((root / path).read_text(), top_level_only=True) & OPTIONAL_IN_EDGE
            assert not found, f"{path} imports {sorted(found)} at module level"


def test_the_source_guard_can_fail() -> None:
    hidden = "def f():\n    from torch.nn import Module\n    return Module\n"

    assert imported_roots(hidden, top_level_only=False) & FORBIDDEN_IN_EDGE == {"torch"}
    assert imported_roots(hidden, top_level_only=True) == set()
    assert imported_roots("import pyrealsense2 as rs", top_level_only=True) & OPTIONAL_IN_EDGE == {"pyrealsense2"}

"""What every source file keeps to: the floor Python's syntax, the agreed top level, nothing left open or private."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

TOP_LEVEL = {"edge", "export", "calib", "systemd", "tests", "pyproject.toml", "README.md", "Makefile", "LICENSE"}
FLOOR = (3, 10)
TEXT = {".py", ".md", ".toml", ".json", ".sh", ".service", ".rules", ".conf", ".yml", ".yaml", ".txt", ""}
BANNED_NAMES = {"utils.py", "helpers.py", "common.py", "manager.py"}

# An absolute path into somebody's home or workspace, and work left open. Spelt so that they do not match themselves.
PRIVATE_PATH = re.compile(r"(?<![\w.$}/-])/(?:home|root|work|Users|mnt)/[A-Za-z_]")
LEFT_OPEN = re.compile(r"\b(?:TO[D]O|FIX[M]E|X[X]X|NotImplemented[E]rror)\b")
UPWARDS = re.compile(r"(?<![\w.])(?:\.\./)+[\w./-]+")


def read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def text_files(root: Path, tracked: list[Path]) -> list[Path]:
    return [p for p in tracked if p.suffix in TEXT and (root / p).stat().st_size < 2_000_000]


def test_the_top_level_is_exactly_the_agreed_one(tracked: list[Path]) -> None:
    names = {p.parts[0] for p in tracked if not p.parts[0].startswith(".")}

    assert names == TOP_LEVEL


def test_every_source_parses_on_the_floor_python(root: Path, tracked: list[Path]) -> None:
    for path in tracked:
        if path.suffix == ".py":
            ast.parse(read(root / path), filename=str(path), feature_version=FLOOR)


@pytest.mark.parametrize("newer", ["type Pair = tuple[int, int]\n", "def first[T](xs: list[T]) -> T: ...\n"])
def test_the_syntax_floor_can_fail(newer: str) -> None:
    with pytest.raises(SyntaxError):
        ast.parse(newer, feature_version=FLOOR)


def test_every_module_of_the_packages_says_what_lives_in_it(root: Path, tracked: list[Path]) -> None:
    for path in tracked:
        if path.suffix == ".py" and path.parts[0] in ("edge", "export", "calib"):
            assert ast.get_docstring(ast.parse(read(root / path))), f"{path} has no module docstring"


def test_no_file_has_a_name_that_says_nothing(tracked: list[Path]) -> None:
    assert not [p for p in tracked if p.name in BANNED_NAMES]


def test_no_file_mentions_a_private_path(root: Path, tracked: list[Path]) -> None:
    for path in text_files(root, tracked):
        found = PRIVATE_PATH.search(read(root / path))
        assert not found, f"{path} mentions {found.group(0)}"


def test_no_file_points_out_of_the_repository(root: Path, tracked: list[Path]) -> None:
    for path in text_files(root, tracked):
        for match in UPWARDS.finditer(read(root / path)):
            target = ((root / path).parent / match.group(0)).resolve()
            assert target.is_relative_to(root), f"{path} points to {match.group(0)}"


def test_nothing_is_left_open(root: Path, tracked: list[Path]) -> None:
    for path in text_files(root, tracked):
        if path.suffix == ".py":
            found = LEFT_OPEN.search(read(root / path))
            assert not found, f"{path} has {found.group(0)}"


def test_the_text_guards_can_fail() -> None:
    assert PRIVATE_PATH.search("see " + "/home" + "/somebody/data")
    assert not PRIVATE_PATH.search("https://example.org/home/page and $HOME/work/x")
    assert LEFT_OPEN.search("# TO" + "DO: later")
    assert UPWARDS.search("look in " + "../" + "elsewhere/file")

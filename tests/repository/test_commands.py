"""Every console script and every subcommand documents itself, the device's ones on the base install alone."""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ParserOf = Callable[[str, tuple[str, ...]], argparse.ArgumentParser]
Run = Callable[..., subprocess.CompletedProcess[str]]
SCRIPTS = ("latx-edge", "latx-export", "latx-calib")

# Walks the real parsers: whatever `-h` would print is asked of the parser that prints it.
WALK = """
import argparse, sys
from {module} import main
from pathlib import Path

seen = []

def print_help(self, file=None):
    seen.append(self)

argparse.ArgumentParser.print_help = print_help

def walk(path):
    try:
        main([*path, "-h"])
    except SystemExit as stop:
        assert not stop.code, (path, stop.code)
    parser = seen[-1]
    assert parser.format_help()
    subs = [a for a in parser._actions if isinstance(a, argparse._SubParsersAction)]
    names = [n for s in subs for n in s.choices]
    print(" ".join(path) or "-", len(names))
    for name in names:
        walk([*path, name])

walk([])
print("torch" in sys.modules)
"""


def walk(
    parser_of: ParserOf, script: str, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], argparse.ArgumentParser]]:
    """Every command of ``script`` with its parser, itself first."""
    parser = parser_of(script, path)
    yield path, parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name in action.choices:
                yield from walk(parser_of, script, (*path, name))


def undocumented(parser: argparse.ArgumentParser) -> list[str]:
    """What of a parser's help is empty: its description, or an argument without a word."""
    gaps = [] if parser.description else ["no description"]
    for action in parser._actions:
        if action.help in (None, "", argparse.SUPPRESS) and not isinstance(action, argparse._SubParsersAction):
            gaps.append("/".join(action.option_strings) or action.dest)
    return gaps


def test_the_console_scripts_are_exactly_the_three(root: Path) -> None:
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]

    assert project["scripts"] == {name: f"{name.removeprefix('latx-')}.cli:main" for name in SCRIPTS}


@pytest.mark.parametrize("script", SCRIPTS)
def test_every_command_documents_itself_and_all_its_arguments(parser_of: ParserOf, script: str) -> None:
    commands = dict(walk(parser_of, script))

    assert len(commands) > 1
    for path, parser in commands.items():
        assert not undocumented(parser), f"{script} {' '.join(path)} -h: {undocumented(parser)}"


def test_the_documentation_guard_can_fail() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--silent")

    assert undocumented(parser) == ["no description", "--silent"]


def test_every_device_command_shows_its_help_on_the_base_install_without_torch(run_like_a_device: Run) -> None:
    done = run_like_a_device(WALK.format(module="edge.cli"))

    assert done.returncode == 0, done.stderr
    lines = done.stdout.strip().splitlines()
    assert lines[-1] == "False"
    assert {"scan", "record", "bench"} <= {line.split()[0] for line in lines[:-1]}


@pytest.mark.parametrize("script", SCRIPTS)
def test_an_unknown_subcommand_is_a_usage_error_in_a_line_without_traceback(script: str, root: Path) -> None:
    module = script.removeprefix("latx-")
    code = f"import sys; from {module}.cli import main; sys.exit(main(['no-such-command']))"
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=False)

    assert done.returncode == 2
    assert "no-such-command" in done.stderr
    assert "Traceback" not in done.stderr

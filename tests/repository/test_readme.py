"""The README is held against the code: its links, its commands, its options, its tables."""

from __future__ import annotations

import argparse
import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest

from edge.errors import EXIT_CODES

ParserOf = Callable[[str, tuple[str, ...]], argparse.ArgumentParser]

LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
BLOCK = re.compile(r"^```(?:sh|bash|console)\n(.*?)^```", re.M | re.S)
COMMAND = re.compile(r"^(?:[A-Z_]+=\S+ )*(latx-\w+|make)\b.*")


@pytest.fixture(scope="module")
def readme(root: Path) -> str:
    return (root / "README.md").read_text(encoding="utf-8")


def commands(text: str) -> list[str]:
    """The command lines of the README's shell blocks, continuation lines joined, comments dropped."""
    lines: list[str] = []
    for block in BLOCK.findall(text):
        lines += [line.strip() for line in block.replace("\\\n", " ").splitlines()]
    return [line for line in lines if line and not line.startswith("#")]


def anchors(text: str) -> set[str]:
    titles = re.findall(r"^#+ (.+)$", text, re.M)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def broken_links(text: str, root: Path) -> list[str]:
    """Relative links that lead nowhere."""
    broken = []
    for target in LINK.findall(text):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        if (path and not (root / path).exists()) or (not path and anchor not in anchors(text)):
            broken.append(target)
    return broken


def wrong_in(command: str, makefile: str, parser_of: ParserOf) -> list[str]:
    """What of a documented command the programs do not know: a subcommand, an option, a make target."""
    words = shlex.split(command, comments=True)
    while "=" in words[0]:
        words = words[1:]
    program, rest = words[0], words[1:]
    if program == "make":
        return [w for w in rest if "=" not in w and not re.search(rf"^{re.escape(w)}:", makefile, re.M)]
    path: tuple[str, ...] = ()
    parser = parser_of(program, path)
    while subs := [a for a in parser._actions if isinstance(a, argparse._SubParsersAction)]:
        if not rest or rest[0] not in subs[0].choices:
            return [f"{program} {' '.join([*path, *rest[:1]])}"]
        path = (*path, rest.pop(0))
        parser = parser_of(program, path)
    known = {option for action in parser._actions for option in action.option_strings}
    return [w for w in rest if w.startswith("--") and w.partition("=")[0] not in known]


def test_every_link_leads_somewhere(readme: str, root: Path) -> None:
    assert not broken_links(readme, root)


def test_every_command_exists_with_the_options_shown(readme: str, root: Path, parser_of: ParserOf) -> None:
    makefile = (root / "Makefile").read_text()
    checked = [line for line in commands(readme) if COMMAND.match(line)]

    assert len(checked) >= 8
    for line in checked:
        assert not wrong_in(line, makefile, parser_of), f"{line!r}: unknown {wrong_in(line, makefile, parser_of)}"


def test_the_exit_codes_are_those_of_the_program(readme: str) -> None:
    table = dict(re.findall(r"^\| `?(\d+)`? \| (.+?) \|$", readme, re.M))

    assert {int(code): meaning for code, meaning in table.items()} == EXIT_CODES


def test_every_folder_of_the_packages_is_on_the_map(readme: str, tracked: list[Path]) -> None:
    folders = {
        "/".join(p.parts[:2]) + "/"
        for p in tracked
        if len(p.parts) > 2 and p.parts[0] in ("edge", "export", "calib")
    }

    assert folders
    assert not {folder for folder in folders if f"`{folder}`" not in readme}


def test_the_readme_guards_can_fail(root: Path, parser_of: ParserOf) -> None:
    makefile = (root / "Makefile").read_text()

    assert broken_links("[gone](no/such/file.md) and [here](#nowhere)", root) == ["no/such/file.md", "#nowhere"]
    assert wrong_in("make no-such-target", makefile, parser_of) == ["no-such-target"]
    assert wrong_in("latx-edge no-such-command", makefile, parser_of) == ["latx-edge no-such-command"]
    assert wrong_in("latx-edge scan --no-such-option x", makefile, parser_of) == ["--no-such-option"]

"""The dispatcher of the three programs: lazy subcommands, one line per failure, the documented exit codes."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from edge.command_table import Subcommand, dispatch

MODULE = """
from edge.errors import RecordingError

def configure(parser):
    parser.add_argument("--how", help="what to do")
    parser.add_argument("--run", help="an option of the dispatcher's own word")

def run(args):
    if args.how == "refuse":
        raise RecordingError("no depth", where="a.mcap", expected="a depth topic", found="colour", mend="record it")
    if args.how == "interrupt":
        raise KeyboardInterrupt
    return 0
"""


@pytest.fixture
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Subcommand]:
    (tmp_path / "doing_something.py").write_text(MODULE)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "doing_something", raising=False)
    return {
        "do": Subcommand("doing_something", "do something"),
        "absent": Subcommand("no_such_module_anywhere", "cannot be imported here"),
    }


def test_a_subcommand_runs_and_its_neighbours_are_never_imported(table: dict[str, Subcommand]) -> None:
    assert dispatch("latx-x", "A program.", table, ["do"]) == 0
    assert "no_such_module_anywhere" not in sys.modules


def test_an_option_may_be_called_as_the_dispatcher_calls_its_own(table: dict[str, Subcommand]) -> None:
    assert dispatch("latx-x", "A program.", table, ["do", "--run", "first"]) == 0


@pytest.mark.parametrize(("how", "code"), [("refuse", 3), ("interrupt", 130)])
def test_a_failure_is_one_line_and_its_exit_code(
    table: dict[str, Subcommand], capsys: pytest.CaptureFixture[str], how: str, code: int
) -> None:
    assert dispatch("latx-x", "A program.", table, ["do", "--how", how]) == code

    assert capsys.readouterr().err.count("\n") == 1


def test_the_line_says_what_where_expected_found_and_mend(
    table: dict[str, Subcommand], capsys: pytest.CaptureFixture[str]
) -> None:
    dispatch("latx-x", "A program.", table, ["do", "--how", "refuse"])

    line = capsys.readouterr().err
    assert line == "latx-x: error: a.mcap: no depth; expected a depth topic, found colour; record it\n"


def test_help_lists_every_subcommand_and_imports_none(
    table: dict[str, Subcommand], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stop:
        dispatch("latx-x", "A program.", table, ["-h"])

    assert stop.value.code == 0
    shown = capsys.readouterr().out
    assert "do something" in shown
    assert "cannot be imported here" in shown
    assert "doing_something" not in sys.modules

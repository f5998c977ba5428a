"""A file appears whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from edge.errors import OutputError
from edge.whole_file import write_whole


def test_the_folder_is_made_and_nothing_else_is_left(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "a.json"

    write_whole(path, "1 °\n", "the thing")

    assert path.read_text(encoding="utf-8") == "1 °\n"
    assert os.listdir(path.parent) == ["a.json"]


def test_a_failure_names_the_file_and_keeps_the_older_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.json"
    path.write_text("old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OutputError, match=r"cannot write the thing.*No space left"):
        write_whole(path, "new", "the thing")

    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["a.json"]


def test_a_file_where_a_folder_should_be_is_an_error_in_a_line(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("")

    with pytest.raises(OutputError, match="cannot write the thing"):
        write_whole(tmp_path / "a" / "b.json", "x", "the thing")

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from edge.errors import OutputError
from edge.result.writer import PARTIAL, check_writable, sweep, write_folder

FILES = {"result.json": b"{}\n", "radiograph.png": b"\x89PNG" * 1000}


def test_a_folder_holds_exactly_its_files(tmp_path):
    folder = write_folder(tmp_path / "deep" / "scans", "scan-1", FILES)
    assert {p.name: p.read_bytes() for p in folder.iterdir()} == FILES
    assert [p.name for p in folder.parent.iterdir()] == ["scan-1"]


def test_an_existing_result_is_never_overwritten(tmp_path):
    write_folder(tmp_path, "scan-1", FILES)
    with pytest.raises(OutputError, match="already"):
        write_folder(tmp_path, "scan-1", {"result.json": b"other"})
    assert (tmp_path / "scan-1" / "result.json").read_bytes() == FILES["result.json"]
    assert [p.name for p in tmp_path.iterdir()] == ["scan-1"]


def test_a_file_where_the_folder_should_be_is_an_error_in_one_line(tmp_path):
    (tmp_path / "out").write_text("")
    for attempt in (lambda: write_folder(tmp_path / "out", "scan-1", FILES), lambda: check_writable(tmp_path / "out")):
        with pytest.raises(OutputError) as refused:
            attempt()
        assert "\n" not in refused.value.line()
        assert refused.value.exit_code == 6


def test_a_failure_half_way_leaves_nothing(tmp_path, monkeypatch):
    def full(_descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputError, match="No space left"):
        write_folder(tmp_path, "scan-1", FILES)
    assert list(tmp_path.iterdir()) == []


KILLED = """
import os, signal, sys
from pathlib import Path
from edge.result import writer

calls = 0
true_fsync = os.fsync

def fsync(descriptor):
    global calls
    true_fsync(descriptor)
    calls += 1
    if calls == int(sys.argv[2]):
        os.kill(os.getpid(), signal.SIGKILL)

os.fsync = fsync
writer.write_folder(Path(sys.argv[1]), "scan-1", {"a": b"1", "b": b"2", "c": b"3"})
"""


@pytest.mark.parametrize("fsync_number", [1, 2, 3, 4, 5])
def test_a_process_killed_at_any_moment_leaves_a_whole_result_or_none(tmp_path, fsync_number):
    done = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path), str(fsync_number)], check=False)
    assert done.returncode == -signal.SIGKILL
    visible = [p for p in tmp_path.iterdir() if not p.name.startswith(PARTIAL)]
    if fsync_number < 5:  # before the rename
        assert visible == []
    else:
        assert sorted(p.name for p in visible[0].iterdir()) == ["a", "b", "c"]


def test_what_a_killed_process_left_is_swept_but_not_what_another_is_writing(tmp_path):
    old, young = tmp_path / f"{PARTIAL}old", tmp_path / f"{PARTIAL}young"
    for folder in (old, young):
        folder.mkdir()
        (folder / "result.json").write_text("{")
    hours_ago = time.time() - 7200
    os.utime(old, (hours_ago, hours_ago))
    (tmp_path / "scan-1").mkdir()
    assert sweep(tmp_path) == 1
    assert sorted(p.name for p in tmp_path.iterdir()) == [young.name, "scan-1"]

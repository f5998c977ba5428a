"""A power cut at every write step of a result leaves the old state or the new one, and the next start settles it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from edge.privacy.audit import AuditLog, verify
from edge.sinks.disk import DiskSink
from edge.sinks.outbox.outbox import Outbox
from edge.sinks.outbox.sink import QueuedSink
from edge.sinks.places import audit_path, outbox_path

PROGRAM = Path(__file__).parent / "power_cut.py"
REPOSITORY = Path(__file__).parents[4]


@pytest.fixture
def quick_disk(tmp_path):
    """A folder in memory where there is one: a SIGKILL does not ask whether the disk was slow."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else tmp_path) as folder:
        yield Path(folder)


@pytest.fixture
def rehearse(tmp_path, quick_disk, reports, reporter):
    """Let a deed be cut at every step; gives the folders that the cuts left, and the one that none cut."""

    def run(deed, stride=1):
        template, work = tmp_path / "template", quick_disk
        template.mkdir()
        for name, content in reports().files.items():
            (template / name).write_bytes(content)
        argv = [sys.executable, str(PROGRAM), deed, str(work), str(template), reporter.__file__, str(stride)]
        done = subprocess.run(argv, capture_output=True, text=True, check=False,
                              env=os.environ | {"PYTHONPATH": str(REPOSITORY)})
        assert done.returncode == 0, done.stderr
        statuses = [int(line.split()[1]) for line in done.stdout.splitlines()]
        assert statuses[:-1] == [-signal.SIGKILL] * (len(statuses) - 1), done.stderr
        assert statuses[-1] == 0, done.stderr
        folders = sorted(work.iterdir())
        print(f"\n{deed}: cut {len(statuses) - 1} times, at every {stride}. step")
        return folders[:-1], folders[-1]

    return run


def results(folder):
    return [p for p in folder.iterdir() if not p.name.startswith(".")]


def is_whole(folder):
    return sorted(p.name for p in folder.iterdir()) == ["overlay.png", "radiograph.png", "result.json"] and all(
        p.stat().st_size > 100 for p in folder.iterdir()
    )


def test_a_result_is_there_whole_and_owed_or_not_there_at_all(rehearse):
    cut, uncut = rehearse("accept")

    assert len(cut) > 40, "SQLite, files and folders are all cut"
    with_result = 0
    for folder in [*cut, uncut]:
        visible = results(folder)
        assert len(visible) <= 1
        assert all(is_whole(p) for p in visible), folder
        outbox = Outbox(outbox_path(folder), folder)
        QueuedSink(DiskSink(folder, AuditLog(audit_path(folder))), outbox)  # the next start
        assert not outbox.rebuilt
        assert [e.scan_id for e in outbox.due(10)] == [p.name for p in visible], "owed exactly where it is on disk"
        assert outbox.backlog().reports == len(visible)
        assert verify(audit_path(folder)).problem is None if audit_path(folder).exists() else not visible
        outbox.close()
        with_result += len(visible)
    assert 0 < with_result < len(cut), "cuts fell on both sides of the one step that makes it appear"


def test_a_result_is_wiped_whole_or_not_at_all_and_the_wipe_can_be_repeated(rehearse, full):
    from edge.privacy.wipe import wipe

    cut, uncut = rehearse("delete", stride=1 if full else 4)

    assert not results(uncut)
    for folder in cut:
        assert all(is_whole(p) for p in results(folder)), folder
        outbox = Outbox(outbox_path(folder), folder)
        wipe(folder, outbox, AuditLog(audit_path(folder)), reason="operator")
        assert not results(folder)
        assert outbox.backlog().reports == 0
        assert [p.name for p in folder.iterdir()] == [".latx"]
        assert verify(audit_path(folder)).problem is None
        outbox.close()


def test_the_rehearsal_sees_a_writer_that_is_not_atomic(tmp_path):
    """The same cuts, on a writer that writes in place: some of them must leave half a file."""
    program = f"""
import sys
sys.path.insert(0, {str(PROGRAM.parent)!r})
from pathlib import Path
from power_cut import rehearse

def prepare(folder):
    def deed():
        with (folder / "a").open("wb", buffering=0) as stream:
            stream.write(b"half")
            stream.write(b"half")
    return deed

rehearse(Path({str(tmp_path)!r}), prepare)
"""
    subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)

    contents = {(p / "a").read_bytes() for p in tmp_path.iterdir() if (p / "a").exists()}

    assert contents == {b"", b"half", b"halfhalf"}

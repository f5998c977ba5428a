"""The audit log: no line can be changed, taken out or added unseen, and a power cut is told from a forger."""

from __future__ import annotations

import json
import multiprocessing

import pytest

from edge.clock import ManualClock
from edge.errors import OutputError
from edge.privacy.audit import EVENTS, FIRST, AuditLog, digest, verify

SCAN = "20260102T030405678Z-0123abcd"


@pytest.fixture
def log(tmp_path):
    return AuditLog(tmp_path / "own" / "audit.jsonl", ManualClock())


def filled(log, count=5):
    for _ in range(count):
        log.record("result_stored", scan_id=SCAN)
    return log.path.read_bytes().splitlines(keepends=True)


def test_a_log_in_order_verifies_and_tells_its_head(log):
    heads = [log.record("started", version="1"), log.record("result_stored", scan_id=SCAN)]

    found = verify(log.path)

    assert (found.entries, found.head, found.problem) == (2, heads[-1], None)
    assert verify(log.path, expected_head=heads[0]).problem is None
    assert json.loads(log.path.read_text().splitlines()[0])["prev"] == FIRST


def test_only_its_owner_can_read_it(log):
    log.record("started", version="1")

    assert log.path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("forge", [
    lambda lines: [*lines[:2], lines[2].replace(b"result_stored", b"result_delete"), *lines[3:]],
    lambda lines: [*lines[:2], *lines[3:]],
    lambda lines: [lines[1], lines[0], *lines[2:]],
    lambda lines: [*lines[:3], lines[2], *lines[3:]],
    lambda lines: lines[1:],
    lambda lines: [*lines[:2], b"\n", *lines[2:]],
    lambda lines: [*lines[:2], b"not an entry\n", *lines[2:]],
    lambda lines: [*lines, b"not an entry\n"],
    lambda lines: [*lines, b"{}\n"],
    lambda lines: [*lines[:-1], lines[-1][:-20]],
])
def test_every_forgery_is_found(log, forge):
    lines = filled(log)
    log.path.write_bytes(b"".join(forge(lines)))

    found = verify(log.path)

    assert found.problem
    assert found.line >= 1


def test_a_line_that_was_changed_with_its_own_hash_breaks_the_next_one(log):
    lines = filled(log)
    entry = json.loads(lines[2])
    entry["data"]["scan_id"] = "x"
    entry["hash"] = digest(entry)
    log.path.write_bytes(b"".join([*lines[:2], json.dumps(entry).encode() + b"\n", *lines[3:]]))

    found = verify(log.path)

    assert found.line == 4
    assert "does not follow" in found.problem


def test_lines_cut_off_at_the_end_are_found_by_a_head_that_was_noted(log):
    lines = filled(log)
    head = verify(log.path).head
    log.path.write_bytes(b"".join(lines[:3]))

    assert verify(log.path).problem is None, "nothing in the file itself can tell"
    assert "missing at its end" in verify(log.path, expected_head=head).problem


@pytest.mark.parametrize("kept", [1, 10, 100])
def test_half_a_line_of_a_power_cut_is_closed_and_told(log, kept):
    lines = filled(log, 3)
    log.path.write_bytes(b"".join(lines[:2]) + lines[2][:kept])
    assert "cut off" in verify(log.path).problem

    log.record("started", version="1")

    found = verify(log.path)
    assert (found.entries, found.problem) == (4, None)
    assert [json.loads(x)["event"] for x in log.path.read_text().splitlines()[-2:]] == ["log_recovered", "started"]


def write_many(path, count):
    for _ in range(count):
        AuditLog(path).record("command", verb="scan", status="ok")


def test_several_processes_write_one_chain(log):
    workers = [multiprocessing.get_context("fork").Process(target=write_many, args=(log.path, 20)) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    assert verify(log.path).entries == 60
    assert verify(log.path).problem is None


@pytest.mark.parametrize(("event", "data"), [("unheard_of", {}), ("result_stored", {"subject_ref": "ref-1"}),
                                             ("started", {"name": "x"})])
def test_what_has_no_row_is_not_written(log, event, data):
    with pytest.raises(ValueError, match="no row"):
        log.record(event, **data)
    assert not log.path.exists()


def test_no_row_has_room_for_a_person():
    fields = {field for row in EVENTS.values() for field in row}

    assert not fields & {"subject_ref", "subject", "name", "reference"}


def test_a_log_that_cannot_be_written_or_read_is_an_error_in_a_line(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="audit log cannot be written"):
        AuditLog(tmp_path / "file" / "audit.jsonl").record("started", version="1")
    with pytest.raises(OutputError, match="audit log cannot be read"):
        verify(tmp_path / "none")

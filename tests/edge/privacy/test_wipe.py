"""Wipe: what is meant goes, what is not stays, and the log says so."""

from __future__ import annotations

import json

import pytest

from edge.errors import OutputError
from edge.privacy.audit import AuditLog, verify
from edge.privacy.wipe import delete_result, results_in, wipe
from edge.sinks.outbox.outbox import Outbox

IDS = [f"20260102T03040{n}000Z-0000000{n}" for n in range(3)]


@pytest.fixture
def scans(tmp_path):
    folder = tmp_path / "scans"
    for number, scan_id in enumerate(IDS):
        (folder / scan_id).mkdir(parents=True)
        (folder / scan_id / "result.json").write_text(json.dumps({"subject_ref": f"ref-{number % 2}"}))
    (folder / ".partial-x").mkdir()
    (folder / "notes").mkdir()
    return folder


@pytest.fixture
def outbox(scans):
    box = Outbox(scans / ".latx" / "outbox.sqlite3", scans)
    for scan_id in IDS[1:]:
        box.queue(scan_id, 10)
    yield box
    box.close()


def test_everything_of_ours_goes_and_nothing_else(scans, outbox):
    audit = AuditLog(scans / ".latx" / "audit.jsonl")

    done = wipe(scans, outbox, audit, reason="operator")

    assert (done.results, done.queued, done.leftovers) == (3, 2, 1)
    assert sorted(p.name for p in scans.iterdir()) == [".latx", "notes"]
    assert outbox.backlog().reports == 0
    assert verify(audit.path).problem is None
    assert audit.path.read_text().count("result_deleted") == 3


@pytest.mark.parametrize(("which", "left"), [({"scan_id": IDS[0]}, IDS[1:]), ({"subject_ref": "ref-1"}, IDS[::2]),
                                             ({"subject_ref": "ref-9"}, IDS), ({"scan_id": "none"}, IDS)])
def test_a_choice_deletes_what_matches_only(scans, outbox, which, left):
    wipe(scans, outbox, None, reason="command", **which)

    assert [p.name for p in results_in(scans)] == left
    assert (scans / ".partial-x").exists()


def test_the_log_does_not_name_the_subject_that_was_wiped(scans, outbox):
    audit = AuditLog(scans / ".latx" / "audit.jsonl")

    wipe(scans, outbox, audit, reason="command", subject_ref="ref-1")

    assert "ref-1" not in audit.path.read_text()


def test_a_result_that_is_not_there_is_no_error(scans):
    assert delete_result(scans, IDS[0])
    assert not delete_result(scans, IDS[0])


def test_a_result_that_cannot_be_deleted_is_an_error_in_a_line(scans, monkeypatch):
    def denied(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("os.rename", denied)

    with pytest.raises(OutputError, match="cannot be deleted"):
        delete_result(scans, IDS[0])

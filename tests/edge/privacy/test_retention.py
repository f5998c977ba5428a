"""Retention: old results go, young ones stay, and a clock that leaps deletes nothing before its time."""

from __future__ import annotations

import json
import os

import pytest

from edge.clock import ManualClock
from edge.privacy.audit import AuditLog, verify
from edge.privacy.retention import Retention
from edge.privacy.settings import PrivacySettings
from edge.sinks.outbox.outbox import Outbox

DAY_S = 86_400
OLD, YOUNG = "20260101T000000000Z-00000001", "20260120T000000000Z-00000002"


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
def write(tmp_path, clock):
    def result(scan_id, synced=True):
        folder = tmp_path / scan_id
        folder.mkdir()
        (folder / "result.json").write_text(json.dumps({"clock_synced": synced}))
        now = clock.now_ns() / 1e9
        os.utime(folder / "result.json", (now, now))
        os.utime(folder, (now, now))
        return folder

    return result


def test_results_past_their_time_leave_the_disk_and_the_queue(tmp_path, clock, write):
    old = write(OLD)
    clock.advance(20 * DAY_S)
    young = write(YOUNG)
    (tmp_path / "notes.txt").write_text("stays")
    outbox = Outbox(tmp_path / "own.sqlite3", tmp_path, clock=clock)
    outbox.queue(OLD, 1)
    audit = AuditLog(tmp_path / "audit.jsonl", clock)
    clock.advance(11 * DAY_S)

    gone = Retention(tmp_path, PrivacySettings(retention_days=30), outbox, audit, clock, lambda: True).sweep()

    assert gone == 1
    assert not old.exists()
    assert young.exists()
    assert (tmp_path / "notes.txt").exists()
    assert outbox.backlog().reports == 0
    assert '"reason":"retention"' in audit.path.read_text()
    assert verify(audit.path).problem is None


def test_it_looks_when_it_is_due_only(tmp_path, clock, write):
    retention = Retention(tmp_path, PrivacySettings(retention_days=1, retention_check_s=3600), clock=clock,
                          synced=lambda: True)
    retention.tick()
    write(OLD)
    clock.advance(3599)
    os.utime(tmp_path / OLD, (0, 0))
    assert retention.tick() == 0
    clock.advance(1)

    assert retention.tick() == 1


def test_results_are_kept_for_ever_where_so_configured(tmp_path, clock, write):
    write(OLD)
    clock.advance(9999 * DAY_S)

    assert Retention(tmp_path, PrivacySettings(retention_days=None), clock=clock, synced=lambda: True).tick() == 0


def test_a_kiosk_that_never_hears_of_the_time_deletes_all_the_same(tmp_path, clock, write):
    folder = write(OLD, synced=False)
    retention = Retention(tmp_path, PrivacySettings(retention_days=30), clock=clock, synced=lambda: False)
    clock.advance(29 * DAY_S)
    assert retention.sweep() == 0
    clock.advance(2 * DAY_S)

    assert retention.sweep() == 1
    assert not folder.exists()


def test_a_result_from_a_wrong_clock_starts_to_age_when_it_is_right(tmp_path, clock, write):
    folder = write(OLD, synced=False)
    clock.advance(9999 * DAY_S)  # the network comes, and with it the year
    retention = Retention(tmp_path, PrivacySettings(retention_days=30), clock=clock, synced=lambda: True)
    assert retention.sweep() == 0
    clock.advance(29 * DAY_S)
    assert retention.sweep() == 0
    assert folder.exists()

    clock.advance(2 * DAY_S)

    assert retention.sweep() == 1


def test_a_result_that_cannot_be_read_is_deleted_in_its_time_all_the_same(tmp_path, clock, write):
    folder = write(OLD)
    (folder / "result.json").write_text("{")
    os.utime(folder / "result.json", (0, 0))
    clock.advance(31 * DAY_S)

    assert Retention(tmp_path, PrivacySettings(retention_days=30), clock=clock, synced=lambda: True).sweep() == 1

"""The outbox: bounded, in order, and never emptied by a clock that is wrong."""

from __future__ import annotations

import pytest

from edge.clock import ManualClock
from edge.errors import OutputError
from edge.sinks.disk import DiskSink
from edge.sinks.outbox.outbox import Outbox
from edge.sinks.outbox.settings import OutboxSettings
from edge.sinks.outbox.sink import QueuedSink

DAY_S = 86_400
IDS = [f"20260102T03040{n}000Z-0000000{n}" for n in range(6)]


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
def make(tmp_path, clock):
    boxes = []

    def outbox(synced=lambda: True, free=10**12, **settings):
        boxes.append(Outbox(tmp_path / "own" / "outbox.sqlite3", tmp_path / "scans", OutboxSettings(**settings), clock,
                            synced, lambda _: free))
        return boxes[-1]

    yield outbox
    for box in boxes:
        box.close()


def test_reports_leave_in_the_order_in_which_they_came(make, clock):
    box = make()
    for scan_id in reversed(IDS):
        box.queue(scan_id, 10)
        clock.advance(1)

    assert [e.scan_id for e in box.due(3)] == [IDS[5], IDS[4], IDS[3]]
    assert [e.scan_id for e in box.due(2, leave_out={IDS[5], IDS[3]})] == [IDS[4], IDS[2]]


def test_what_was_committed_is_there_after_a_restart(make):
    box = make()
    box.queue(IDS[0], 10)
    box.parts_sent(IDS[0])
    box.close()

    (entry,) = make().due(5)

    assert (entry.scan_id, entry.bytes, entry.parts_sent) == (IDS[0], 10, True)


def test_it_is_as_durable_as_sqlite_can_be(make):
    box = make()

    modes = [box._database.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous")]

    assert modes == ["wal", 2], "WAL, and synchronous FULL"


def test_a_full_queue_and_a_full_disk_refuse_the_next_scan_and_say_why(make):
    assert make().room().ok
    full_disk = make(free=400_000_000).room()
    box = make(max_mb=3.0)
    box.queue(IDS[0], 2_500_000)

    assert not full_disk.ok
    assert "400 MB free, 500 MB reserved" in full_disk.reason
    assert not box.room().ok
    assert "1 reports (2 MB) wait" in box.room().reason


def test_without_room_nothing_is_measured_into_the_void(make, tmp_path, reports):
    sink = QueuedSink(DiskSink(tmp_path / "scans"), make(free=0))

    with pytest.raises(OutputError, match=r"no room.*the disk is full"):
        sink.accept(reports(1))

    assert list((tmp_path / "scans").iterdir()) == []


def test_a_report_that_cannot_be_queued_is_as_if_it_had_never_been(make, tmp_path, reports, monkeypatch):
    box = make()
    sink = QueuedSink(DiskSink(tmp_path / "scans"), box)

    def fail(*_):
        raise OutputError("the outbox cannot be written")

    monkeypatch.setattr(box, "queue", fail)
    with pytest.raises(OutputError):
        sink.accept(reports(1))

    assert list((tmp_path / "scans").iterdir()) == []
    assert box.recover() == []


def test_a_database_that_cannot_grow_is_an_error_in_a_line_and_keeps_what_it_has(make):
    box = make()
    box.queue(IDS[0], 10)
    box._database.execute("PRAGMA max_page_count = 2")  # SQLITE_FULL from here on, as from a full disk

    def flood():
        for number in range(1000):
            box.queue(f"20260102T030400{number:03d}Z-00000000", 10)

    with pytest.raises(OutputError, match=r"the outbox cannot be written.*full"):
        flood()

    assert box.due(1)[0].scan_id == IDS[0]


def test_old_reports_are_no_longer_sent(make, clock):
    box = make(max_age_days=7)
    box.queue(IDS[0], 10)
    clock.advance(5 * DAY_S)
    box.queue(IDS[1], 10)
    clock.advance(3 * DAY_S)

    assert box.expire() == [IDS[0]]
    assert [e.scan_id for e in box.due(5)] == [IDS[1]]


def test_a_clock_that_was_wrong_throws_nothing_away(make, clock):
    right = [False]
    box = make(synced=lambda: right[0], max_age_days=7)
    box.queue(IDS[0], 10)
    clock.advance(3650 * DAY_S)  # the network comes, and with it the year

    assert box.expire() == []
    right[0] = True
    assert box.expire() == []
    clock.advance(8 * DAY_S)
    assert box.expire() == [IDS[0]]


def test_an_intention_is_settled_by_what_lies_on_the_disk(make, tmp_path):
    box = make()
    box.intend(IDS[0])
    box.intend(IDS[1])
    (tmp_path / "scans" / IDS[1]).mkdir()
    (tmp_path / "scans" / IDS[1] / "result.json").write_bytes(b"12345")
    assert box.due(5) == []

    assert box.recover() == [IDS[1]]

    assert [(e.scan_id, e.bytes) for e in box.due(5)] == [(IDS[1], 5)]


@pytest.mark.parametrize("damage", [b"no database at all, but long enough to look like a page" * 50, b"\x00" * 4096])
def test_a_damaged_queue_is_set_aside_and_everything_is_owed_again(make, tmp_path, damage):
    make().close()
    for scan_id in IDS[:2]:
        (tmp_path / "scans" / scan_id).mkdir()
    (tmp_path / "scans" / "not a result").mkdir()
    (tmp_path / "own" / "outbox.sqlite3").write_bytes(damage)
    for suffix in ("-wal", "-shm"):
        (tmp_path / "own" / f"outbox.sqlite3{suffix}").unlink(missing_ok=True)

    box = make()

    assert box.rebuilt
    assert sorted(e.scan_id for e in box.due(5)) == IDS[:2]
    assert len(list((tmp_path / "own").glob("outbox.sqlite3.damaged-*"))) == 1


def test_a_cleared_queue_keeps_no_trace_of_ids_in_its_files(make, tmp_path):
    box = make()
    for scan_id in IDS:
        box.queue(scan_id, 10)

    assert box.clear() == len(IDS)

    assert all(scan_id.encode() not in path.read_bytes() for path in (tmp_path / "own").iterdir() for scan_id in IDS)


def test_a_folder_that_cannot_be_made_is_an_error_in_a_line(tmp_path):
    (tmp_path / "file").write_text("")

    with pytest.raises(OutputError, match="the outbox cannot be opened"):
        Outbox(tmp_path / "file" / "outbox.sqlite3", tmp_path / "scans")


def test_two_processes_may_hold_it_at_once(make):
    daemon, wipe = make(), make()
    daemon.queue(IDS[0], 10)

    assert wipe.remove(IDS[0])

    assert daemon.backlog().reports == 0

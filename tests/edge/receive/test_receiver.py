"""The nurse's PC: what comes off the broker is whole, once, and answered."""

from __future__ import annotations

import json

import pytest

from edge.errors import OutputError, ServiceError
from edge.receive.store import ReportStore
from edge.sinks.mqtt.publisher import Message
from edge.sinks.mqtt.report_message import pack, scan_messages
from edge.sinks.mqtt.topics import Topics


def message(report, device="device-1"):
    return scan_messages(Topics("spine", device), report.result.scan_id, report.files, "report", 1_000_000).owed


def receipts(broker):
    return [json.loads(m.payload) for m in broker.log if m.topic.endswith("/receipt")]


def test_a_report_becomes_the_devices_folder_and_a_receipt(broker, receive, reports, tmp_path, eventually):
    receive()
    report = reports(1)

    broker.route(message(report))

    (receipt,) = eventually(lambda: receipts(broker))
    folder = tmp_path / "in" / report.result.scan_id
    assert {p.name: p.read_bytes() for p in folder.iterdir()} == report.files
    assert (receipt["status"], receipt["id"], receipt["receiver"]) == ("stored", report.result.scan_id, "nurse")


def test_what_comes_twice_is_kept_once_and_answered_twice(broker, receive, reports, tmp_path, eventually):
    receiver, report = receive(), reports(1)

    broker.route(message(report))
    broker.route(message(report))

    eventually(lambda: len(receiver.arrivals) == 2)
    assert [r["status"] for r in receipts(broker)] == ["stored", "duplicate"]
    assert len(list((tmp_path / "in").iterdir())) == 1


def other_radiograph(files):
    return {**files, "radiograph.png": files["radiograph.png"] + b"x"}


def other_name(files):
    return {**files, "colour.png": b"x"}


def upwards(files):
    return {**files, "../escape": b"x"}


def no_record(files):
    return {"radiograph.png": files["radiograph.png"]}


def broken_record(files):
    return {**files, "result.json": files["result.json"][:-40]}


@pytest.mark.parametrize("spoil", [other_radiograph, other_name, upwards, no_record, broken_record])
def test_a_spoilt_report_is_refused_with_a_receipt_and_leaves_nothing(broker, receive, reports, tmp_path, eventually,
                                                                      spoil):
    receiver, report = receive(), reports(1)
    good = message(report)

    broker.route(Message(good.topic, pack(spoil(report.files)), properties=good.properties))
    after = reports(2)
    broker.route(message(after))

    eventually(lambda: len(receiver.arrivals) == 2)
    assert [r["status"] for r in receipts(broker)] == ["refused", "stored"]
    assert [p.name for p in (tmp_path / "in").iterdir()] == [after.result.scan_id]
    assert not (tmp_path / "escape").exists()


@pytest.mark.parametrize("payload", [b"", b"PK\x03\x04", b"\x00" * 1000])
def test_what_is_no_report_at_all_is_passed_over(broker, receive, payload, eventually):
    receiver = receive()

    broker.route(Message("spine/device-1/report", payload))

    (arrival,) = eventually(lambda: receiver.arrivals)
    assert arrival.status == "refused"
    assert receiver.failure is None
    assert receipts(broker) == []


def test_a_compressed_bomb_is_refused_unopened(broker, receive, eventually):
    import io
    import zipfile

    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("result.json", b"0" * 5_000_000)
    receiver = receive()

    broker.route(Message("spine/device-1/report", stream.getvalue()))

    assert "compressed" in eventually(lambda: receiver.arrivals)[0].error


def test_a_device_cannot_report_for_another(broker, receive, reports, eventually):
    receiver = receive()

    broker.route(message(reports(1, "device-1"), "device-2"))

    assert "another device" in eventually(lambda: receiver.arrivals)[0].error


def test_another_record_under_a_known_id_is_refused_and_the_first_stays(broker, receive, reports, tmp_path, eventually):
    receiver, report = receive(), reports(1)
    broker.route(message(report))
    record = json.loads(report.files["result.json"])
    record["subject_ref"] = "ref-99"
    forged = {**report.files, "result.json": json.dumps(record).encode()}
    broker.route(Message("spine/device-1/report", pack(forged)))

    eventually(lambda: len(receiver.arrivals) == 2)

    assert receiver.arrivals[1].status == "refused"
    assert (tmp_path / "in" / report.result.scan_id / "result.json").read_bytes() == report.files["result.json"]


def test_receivers_of_a_group_share_reports_and_each_report_is_whole(broker, receive, reports, tmp_path, eventually):
    first, second = receive("a", "in-a", "nurses"), receive("b", "in-b", "nurses")
    sent = [reports(n) for n in range(8)]

    for report in sent:
        broker.route(message(report))

    eventually(lambda: len(first.arrivals) + len(second.arrivals) == 8)
    folders = [*(tmp_path / "in-a").iterdir(), *(tmp_path / "in-b").iterdir()]
    assert sorted(p.name for p in folders) == sorted(r.result.scan_id for r in sent)
    assert all(len(list(p.iterdir())) == 3 for p in folders)
    assert first.arrivals
    assert second.arrivals


def test_two_receivers_on_one_folder_keep_a_repeated_report_once(broker, receive, reports, tmp_path, eventually):
    first, second = receive("a", "in"), receive("b", "in")
    for number in range(5):
        broker.route(message(reports(number)))

    eventually(lambda: len(first.arrivals) + len(second.arrivals) == 10)

    statuses = [a.status for a in first.arrivals + second.arrivals]
    assert (statuses.count("stored"), statuses.count("duplicate")) == (5, 5)


def test_a_report_that_cannot_be_written_stays_at_the_broker(broker, receive, reports, tmp_path, eventually):
    class FullStore(ReportStore):
        def keep(self, *_):
            raise OutputError("the disk is full")

    receiver = receive(store=FullStore(tmp_path / "in"))
    report = reports(1)
    broker.route(message(report))
    eventually(lambda: receiver.failure)
    assert isinstance(receiver.failure, OutputError)
    assert receipts(broker) == []

    again = receive()

    eventually(lambda: [a.status for a in again.arrivals] == ["stored"])


def test_a_receiver_comes_back_with_the_broker(broker, receive, reports, eventually):
    receiver = receive()
    broker.stop()
    eventually(lambda: not receiver.is_connected.is_set())
    broker.start()
    assert receiver.is_connected.wait(5)

    broker.route(message(reports(1)))

    eventually(lambda: receiver.arrivals)


def test_a_broker_that_stays_away_ends_it_when_so_told(broker, receive, eventually):
    broker.stop()

    receiver = receive(give_up_s=0.05)

    assert isinstance(eventually(lambda: receiver.failure), ServiceError)

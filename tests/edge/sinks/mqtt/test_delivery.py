"""Reports on their way: windows, answers, repetitions, without threads and with a clock that is turned by hand."""

from __future__ import annotations

import pytest

from edge.clock import ManualClock
from edge.sinks.disk import DiskSink
from edge.sinks.mqtt.delivery import RETRY_FIRST_S, RETRY_LIMIT_S, STUBBORN, Delivery
from edge.sinks.mqtt.publisher import NO_SUBSCRIBER, Disconnected
from edge.sinks.mqtt.receipt import Receipt
from edge.sinks.mqtt.settings import MqttSettings
from edge.sinks.mqtt.topics import Topics
from edge.sinks.outbox.outbox import Outbox
from edge.sinks.outbox.sink import QueuedSink


@pytest.fixture
def rig(tmp_path, reports, wire):
    clock = ManualClock()
    outbox = Outbox(tmp_path / "own" / "outbox.sqlite3", tmp_path / "scans", clock=clock)
    sink = QueuedSink(DiskSink(tmp_path / "scans"), outbox)
    settled = []

    class Rig:
        def __init__(self):
            self.clock, self.outbox, self.settled, self.wire = clock, outbox, settled, wire

        def deliver(self, **settings):
            self.delivery = Delivery(outbox, Topics("spine", "device-1"), MqttSettings(**settings), clock,
                                     lambda *what: settled.append(what))
            return self.delivery

        def queue(self, count):
            ids = []
            for number in range(count):
                ids.append(sink.accept(reports(number)).name)
                clock.advance(1)
            return ids

        def fill(self):
            self.delivery.fill(self.wire.publish, None)

        def answer_all(self, code=0):
            for token in range(1, len(self.wire.sent) + 1):
                self.delivery.acknowledged(token, code)

    yield Rig()
    outbox.close()


def test_no_more_reports_are_out_than_configured(rig):
    rig.queue(5)
    rig.deliver(in_flight=2, send="report")

    rig.fill()
    rig.fill()
    assert rig.wire.kinds() == ["report"] * 2
    rig.delivery.acknowledged(1, 0)
    rig.fill()

    assert rig.wire.kinds() == ["report"] * 3


def test_a_report_is_delivered_when_all_its_messages_are_acknowledged(rig):
    (scan_id,) = rig.queue(1)
    rig.deliver()
    rig.fill()
    assert rig.wire.kinds() == ["radiograph", "result", "report"]

    rig.delivery.acknowledged(3, 0)
    rig.delivery.acknowledged(1, NO_SUBSCRIBER)
    assert rig.settled == []
    rig.delivery.acknowledged(2, 0)

    assert rig.settled == [(scan_id, "delivered")]
    assert rig.outbox.backlog().reports == 0


@pytest.mark.parametrize("code", [NO_SUBSCRIBER, 0x87, 0x97])
def test_a_report_that_nobody_takes_is_tried_again_more_and_more_slowly_and_alone(rig, code):
    rig.queue(3)
    rig.deliver(send="report")
    rig.fill()
    rig.answer_all(code)
    assert rig.delivery.problem

    rig.fill()
    assert len(rig.wire.sent) == 3, "not at once"
    rig.clock.advance(RETRY_LIMIT_S)
    rig.fill()
    assert len(rig.wire.sent) == 4, "one, to find out"
    rig.delivery.acknowledged(4, 0)
    rig.fill()

    assert len(rig.wire.sent) == 6
    assert rig.delivery.problem is None


def test_the_wait_begins_short(rig):
    rig.queue(1)
    rig.deliver(send="report")
    rig.fill()
    rig.answer_all(NO_SUBSCRIBER)

    assert rig.delivery.next_due_s() == pytest.approx(RETRY_FIRST_S)


def test_a_repetition_does_not_repeat_the_parts(rig):
    rig.queue(1)
    rig.deliver()
    rig.fill()
    rig.delivery.acknowledged(1, 0)
    rig.delivery.acknowledged(2, 0)
    rig.delivery.acknowledged(3, NO_SUBSCRIBER)
    rig.clock.advance(RETRY_LIMIT_S)

    rig.fill()

    assert rig.wire.kinds() == ["radiograph", "result", "report", "report"]


def test_after_a_loss_everything_unacknowledged_is_sent_again(rig):
    rig.queue(2)
    rig.deliver(send="report")
    rig.fill()

    rig.delivery.lost()
    rig.delivery.acknowledged(1, 0)  # too late: it belongs to a connection that is gone
    assert rig.outbox.backlog().reports == 2
    rig.fill()

    assert len(rig.wire.sent) == 4


def test_a_report_that_breaks_every_connection_lets_others_go_first(rig):
    first, second = rig.queue(2)
    rig.deliver(send="report", in_flight=1)
    for _ in range(STUBBORN):
        rig.fill()
        rig.delivery.lost()

    rig.fill()

    ids = [dict(m.properties)["id"] for m in rig.wire.sent]
    assert ids == [first] * STUBBORN + [second]


def test_a_broken_wire_leaves_the_report_in_the_outbox(rig):
    rig.queue(1)
    rig.deliver()
    rig.wire.broken = True

    with pytest.raises(Disconnected):
        rig.fill()
    rig.delivery.lost()
    rig.wire.broken = False
    rig.fill()
    rig.answer_all()

    assert len(rig.settled) == 1


def test_without_a_receipt_a_report_is_sent_again_in_time_and_with_one_never(rig):
    (scan_id,) = rig.queue(1)
    rig.deliver(send="report", remove_after="receipt", receipt_timeout_s=30)
    rig.fill()
    rig.answer_all()
    rig.fill()
    assert len(rig.wire.sent) == 1
    rig.clock.advance(31)
    rig.fill()
    assert len(rig.wire.sent) == 2

    rig.delivery.receipt(Receipt(id=scan_id, status="duplicate", receiver="nurse"))
    rig.answer_all()
    rig.clock.advance(1000)
    rig.fill()

    assert len(rig.wire.sent) == 2
    assert rig.settled == [(scan_id, "receipt")]
    assert rig.delivery.next_due_s() is None, "nothing is left to wait for"


def test_parts_alone_are_owed_where_no_report_is_sent(rig):
    rig.queue(1)
    rig.deliver(send="parts")
    rig.fill()

    rig.answer_all()

    assert rig.wire.kinds() == ["radiograph", "result"]
    assert rig.settled

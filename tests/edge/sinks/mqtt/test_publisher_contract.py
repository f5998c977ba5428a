"""What a connection to a broker promises, asked of the stand-in and of paho on a real mosquitto."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from edge.sinks.mqtt.memory import MemoryBroker, MemoryPublisher
from edge.sinks.mqtt.paho_publisher import PahoPublisher
from edge.sinks.mqtt.publisher import NO_SUBSCRIBER, Disconnected, Message
from edge.sinks.mqtt.settings import BrokerSettings

WILL = Message("spine/a/availability", b"offline", 1, True)


class Line:
    """A connection on a thread of its own, and all that it was told."""

    def __init__(self, publisher, filters=(), will=None):
        self.publisher, self.granted, self.messages, self.codes, self.ended = publisher, [], [], {}, None
        self._thread = threading.Thread(target=self._serve, args=(tuple(filters), will), daemon=True)
        self._thread.start()

    def _serve(self, filters, will):
        try:
            self.publisher.serve(self, filters, will)
            self.ended = "closed"
        except Disconnected as why:
            self.ended = str(why)

    def connected(self, granted):
        self.granted.append(granted)

    def received(self, message):
        self.messages.append(message)

    def acknowledged(self, token, code):
        self.codes[token] = code

    def close(self):
        self.publisher.close(2.0)
        self._thread.join(5)


class MemorySide:
    def __init__(self):
        self.broker = MemoryBroker()
        self.cut = self.broker.stop
        self.back = self.broker.start

    def publisher(self, name, keep=False, manual=False):
        return MemoryPublisher(self.broker, name, keep_session=keep, manual_ack=manual)


class RealSide:
    def __init__(self, mosquitto):
        self.broker = mosquitto
        self.back = mosquitto.start
        self.settings = BrokerSettings(port=mosquitto.port)

    def cut(self):
        self.broker.stop()

    def publisher(self, name, keep=False, manual=False):
        return PahoPublisher(self.settings, name, session_expiry_s=1000 * keep, manual_ack=manual)


@pytest.fixture(params=["memory", "mosquitto"])
def side(request):
    return MemorySide() if request.param == "memory" else RealSide(request.getfixturevalue("mosquitto"))


@pytest.fixture
def line(side, eventually):
    lines = []

    def make(name, filters=(), will=None, **more):
        lines.append(Line(side.publisher(name, **more), filters, will))
        eventually(lambda: lines[-1].granted or lines[-1].ended)
        return lines[-1]

    yield make
    for one in lines:
        one.close()


def test_a_message_arrives_with_all_that_it_carries(line, eventually):
    hearer, sayer = line("hearer", ["spine/+/x"]), line("sayer")
    message = Message("spine/a/x", b"\x00payload", 1, False, "text/plain", "answer/here", b"\x01\xff", (("id", "7"),))

    token = sayer.publisher.publish(message)

    (heard,) = eventually(lambda: hearer.messages)
    assert replace(heard, handle=0) == message
    assert eventually(lambda: sayer.codes) == {token: 0}


def test_the_sender_learns_that_nobody_subscribes(line, eventually):
    sayer = line("sayer")

    token = sayer.publisher.publish(Message("spine/a/nobody", b"x"))

    assert eventually(lambda: sayer.codes) == {token: NO_SUBSCRIBER}


def test_subscriptions_stand_when_the_connection_is_told(line, eventually):
    sayer = line("sayer")
    hearer = line("hearer", ["spine/a/x"])

    token = sayer.publisher.publish(Message("spine/a/x", b"x"))

    assert eventually(lambda: sayer.codes) == {token: 0}
    eventually(lambda: hearer.messages)


def test_a_retained_message_is_seen_as_such_by_old_and_new_subscribers(line, eventually):
    before, sayer = line("before", ["spine/a/x"]), line("sayer")
    sayer.publisher.publish(Message("spine/a/x", b"x", retain=True))
    eventually(lambda: sayer.codes)

    after = line("after", ["spine/a/x"])

    assert eventually(lambda: before.messages)[0].retain
    assert eventually(lambda: after.messages)[0].retain


def test_a_goodbye_leaves_no_will_and_a_broken_connection_does(side, line, eventually):
    hearer = line("hearer", ["spine/a/availability"])
    polite = line("polite", will=WILL)
    polite.close()
    assert polite.ended == "closed"

    rude = line("rude", will=WILL)
    rude2 = line("rude")  # the same client again: the broker cuts the first one off

    assert eventually(lambda: rude.ended) not in (None, "closed")
    assert [m.payload for m in eventually(lambda: hearer.messages)] == [b"offline"]
    assert rude2.ended is None


def test_a_lost_connection_is_told_and_publishing_is_refused(side, line, eventually):
    sayer = line("sayer")

    side.cut()

    assert eventually(lambda: sayer.ended) != "closed"
    with pytest.raises(Disconnected):
        sayer.publisher.publish(Message("spine/a/x", b"x"))


def test_an_absent_broker_is_an_answer_and_not_a_wait(side, line):
    side.cut()

    assert "cannot reach" in line("sayer").ended


def test_a_kept_session_gets_what_came_while_it_was_away(side, line, eventually):
    line("hearer", ["spine/a/x"], keep=True).close()
    sayer = line("sayer")
    sayer.publisher.publish(Message("spine/a/x", b"meanwhile"))
    eventually(lambda: sayer.codes)

    again = line("hearer", ["spine/a/x"], keep=True)

    assert again.granted[0].resumed
    assert [m.payload for m in eventually(lambda: again.messages)] == [b"meanwhile"]


def test_what_was_not_taken_by_hand_comes_again(line, eventually):
    hearer, sayer = line("hearer", ["spine/a/x"], keep=True, manual=True), line("sayer")
    sayer.publisher.publish(Message("spine/a/x", b"first"))
    sayer.publisher.publish(Message("spine/a/x", b"second"))
    eventually(lambda: len(hearer.messages) == 2)
    hearer.publisher.acknowledge(hearer.messages[0])
    hearer.close()

    again = line("hearer", ["spine/a/x"], keep=True, manual=True)

    assert [m.payload for m in eventually(lambda: again.messages)] == [b"second"]


def test_an_old_connections_handle_takes_nothing_from_a_new_one(line, eventually):
    hearer, sayer = line("hearer", ["spine/a/x"], keep=True, manual=True), line("sayer")
    sayer.publisher.publish(Message("spine/a/x", b"old"))
    (old,) = eventually(lambda: hearer.messages)
    publisher = hearer.publisher
    publisher.acknowledge(old)
    publisher.close(1.0)
    eventually(lambda: hearer.ended)
    again = line("hearer", ["spine/a/x"], keep=True, manual=True)
    sayer.publisher.publish(Message("spine/a/x", b"new"))
    eventually(lambda: again.messages)

    again.publisher.acknowledge(old)
    again.close()

    third = line("hearer", ["spine/a/x"], keep=True, manual=True)
    assert [m.payload for m in eventually(lambda: third.messages)] == [b"new"]


def test_members_of_a_group_share_and_others_get_everything(line, eventually):
    first, second = line("first", ["$share/g/spine/+/x"]), line("second", ["$share/g/spine/+/x"])
    other, sayer = line("other", ["spine/+/x"]), line("sayer")

    for number in range(6):
        sayer.publisher.publish(Message("spine/a/x", str(number).encode()))

    eventually(lambda: len(other.messages) == 6 and len(first.messages) + len(second.messages) == 6)
    assert {m.payload for m in first.messages}.isdisjoint(m.payload for m in second.messages)
    assert first.messages
    assert second.messages

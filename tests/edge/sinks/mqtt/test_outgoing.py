"""What a device says beside its reports: the newest state, few events lost, nothing piled up."""

from __future__ import annotations

import pytest

from edge.sinks.mqtt.outgoing import MAX_EVENTS, Outgoing, event_message
from edge.sinks.mqtt.publisher import Disconnected, Message

ONLINE = Message("a/availability", b"online", 1, True)


def event(number):
    return event_message("a/event", str(number).encode())


def drain(outgoing, wire):
    seen = 0
    outgoing.flush(wire.publish)
    while seen < len(wire.sent):
        seen = len(wire.sent)
        for token in range(1, seen + 1):
            outgoing.acknowledged(token)
        outgoing.flush(wire.publish)


def test_nothing_is_said_without_a_connection(wire):
    outgoing = Outgoing()
    outgoing.retain(Message("a/state", b"1", 1, True))

    outgoing.flush(wire.publish)

    assert wire.sent == []


def test_only_the_newest_of_a_retained_topic_is_said_and_online_comes_last(wire):
    outgoing = Outgoing()
    for value in (b"1", b"2", b"3"):
        outgoing.retain(Message("a/state", value, 1, True))
    outgoing.connected(ONLINE)

    outgoing.flush(wire.publish)

    assert [m.payload for m in wire.sent] == [b"3", b"online"]


def test_the_client_library_never_holds_more_than_a_window(wire):
    outgoing = Outgoing()
    outgoing.connected(ONLINE)
    for number in range(50):
        outgoing.event(event(number))

    outgoing.flush(wire.publish)
    first = len(wire.sent)
    drain(outgoing, wire)

    assert first == 8
    assert [m.payload for m in wire.sent[1:]] == [str(n).encode() for n in range(50)]
    assert outgoing.settled()


def test_an_event_that_was_not_acknowledged_is_said_again_after_a_loss(wire):
    outgoing = Outgoing()
    outgoing.connected(ONLINE)
    outgoing.event(event(1))
    outgoing.event(event(2))
    outgoing.flush(wire.publish)
    outgoing.acknowledged(2)

    outgoing.lost()
    outgoing.connected(ONLINE)
    outgoing.flush(wire.publish)

    assert [m.payload for m in wire.sent] == [b"online", b"1", b"2", b"online", b"2"]


def test_an_event_survives_the_wire_that_breaks_under_it(wire):
    outgoing = Outgoing()
    outgoing.connected(ONLINE)
    outgoing.flush(wire.publish)
    wire.broken = True
    outgoing.event(event(1))
    with pytest.raises(Disconnected):
        outgoing.flush(wire.publish)
    wire.broken = False

    outgoing.flush(wire.publish)

    assert wire.sent[-1].payload == b"1"


def test_too_many_events_give_way_from_the_oldest_and_are_counted():
    outgoing = Outgoing()
    for number in range(MAX_EVENTS + 3):
        outgoing.event(event(number))

    assert outgoing.dropped_events == 3


def test_replies_and_figures_are_for_those_who_listen_now(wire):
    outgoing = Outgoing()
    outgoing.passing(Message("a/stats", b"before", 0))
    outgoing.connected(ONLINE)
    outgoing.passing(Message("a/stats", b"now", 0))

    outgoing.flush(wire.publish)

    assert [m.payload for m in wire.sent] == [b"online", b"now"]


def test_of_pictures_only_the_newest_is_said_and_after_everything_else(wire):
    outgoing = Outgoing()
    outgoing.newest(Message("a/preview", b"before", 0))
    outgoing.connected(ONLINE)
    outgoing.newest(Message("a/preview", b"1", 0))
    outgoing.newest(Message("a/preview", b"2", 0))
    outgoing.event(event(7))

    assert not outgoing.settled()
    outgoing.flush(wire.publish)

    assert [m.payload for m in wire.sent] == [b"online", b"7", b"2"]


def test_a_picture_of_a_connection_that_was_lost_is_never_said(wire):
    outgoing = Outgoing()
    outgoing.connected(ONLINE)
    outgoing.newest(Message("a/preview", b"1", 0))
    outgoing.lost()
    outgoing.connected(ONLINE)

    outgoing.flush(wire.publish)

    assert wire.kinds() == ["availability"]

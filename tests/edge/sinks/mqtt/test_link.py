"""The link as the daemon sees it: over the stand-in, which can be told to fail, and over a real mosquitto."""

from __future__ import annotations

import json
import threading
import time

import pytest

from edge.sinks.disk import DiskSink
from edge.sinks.mqtt.commands import Reply
from edge.sinks.mqtt.link import MqttLink
from edge.sinks.mqtt.memory import MemoryBroker, MemoryPublisher
from edge.sinks.mqtt.outgoing import MAX_EVENTS
from edge.sinks.mqtt.publisher import Disconnected, Message
from edge.sinks.mqtt.receipt import Receipt
from edge.sinks.mqtt.settings import DiscoverySettings, MqttSettings
from edge.sinks.outbox.outbox import Outbox
from edge.sinks.outbox.sink import QueuedSink
from edge.sinks.places import outbox_path

QUICK = {"back_off_first_s": 0.01, "back_off_limit_s": 0.05}


class Listener:
    """Somebody else on the broker."""

    def __init__(self, publisher, *filters):
        self.publisher, self.heard, self.up = publisher, [], threading.Event()
        threading.Thread(target=self._serve, args=(filters,), daemon=True).start()
        assert self.up.wait(5)

    def _serve(self, filters):
        try:
            self.publisher.serve(self, filters, None)
        except Disconnected:
            return

    def connected(self, _granted):
        self.up.set()

    def received(self, message):
        self.heard.append(message)

    def acknowledged(self, token, code):
        pass

    def payloads(self, topic):
        return [m.payload for m in self.heard if m.topic == topic]


@pytest.fixture
def broker():
    return MemoryBroker()


@pytest.fixture
def outbox(tmp_path):
    box = Outbox(outbox_path(tmp_path / "scans"), tmp_path / "scans")
    yield box
    box.close()


@pytest.fixture
def sink(outbox):
    return QueuedSink(DiskSink(outbox.scans), outbox)


@pytest.fixture
def link(broker, outbox, reporter):
    links = []

    def make(on_command=lambda c: Reply.ok(verb=c.verb), settings=None, start=True, **more):
        publisher = more.pop("publisher", None) or MemoryPublisher(broker, "latx-edge-device-1")
        links.append(MqttLink(settings or MqttSettings(**QUICK), reporter.DEVICE, outbox, on_command,
                              publisher=publisher, **more))
        if start:
            links[-1].start()
        return links[-1]

    yield make
    for one in links:
        assert one.stop(3.0)


@pytest.fixture
def host(broker):
    return lambda *filters: Listener(MemoryPublisher(broker, f"host-{len(broker.log)}-{filters}"), *filters)


def test_it_subscribes_says_what_is_retained_and_only_then_that_it_is_online(broker, link, eventually):
    one = link(start=False)
    one.publish_state({"state": "idle"})
    one.start()

    eventually(lambda: "spine/device-1/availability" in broker.retained)

    topics = [m.topic.rpartition("/")[2] for m in broker.log]
    assert topics == ["info", "state", "availability"]
    assert broker.retained["spine/device-1/availability"].payload == b"online"
    info = json.loads(broker.retained["spine/device-1/info"].payload)
    assert info["device"] == "device-1"
    assert {"scan", "wipe"} <= set(info["verbs"])


def test_a_broken_connection_says_offline_and_the_next_one_says_everything_again(broker, link, eventually):
    one = link()
    one.publish_state({"state": "scanning"})
    eventually(lambda: one.status.connected)
    broker.stop(forget=True)
    eventually(lambda: not one.status.connected)
    assert "broker" in one.status.problem
    broker.start()

    eventually(lambda: broker.retained.get("spine/device-1/availability"))

    assert json.loads(broker.retained["spine/device-1/state"].payload)["state"] == "scanning"
    assert one.status.connections == 2


def test_a_stop_in_good_order_says_offline_itself(broker, link, eventually):
    one = link()
    eventually(lambda: one.status.connected)

    assert one.stop(3.0)

    assert broker.retained["spine/device-1/availability"].payload == b"offline"
    assert broker.retained["spine/device-1/availability"].retain


def test_a_refused_connection_is_no_connection(broker, link, eventually):
    broker.refuse_with = "not authorized"

    one = link()

    eventually(lambda: "not authorized" in (one.status.problem or ""))
    assert not one.status.connected
    assert not broker.log


def test_reports_wait_for_the_broker_and_leave_when_a_subscriber_gets_them(broker, link, host, sink, outbox, reports,
                                                                            eventually):
    report = reports(1)
    sink.accept(report)
    one = link()
    eventually(lambda: one.status.problem == "nobody has subscribed to reports")
    assert outbox.backlog().reports == 1, "nobody has it yet"

    receiver = host("spine/+/report")

    eventually(lambda: outbox.backlog().reports == 0)
    (message,) = receiver.heard
    assert dict(message.properties)["id"] == report.result.scan_id
    assert [m.topic.rpartition("/")[2] for m in broker.log if "device-1/r" in m.topic].count("result") == 1


def test_a_lost_acknowledgement_sends_the_report_again_under_the_same_id(broker, link, host, sink, outbox, reports,
                                                                         eventually):
    receiver = host("spine/+/report")
    broker.swallow_acknowledgements = 10**6
    one = link()
    sink.accept(reports(1))
    eventually(lambda: receiver.heard)
    assert outbox.backlog().reports == 1

    broker.stop()
    broker.swallow_acknowledgements = 0
    broker.start()
    again = host("spine/+/report")

    eventually(lambda: outbox.backlog().reports == 0)
    assert dict(again.heard[0].properties)["id"] == dict(receiver.heard[0].properties)["id"]
    assert one.status.delivered == 1


def test_with_receipts_only_a_receipt_empties_the_outbox_and_may_delete_the_folder(link, host, sink, outbox, reports,
                                                                                   eventually):
    settings = MqttSettings(**QUICK, remove_after="receipt", delete_after_receipt=True, send="report")
    one, receiver = link(settings=settings), host("spine/+/report")
    folder = sink.accept(reports(1))
    eventually(lambda: receiver.heard)
    time.sleep(0.1)
    assert outbox.backlog().reports == 1
    assert folder.exists()

    receipt = Receipt(id=folder.name, status="stored", receiver="nurse").model_dump_json().encode()
    receiver.publisher.publish(Message("spine/device-1/receipt", receipt))

    eventually(lambda: outbox.backlog().reports == 0 and not folder.exists())
    assert one.status.delivered == 1


def test_a_refused_receipt_keeps_the_report_and_is_told(link, host, sink, outbox, reports, eventually):
    settings = MqttSettings(**QUICK, remove_after="receipt")
    one, receiver = link(settings=settings), host("spine/+/report")
    folder = sink.accept(reports(1))
    eventually(lambda: receiver.heard)

    refusal = Receipt(id=folder.name, status="refused", receiver="nurse", error="no").model_dump_json().encode()
    receiver.publisher.publish(Message("spine/device-1/receipt", refusal))

    eventually(lambda: "refuses" in (one.status.problem or ""))
    assert outbox.backlog().reports == 1


def test_receipts_that_are_none_change_nothing(link, host, sink, outbox, reports, eventually):
    settings = MqttSettings(**QUICK, remove_after="receipt")
    link(settings=settings)
    receiver = host("spine/+/report", "spine/device-1/cmd/response/#")
    folder = sink.accept(reports(1))
    eventually(lambda: receiver.heard)
    good = Receipt(id=folder.name, status="stored", receiver="nurse").model_dump_json().encode()

    for payload in (b"", b"{}", b"\xff", good.replace(b"stored", b"eaten"), good[:-1], b"x" * 10_000):
        receiver.publisher.publish(Message("spine/device-1/receipt", payload))
    receiver.publisher.publish(Message("spine/device-1/receipt", good, retain=True))
    receiver.publisher.publish(Message("spine/device-1/cmd/request/cancel", b"{}"))

    eventually(lambda: any("response" in m.topic for m in receiver.heard))
    assert outbox.backlog().reports == 1


def test_a_wiped_report_is_taken_off_the_queue_unsent(broker, link, sink, outbox, reports, eventually):
    folder = sink.accept(reports(1))
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()

    link()

    eventually(lambda: outbox.backlog().reports == 0)
    assert not [m for m in broker.log if m.topic.endswith("report")]


def test_a_report_too_large_for_the_broker_goes_without_its_pictures(broker, link, host, sink, outbox, reports,
                                                                     eventually):
    broker.max_bytes = 30_000
    receiver = host("spine/+/report")
    link()

    sink.accept(reports(1))

    eventually(lambda: outbox.backlog().reports == 0 and receiver.heard)
    assert dict(receiver.heard[0].properties)["omitted"]
    assert len(receiver.heard[0].payload) <= 30_000


def test_a_slow_daemon_does_not_hold_up_reports(link, host, sink, outbox, reports, eventually):
    hold, begun = threading.Event(), threading.Event()

    def slow(_):
        begun.set()
        hold.wait(10)
        return Reply.ok()

    link(slow)
    operator = host("spine/device-1/report")
    operator.publisher.publish(Message("spine/device-1/cmd/request/restart", b"{}"))
    assert begun.wait(5)

    sink.accept(reports(1))

    eventually(lambda: outbox.backlog().reports == 0)
    hold.set()


def test_events_wait_for_the_broker_within_bounds(broker, link, host, eventually):
    broker.stop()
    one = link()
    for number in range(MAX_EVENTS + 5):
        one.publish_event("camera_lost", number=number)
    broker.start()
    operator = host("spine/device-1/event")

    one.publish_event("last")

    eventually(lambda: any(json.loads(m.payload)["event"] == "last" for m in operator.heard))


def test_figures_tell_what_waits_and_have_no_nan(link, host, sink, reports, eventually):
    sink.accept(reports(1))
    one, operator = link(), host("spine/device-1/stats")
    eventually(lambda: one.status.connected)

    one.publish_stats({"fps": float("nan"), "zones": [1.5, float("inf")]})

    stats = json.loads(eventually(lambda: operator.heard)[0].payload)
    assert stats["fps"] is None
    assert stats["zones"] == [1.5, None]
    assert stats["outbox"]["reports"] == 1


def test_home_assistant_is_told_of_health_and_told_again_when_it_starts(broker, link, host, eventually):
    link(settings=MqttSettings(**QUICK, discovery=DiscoverySettings()))
    eventually(lambda: "spine/device-1/availability" in broker.retained)
    announced = {t: m for t, m in broker.retained.items() if t.startswith("homeassistant/")}
    assert len(announced) >= 5
    for message in announced.values():
        config = json.loads(message.payload)
        assert config["unique_id"].startswith("latx_device-1_")
        assert config.get("state_topic", "x/state").rpartition("/")[2] in {"availability", "state", "stats"}
    broker.retained.clear()

    host().publisher.publish(Message("homeassistant/status", b"online"))

    eventually(lambda: set(announced) <= set(broker.retained))


def test_a_stop_ends_in_time_though_the_broker_hangs(outbox):
    class Hanging:
        def serve(self, *_):
            threading.Event().wait(30)

        def close(self, grace_s):
            pass

    one = MqttLink(MqttSettings(), "device-1", outbox, lambda _: Reply.ok(), publisher=Hanging())
    one.start()
    began = time.monotonic()

    assert not one.stop(0.5)

    assert time.monotonic() - began < 2.0


def test_no_thread_is_left_and_none_is_added_by_reconnects(broker, link, eventually):
    before = threading.active_count()
    one = link()
    eventually(lambda: one.status.connected)
    running = threading.active_count()
    for _ in range(5):
        broker.stop()
        eventually(lambda: not one.status.connected)
        broker.start()
        eventually(lambda: one.status.connected)
    assert threading.active_count() == running

    assert one.stop(3.0)

    assert threading.active_count() == before


def test_a_real_broker_carries_a_command_and_its_answer(mosquitto, outbox, reporter, eventually):
    from edge.sinks.mqtt.paho_publisher import PahoPublisher

    settings = MqttSettings(port=mosquitto.port, **QUICK)
    one = MqttLink(settings, reporter.DEVICE, outbox, lambda c: Reply.ok(verb=c.verb))
    one.start()
    eventually(lambda: one.status.connected)
    operator = Listener(PahoPublisher(settings, "operator"), "spine/device-1/#")

    operator.publisher.publish(Message("spine/device-1/cmd/request/scan", b'{"transaction": "1"}', correlation=b"\x07",
                                       response_topic="spine/device-1/cmd/response/desk"))
    operator.publisher.publish(Message("spine/device-1/cmd/request/wipe", b'{"confirm": "wipe"}', retain=True))

    (answer,) = eventually(lambda: [m for m in operator.heard if m.topic.endswith("response/desk")])
    assert answer.correlation == b"\x07"
    assert json.loads(answer.payload)["transaction"] == "1"
    refusal = eventually(lambda: operator.payloads("spine/device-1/cmd/response/wipe"))[0]
    assert "retain" in json.loads(refusal)["error"]
    assert one.stop(3.0)
    assert eventually(lambda: operator.payloads("spine/device-1/availability")[-1] == b"offline")
    operator.publisher.close(1.0)


def test_a_real_broker_that_wants_a_password_refuses_until_it_gets_one(make_mosquitto, tmp_path, outbox, eventually):
    import subprocess

    secrets = tmp_path / "passwords"
    secrets.write_text("device:right\n")
    subprocess.run(["mosquitto_passwd", "-U", str(secrets)], check=True)
    broker = make_mosquitto("listener PORT 127.0.0.1", f"password_file {secrets}", "user root").start()
    password = tmp_path / "password"
    password.write_text("wrong\n")
    settings = MqttSettings(port=broker.port, username="device", password_file=password, **QUICK)
    one = MqttLink(settings, "device-1", outbox, lambda _: Reply.ok())
    one.start()
    eventually(lambda: "not authorized" in (one.status.problem or ""))
    assert not one.status.connected

    password.write_text("right\n")

    eventually(lambda: one.status.connected)
    assert one.stop(3.0)

"""TLS with client certificates and one ACL for all devices: the shipped configuration, on a real mosquitto."""

from __future__ import annotations

import os
import re
import subprocess
import threading
from importlib import resources
from pathlib import Path

import pytest

from edge.errors import UsageError
from edge.receive.receiver import Receiver
from edge.receive.store import ReportStore
from edge.sinks.disk import DiskSink
from edge.sinks.mqtt.commands import Reply
from edge.sinks.mqtt.link import MqttLink
from edge.sinks.mqtt.paho_publisher import PahoPublisher
from edge.sinks.mqtt.publisher import Disconnected, Message
from edge.sinks.mqtt.settings import MqttSettings, TlsSettings
from edge.sinks.mqtt.topics import report_filter
from edge.sinks.outbox.outbox import Outbox
from edge.sinks.outbox.sink import QueuedSink
from edge.sinks.places import outbox_path

SHIPPED = Path(str(resources.files("edge") / "sinks" / "mqtt" / "mosquitto"))


def openssl(folder, *words):
    subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    """An authority, a broker on localhost, and one certificate per name."""
    folder = tmp_path_factory.mktemp("certificates")
    curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    authority = ("-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=latx-test", "-days", "2")
    openssl(folder, "req", "-x509", *curve, *authority)
    for name in ("broker", "device-1", "device-2", "latx-receiver", "latx-operator"):
        (folder / "names").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
        openssl(folder, "req", "-new", *curve, "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj",
                f"/CN={'localhost' if name == 'broker' else name}")
        openssl(folder, "x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
                "-out", f"{name}.pem", "-days", "2", "-extfile", "names")
    return folder


@pytest.fixture
def broker(make_mosquitto, certificates, tmp_path):
    """The shipped latx.conf, with its folders and port moved into the test."""
    text = (SHIPPED / "latx.conf").read_text()
    text = text.replace("listener 8883", "listener PORT 127.0.0.1").replace("/etc/mosquitto/latx/latx.acl",
                                                                            str(SHIPPED / "latx.acl"))
    text = text.replace("/etc/mosquitto/latx", str(certificates)).replace("/var/lib/mosquitto/", f"{tmp_path}/")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return make_mosquitto(*lines, "user root").start()


@pytest.fixture
def settings(broker, certificates):
    def make(name, **more):
        tls = TlsSettings(ca_file=certificates / "ca.pem", cert_file=certificates / f"{name}.pem",
                          key_file=certificates / f"{name}.key") if name else TlsSettings(
                              ca_file=certificates / "ca.pem")
        return MqttSettings(host="localhost", port=broker.port, tls=tls, back_off_first_s=0.05, back_off_limit_s=0.2,
                            **more)

    return make


class Ear:
    """A plain connection."""

    def __init__(self, settings, name, *filters):
        self.heard, self.granted, self.codes, self.why = [], None, {}, None
        self.publisher, self._filters = PahoPublisher(settings, name), filters
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        try:
            self.publisher.serve(self, self._filters, None)
        except Disconnected as why:
            self.why = str(why)

    def connected(self, granted):
        self.granted = granted

    def received(self, message):
        self.heard.append(message)

    def acknowledged(self, token, code):
        self.codes[token] = code


def test_a_report_goes_over_tls_to_a_receiver_and_its_receipt_comes_back(settings, tmp_path, reports, eventually):
    scans = tmp_path / "scans"
    outbox = Outbox(outbox_path(scans), scans)
    sink = QueuedSink(DiskSink(scans), outbox)
    receiving = settings("latx-receiver")
    receiver = Receiver(PahoPublisher(receiving, "rx", session_expiry_s=60, manual_ack=True),
                        ReportStore(tmp_path / "in"), receiving, (report_filter("spine", "+", "nurses"),), "rx")
    thread = threading.Thread(target=receiver.run, daemon=True)
    thread.start()
    assert receiver.is_connected.wait(10)
    link = MqttLink(settings("device-1", remove_after="receipt"), "device-1", outbox, lambda _: Reply.ok())
    link.start()
    try:
        folder = sink.accept(reports(1))

        eventually(lambda: outbox.backlog().reports == 0)

        assert (tmp_path / "in" / folder.name / "overlay.png").read_bytes() == (folder / "overlay.png").read_bytes()
    finally:
        assert link.stop(3.0)
        receiver.stop()
        thread.join(5)


@pytest.mark.parametrize("topic", ["spine/device-2/report", "spine/device-2/availability", "spine/device-1/receipt",
                                   "spine/device-1/cmd/request/wipe", "homeassistant/sensor/latx_device-2/x/config"])
def test_a_device_cannot_speak_for_another_nor_for_the_host(settings, eventually, topic):
    device = Ear(settings("device-1"), "device-1-x")
    eventually(lambda: device.granted)

    token = device.publisher.publish(Message(topic, b"{}"))

    assert eventually(lambda: device.codes)[token] == 0x87, "not authorized"
    device.publisher.close(1.0)


def test_a_device_hears_no_other_devices_commands_and_a_receiver_no_commands(settings, eventually):
    other = Ear(settings("device-2"), "device-2-x", "spine/device-1/cmd/request/+", "spine/device-2/cmd/request/+")
    receiver = Ear(settings("latx-receiver"), "rx", "spine/+/cmd/request/+")
    operator = Ear(settings("latx-operator"), "operator", "spine/+/report")
    eventually(lambda: other.granted and receiver.granted and operator.granted)

    operator.publisher.publish(Message("spine/device-1/cmd/request/cancel", b"1"))
    operator.publisher.publish(Message("spine/device-2/cmd/request/cancel", b"2"))

    eventually(lambda: other.heard)
    assert [m.payload for m in other.heard] == [b"2"]
    assert receiver.heard == []
    for ear in (other, receiver, operator):
        ear.publisher.close(1.0)


def test_without_a_certificate_nobody_gets_in(settings, eventually):
    stranger = Ear(settings(None), "stranger")

    assert eventually(lambda: stranger.why)
    assert stranger.granted is None


def test_a_broker_that_another_authority_signed_is_not_talked_to(settings, eventually, tmp_path, certificates):
    openssl(tmp_path, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
            "x.key", "-out", "x.pem", "-subj", "/CN=other", "-days", "2")
    wrong = settings("device-1").model_copy(update={"tls": TlsSettings(
        ca_file=tmp_path / "x.pem", cert_file=certificates / "device-1.pem", key_file=certificates / "device-1.key")})

    device = Ear(wrong, "device-1")

    assert "certificate" in eventually(lambda: device.why).lower()


def test_a_certificate_that_is_none_is_an_error_in_a_line(certificates):
    from edge.sinks.mqtt.paho_publisher import tls_context

    with pytest.raises(UsageError, match=r"certificates cannot be used.*mend"):
        tls_context(TlsSettings(ca_file=certificates / "names"))
    with pytest.raises(UsageError, match="No such file"):
        tls_context(TlsSettings(ca_file=certificates / "missing.pem"))


def test_the_shipped_acl_covers_the_table_of_topics():
    from edge.sinks.mqtt.topics import TOPICS

    acl = (SHIPPED / "latx.acl").read_text()
    rules = set(re.findall(r"^pattern (write|read) spine/%u/(\S+)$", acl, re.M))

    for name, row in TOPICS.items():
        level = name.replace("<verb>", "+")
        rule = ("write" if row.sender == "device" else "read", level.replace("response/+", "response/#"))
        assert rule in rules, name
    assert len(rules) == len(TOPICS)
    assert os.path.exists(SHIPPED / "latx.conf")

"""The whole kiosk with a real mosquitto: a command in, a report out, live state in between."""

from __future__ import annotations

import io
import json
import os
import shutil
import socket
import subprocess
import time
import zipfile
from collections.abc import Callable, Iterator

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

PATIENCE_S = 60.0


@pytest.fixture
def broker(tmp_path) -> Iterator[int]:
    """A mosquitto on loopback; its port."""
    program = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")
    if program is None:
        pytest.skip("mosquitto is not installed")
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    settings = tmp_path / "mosquitto.conf"
    settings.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\npersistence false\n")
    process = subprocess.Popen([program, "-c", str(settings)], stderr=subprocess.DEVNULL, env={**os.environ})
    yield port
    process.terminate()
    process.wait(10)


class Host:
    """The nurse's side: hears everything below the prefix, sends requests."""

    def __init__(self, port: int) -> None:
        self.heard: dict[str, list[bytes]] = {}
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
        self._client.on_message = self._note
        self._client.on_connect = lambda client, *_: client.subscribe("spine/#", qos=1)
        self._port = port

    def connect(self) -> None:
        until = time.monotonic() + PATIENCE_S
        while True:
            try:
                self._client.connect("127.0.0.1", self._port)
                break
            except OSError:
                assert time.monotonic() < until
                time.sleep(0.05)
        self._client.loop_start()

    def _note(self, _client, _data, message) -> None:
        self.heard.setdefault(message.topic.split("/", 2)[2], []).append(message.payload)

    def ask(self, verb: str, **data: object) -> None:
        self._client.publish(f"spine/kiosk-1/cmd/request/{verb}", json.dumps(data), qos=1)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


def test_a_scan_on_command_arrives_as_a_report_with_its_reference(kiosk, broker: int, monkeypatch) -> None:
    monkeypatch.setenv("LATX_DEVICE_ID", "kiosk-1")
    host = Host(broker)
    host.connect()
    k = kiosk({"link": None}, mqtt={"host": "127.0.0.1", "port": broker, "preview_hz": 1.0},
              scan={"auto": False, "frames": 3, "over_s": 2.0, "hold_s": 0.2})  # fmt: skip
    k.service.parts.link.start()

    def turn_until(holds: Callable[[], object]) -> None:
        until = time.monotonic() + PATIENCE_S
        while not holds():
            assert time.monotonic() < until, (k.state, {topic: len(said) for topic, said in host.heard.items()})
            k.turn()
            time.sleep(0.01)

    turn_until(lambda: host.heard.get("availability", [b""])[-1] == b"online")
    k.camera.scene = "back"
    host.ask("scan", subject_ref="child-17")
    turn_until(lambda: host.heard.get("report"))
    assert "preview" not in host.heard, "live mode is off"
    host.ask("live", enabled=True)
    turn_until(lambda: host.heard.get("preview"))
    host.ask("wipe", confirm="wipe")
    turn_until(lambda: host.heard.get("cmd/response/wipe"))

    assert json.loads(host.heard["cmd/response/scan"][0])["status"] == "ok"
    states = [json.loads(said)["state"] for said in host.heard["state"]]
    assert states[-1] == "result"
    assert host.heard["preview"][0].startswith(b"\xff\xd8"), "a JPEG"
    assert "scanning" in states
    report = zipfile.ZipFile(io.BytesIO(host.heard["report"][0]))
    assert json.loads(report.read("result.json"))["subject_ref"] == "child-17"
    assert json.loads(host.heard["cmd/response/wipe"][0])["data"]["results"] == 1
    assert k.results == []
    turn_until(lambda: not any(b"child-17" in said for topic, saids in host.heard.items() for said in saids
                               if topic in ("state", "event", "stats", "info")))  # fmt: skip
    host.close()


def test_without_a_broker_the_kiosk_scans_and_keeps_what_it_owes(kiosk, monkeypatch) -> None:
    monkeypatch.setenv("LATX_DEVICE_ID", "kiosk-1")
    k = kiosk({"link": None}, mqtt={"host": "127.0.0.1", "port": 1},
              scan={"frames": 3, "over_s": 2.0, "hold_s": 0.2})  # fmt: skip
    k.service.parts.link.start()
    k.turn()
    k.camera.scene = "back"
    k.until("result")
    k.turn(1, 3.0)

    assert len(k.results) == 1
    assert k.metric("outbox_reports") == 1

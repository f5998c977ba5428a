"""Every scan that was reported as done arrives, though the broker dies, connections break and the device is killed.

``--full``: 200 scans, 20 restarts of the broker, 20 kills of the device.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import random
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from edge.privacy.audit import verify
from edge.receive.receiver import Receiver
from edge.receive.store import ReportStore
from edge.sinks.mqtt.paho_publisher import PahoPublisher
from edge.sinks.mqtt.settings import BrokerSettings
from edge.sinks.mqtt.topics import report_filter
from edge.sinks.outbox.outbox import Outbox
from edge.sinks.places import audit_path, outbox_path

REPOSITORY = Path(__file__).parents[4]
SEED = 20260102
SMALL = {"receipt": (12, 2, 2), "puback": (6, 1, 1)}  # scans, restarts of the broker, kills of the device


class Proxy:
    """Passes bytes between clients and the broker until it is told to cut every connection."""

    def __init__(self, target):
        self._target, self._pairs, self._lock = target, [], threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.cuts = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                try:
                    broker = socket.create_connection(("127.0.0.1", self._target), 1)
                except OSError:
                    client.close()
                    continue
                with self._lock:
                    self._pairs.append((client, broker))
                threading.Thread(target=self._pass, args=(client, broker), daemon=True).start()

    def _pass(self, client, broker):
        other = {client: broker, broker: client}
        with contextlib.suppress(OSError, ValueError):
            while True:
                for line in select.select([client, broker], [], [], 1.0)[0]:
                    data = line.recv(8192)
                    if not data:
                        raise OSError
                    other[line].sendall(data)
        for line in other:
            line.close()

    def cut(self):
        with self._lock:
            pairs, self._pairs = self._pairs, []
        self.cuts += bool(pairs)
        for pair in pairs:
            for line in pair:
                with contextlib.suppress(OSError):
                    line.shutdown(socket.SHUT_RDWR)

    def close(self):
        self._listener.close()
        self.cut()


class Device:
    """The reporting program, started again after each kill until every scan is made and its outbox is empty."""

    def __init__(self, program, template, scans, port, scans_wanted, remove_after):
        self._argv = [sys.executable, str(program), str(template), str(scans), str(port)]
        self._wanted, self._remove_after = scans_wanted, remove_after
        self.done, self.kills, self.empty, self._starts = {}, 0, False, 0
        self._error = scans.parent / "device.log"
        self.start()

    def start(self):
        self._starts += 1
        left = self._wanted - len(self.done)
        argv = [*self._argv, str(left), str(SEED + 1000 * self._starts), self._remove_after]
        self.process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=self._error.open("ab"), text=True,
                                        env=os.environ | {"PYTHONPATH": str(REPOSITORY)})
        self._reader = threading.Thread(target=self._read, args=(self.process.stdout,), daemon=True)
        self._reader.start()

    def _read(self, stream):
        for line in stream:
            words = line.split()
            if words[0] == "done" and len(words) == 3:
                self.done[words[1]] = words[2]
            self.empty |= words[0] == "empty"

    def kill_and_restart(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
            self.kills += 1
        self._reader.join()
        if not self.empty:
            self.start()

    def failure(self):
        code = self.process.poll()
        return self._error.read_text() if code not in (None, 0, -signal.SIGKILL) else None


@pytest.mark.parametrize("remove_after", SMALL)
def test_every_scan_reported_as_done_arrives_exactly_once(tmp_path, full, make_mosquitto, reports, reporter, eventually,
                                                           remove_after):
    """puback trusts the broker, which therefore is stopped in good order here; with receipts it is killed too."""
    scans, restarts, kills = (200, 20, 20) if full else SMALL[remove_after]
    dice = random.Random(SEED)
    template = tmp_path / "template"
    template.mkdir()
    for name, content in reports().files.items():
        (template / name).write_bytes(content)
    broker = make_mosquitto().start()
    down = broker.kill if remove_after == "receipt" else broker.stop
    proxy = Proxy(broker.port)
    settings = BrokerSettings(port=proxy.port, back_off_first_s=0.05, back_off_limit_s=0.3, connect_timeout_s=1.0)
    arrivals = []
    receiver = Receiver(PahoPublisher(settings, "nurse", session_expiry_s=3600, manual_ack=True),
                        ReportStore(tmp_path / "received"), settings, (report_filter("spine"),), "nurse",
                        tell=arrivals.append)
    listening = threading.Thread(target=receiver.run, daemon=True)
    listening.start()
    assert receiver.is_connected.wait(10)
    device = Device(Path(reporter.__file__), template, tmp_path / "scans", proxy.port, scans, remove_after)
    try:
        faults = ["broker"] * restarts + ["device"] * kills + ["cut"] * (restarts + kills)
        dice.shuffle(faults)
        for number, fault in enumerate(faults, 1):
            reached = scans * number // (len(faults) + 1)  # faults are spread over the scans
            eventually(lambda reached=reached: len(device.done) >= reached or device.failure() or device.empty, 60)
            assert device.failure() is None, device.failure()
            time.sleep(dice.uniform(0, 0.1))
            if fault == "broker":
                down()
                time.sleep(dice.uniform(0, 0.2))
                broker.start()
            elif fault == "device":
                device.kill_and_restart()
            else:
                proxy.cut()
        eventually(lambda: device.empty or device.failure(), 120)
        assert device.failure() is None, device.failure()
        eventually(lambda: set(device.done) <= set(os.listdir(tmp_path / "received")), 30)
    finally:
        device.process.kill()
        receiver.stop()
        listening.join(5)
        proxy.close()

    assert len(device.done) >= scans
    for scan_id, sha256 in device.done.items():
        folder = tmp_path / "received" / scan_id
        assert sorted(p.name for p in folder.iterdir()) == ["overlay.png", "radiograph.png", "result.json"]
        assert hashlib.sha256((folder / "radiograph.png").read_bytes()).hexdigest() == sha256
        assert json.loads((folder / "result.json").read_text())["radiograph"]["sha256"] == sha256
        for name in ("overlay.png", "radiograph.png", "result.json"):
            assert (folder / name).read_bytes() == (tmp_path / "scans" / scan_id / name).read_bytes()
    assert not list((tmp_path / "received").glob(".partial-*")), "nothing half-written"
    stored = [a.scan_id for a in arrivals if a.status == "stored"]
    assert len(stored) == len(set(stored)), "stored once, however often it came"
    assert not [a for a in arrivals if a.status == "refused"]
    assert Outbox(outbox_path(tmp_path / "scans"), tmp_path / "scans").backlog().reports == 0
    assert verify(audit_path(tmp_path / "scans")).problem is None
    print(f"\n{remove_after}: {len(device.done)} scans reported as done, {len(stored)} stored, "
          f"{sum(a.status == 'duplicate' for a in arrivals)} duplicates recognised, {restarts} broker restarts, "
          f"{device.kills} SIGKILLs of the device, {proxy.cuts} cuts of all connections")

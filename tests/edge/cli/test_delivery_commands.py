"""``latx-edge receive``, ``wipe`` and ``audit`` as a user runs them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from edge.privacy.audit import AuditLog
from edge.sinks.disk import DiskSink
from edge.sinks.mqtt.commands import Reply
from edge.sinks.mqtt.link import MqttLink
from edge.sinks.mqtt.settings import MqttSettings
from edge.sinks.outbox.outbox import Outbox
from edge.sinks.outbox.sink import QueuedSink
from edge.sinks.places import audit_path, outbox_path

ENVIRONMENT = os.environ | {"PYTHONPATH": str(Path(__file__).parents[3])}


@pytest.fixture
def scans(tmp_path, reports):
    """Two results, queued, and their log."""
    folder = tmp_path / "scans"
    outbox = Outbox(outbox_path(folder), folder)
    sink = QueuedSink(DiskSink(folder, AuditLog(audit_path(folder))), outbox)
    for seed in range(2):
        sink.accept(reports(seed))
    outbox.close()
    return folder


def results(folder):
    return sorted(p.name for p in folder.iterdir() if not p.name.startswith("."))


def test_receive_writes_the_devices_folders_and_ends_when_told(tmp_path, scans, mosquitto, eventually):
    argv = [sys.executable, "-m", "edge.cli", "receive", "--broker", f"mqtt://127.0.0.1:{mosquitto.port}", "--out",
            str(tmp_path / "in"), "--count", "2"]
    receiver = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, env=ENVIRONMENT)
    outbox = Outbox(outbox_path(scans), scans)
    link = MqttLink(MqttSettings(port=mosquitto.port, back_off_first_s=0.05, back_off_limit_s=0.1), "device-1", outbox,
                    lambda _: Reply.ok())
    link.start()
    try:
        out, _ = receiver.communicate(timeout=60)
    finally:
        link.stop(2.0)
        outbox.close()

    assert receiver.returncode == 0
    assert [line.split()[0] for line in out.splitlines()] == ["stored", "stored"]
    assert results(tmp_path / "in") == results(scans)
    for name in results(scans):
        for path in (scans / name).iterdir():
            assert (tmp_path / "in" / name / path.name).read_bytes() == path.read_bytes()


def test_receive_ends_in_good_order_on_sigterm(tmp_path, mosquitto, eventually):
    argv = [sys.executable, "-m", "edge.cli", "receive", "--broker", f"127.0.0.1:{mosquitto.port}", "--out",
            str(tmp_path / "in")]
    receiver = subprocess.Popen(argv, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT)
    assert "Connected" in receiver.stderr.readline()

    receiver.send_signal(signal.SIGTERM)

    assert receiver.wait(20) == 0


@pytest.mark.parametrize(("argv", "says"), [
    (["--broker", "mqtt://broker.example"], "not on this machine"),
    (["--broker", "http://127.0.0.1"], "no address of a broker"),
    (["--broker", "mqtt://127.0.0.1:notaport"], "no address of a broker"),
    (["--broker", "mqtt://me:secret@127.0.0.1"], "secret does not belong"),
    (["--broker", "mqtt://127.0.0.1", "--ca", "x.pem"], "certificates are for mqtts"),
    (["--broker", "mqtts://b.example", "--cert", "x.pem"], "belong together"),
    (["--broker", "mqtts://127.0.0.1", "--ca", "missing.pem"], "certificates cannot be used"),
    (["--broker", "mqtt://127.0.0.1", "--group", "a/b"], "part of a topic"),
    (["--broker", "mqtt://127.0.0.1", "--device", "+"], "part of a topic"),
])
def test_receive_refuses_what_cannot_be_or_is_unsafe_in_a_line(latx_edge, tmp_path, argv, says):
    code, out, err = latx_edge("receive", "--out", tmp_path / "in", *argv)

    assert code == 2
    assert says in err
    assert "secret@" not in err
    assert (out, len(err.splitlines())) == ("", 1)


def test_receive_gives_up_with_the_service_managers_code_when_told_to(latx_edge, tmp_path):
    code, _, err = latx_edge("receive", "--broker", "mqtt://127.0.0.1:1", "--out", tmp_path / "in", "--give-up", "0.01")

    assert code == 75
    assert "out of reach" in err.splitlines()[-1]


def test_wipe_deletes_what_it_is_told_and_says_so(latx_edge, scans):
    first, second = results(scans)

    code, out, _ = latx_edge("wipe", "--scans", scans, "--yes", "--scan-id", first)
    assert (code, results(scans)) == (0, [second])
    assert "deleted: 1 results, 1 of them waiting" in out
    code, out, _ = latx_edge("wipe", "--scans", scans, "--yes")

    assert (code, results(scans)) == (0, [])
    assert Outbox(outbox_path(scans), scans).backlog().reports == 0
    assert latx_edge("audit", "verify", "--scans", scans)[0] == 0


def test_wipe_asks_and_takes_no_silence_for_a_yes(latx_edge, scans, monkeypatch):
    code, _, err = latx_edge("wipe", "--scans", scans)
    assert (code, len(results(scans))) == (2, 2)
    assert "--yes" in err

    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", lambda _: "no")
    code, out, _ = latx_edge("wipe", "--scans", scans)

    assert (code, len(results(scans))) == (0, 2)
    assert "nothing was deleted" in out


@pytest.mark.parametrize("argv", [["--scans", "none", "--yes"], ["--scan-id", "../x", "--yes"]])
def test_wipe_refuses_what_cannot_be_in_a_line(latx_edge, scans, monkeypatch, argv):
    monkeypatch.chdir(scans.parent)

    code, _, err = latx_edge("wipe", *argv)

    assert (code, len(err.splitlines())) == (2, 1)


def test_audit_verify_prints_the_head_and_knows_it_again(latx_edge, scans):
    code, out, _ = latx_edge("audit", "verify", "--scans", scans)
    head = out.splitlines()[-1].removeprefix("head ")

    assert code == 0
    assert "2 entries in order" in out
    assert latx_edge("audit", "verify", "--scans", scans, "--head", head)[0] == 0
    assert latx_edge("audit", "verify", "--scans", scans, "--head", "0" * 63 + "1")[0] == 1


def test_audit_verify_names_the_line_that_was_changed(latx_edge, scans):
    path = audit_path(scans)
    path.write_text(path.read_text().replace("result_stored", "result_staled", 1))

    code, out, _ = latx_edge("audit", "verify", "--scans", scans)
    found = json.loads(latx_edge("audit", "verify", "--scans", scans, "--json")[1])

    assert code == 1
    assert f"{path}:1: it was changed" in out
    assert found["line"] == 1

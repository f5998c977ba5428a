"""Reports without inference, and a program that delivers them through the real sinks until it is killed.

``python reporter.py TEMPLATE SCANS PORT COUNT FIRST_SEED REMOVE_AFTER``: TEMPLATE is the folder of one real result.
Each scan that was accepted is told in a line, "done <scan_id> <sha256 of radiograph.png>"; then the outbox is emptied.
"""

from __future__ import annotations

import hashlib
import random
import sys
import time
from pathlib import Path

from edge.result.identity import new_scan_id
from edge.result.models import Result
from edge.sinks.sink import Report

DEVICE = "device-1"


def vary(template: Report, seed: int, device: str = DEVICE) -> Report:
    """Another scan's report: new id, other radiograph bytes, a record that fits them."""
    rng = random.Random(seed)
    radiograph = template.files["radiograph.png"] + rng.randbytes(rng.randrange(10, 60_000))
    record = template.result.model_dump()
    record |= {"scan_id": new_scan_id(), "device_id": device}
    record["radiograph"]["sha256"] = hashlib.sha256(radiograph).hexdigest()
    result = Result.model_validate(record)
    files = {**template.files, "result.json": result.to_json().encode(), "radiograph.png": radiograph}
    return Report(result, files)


def read(folder: Path) -> Report:
    """A result folder as a report."""
    files = {path.name: path.read_bytes() for path in folder.iterdir()}
    return Report(Result.model_validate_json(files["result.json"]), files)


def main(template: Path, scans: Path, port: int, count: int, seed: int, remove_after: str) -> None:
    from edge.privacy.audit import AuditLog
    from edge.sinks.disk import DiskSink
    from edge.sinks.mqtt.commands import Reply
    from edge.sinks.mqtt.link import MqttLink
    from edge.sinks.mqtt.settings import MqttSettings
    from edge.sinks.outbox.outbox import Outbox
    from edge.sinks.outbox.sink import QueuedSink
    from edge.sinks.places import audit_path, outbox_path

    one = read(template)
    outbox, audit = Outbox(outbox_path(scans), scans), AuditLog(audit_path(scans))
    sink = QueuedSink(DiskSink(scans, audit), outbox)
    settings = MqttSettings(port=port, back_off_first_s=0.05, back_off_limit_s=0.3, connect_timeout_s=1.0,
                            remove_after=remove_after, receipt_timeout_s=2.0)
    link = MqttLink(settings, DEVICE, outbox, lambda _: Reply.ok(), audit=audit)
    link.start()
    print("ready", flush=True)
    for number in range(count):
        report = vary(one, seed + number)
        sink.accept(report)
        print("done", report.result.scan_id, report.result.radiograph.sha256, flush=True)
        time.sleep(0.02)
    while outbox.backlog().reports:
        time.sleep(0.05)
    print("empty", flush=True)
    link.stop(2.0)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]), int(sys.argv[5]), sys.argv[6])

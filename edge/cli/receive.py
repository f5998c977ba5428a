"""``latx-edge receive``: on the nurse's PC, reports come off the broker into folders like those of the device."""

from __future__ import annotations

import argparse
import os
import re
import signal
import sys
from pathlib import Path

from edge.cli.arguments import positive, positive_seconds
from edge.errors import UsageError

EPILOGUE = """\
Every report is checked (sha256 of its radiograph, its record against the schema), written whole or not at all, kept
once however often it comes, and answered with a receipt. The broker keeps what arrives while this program is away.
Several receivers with one --group share the reports among them; without, each gets them all."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``latx-edge receive``."""
    parser.description = f"{parser.description}\n\n{EPILOGUE}"
    parser.add_argument("--broker", required=True, metavar="URL",
                        help="mqtt://HOST[:PORT] on this machine, mqtts://HOST[:PORT] anywhere")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder that gets one folder per scan")
    tls = parser.add_argument_group("TLS (mqtts://)")
    tls.add_argument("--ca", type=Path, metavar="PEM", help="authority that signed the broker; default: the system's")
    tls.add_argument("--cert", type=Path, metavar="PEM", help="certificate of this receiver")
    tls.add_argument("--key", type=Path, metavar="PEM", help="its private key")
    parser.add_argument("--username", metavar="NAME", help="user at the broker")
    parser.add_argument("--password-file", type=Path, metavar="FILE", help="file with the user's password")
    parser.add_argument("--prefix", default="spine", metavar="LEVEL", help="first level of the topics; default spine")
    parser.add_argument("--device", action="append", metavar="ID", help="only this device; may be repeated")
    parser.add_argument("--group", metavar="NAME", help="share the reports with receivers of the same group")
    parser.add_argument("--name", metavar="NAME",
                        help="of this receiver, the same at every start and unlike any other; default: made from this "
                             "machine's identity, --out and --group")
    parser.add_argument("--session-days", type=positive, default=30, metavar="N",
                        help="how long the broker keeps reports while this program is away; default 30")
    parser.add_argument("--count", type=positive, metavar="N", help="end after N new reports")
    parser.add_argument("--give-up", type=positive_seconds, metavar="S", help="end after S seconds without a broker")
    parser.add_argument("--quiet", action="store_true", help="print refusals only")


def run(args: argparse.Namespace) -> int:
    """Receive until interrupted, or until ``--count``."""
    import logging

    from edge.privacy.audit import AuditLog
    from edge.receive.address import broker_settings
    from edge.receive.receiver import Arrival, Receiver
    from edge.receive.store import ReportStore
    from edge.sinks.mqtt.paho_publisher import PahoPublisher
    from edge.sinks.mqtt.topics import report_filter
    from edge.sinks.places import audit_path

    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="latx-edge: %(message)s")
    settings = broker_settings(args.broker, ca_file=args.ca, cert_file=args.cert, key_file=args.key,
                               username=args.username, password_file=args.password_file, prefix=args.prefix,
                               back_off_limit_s=5.0)
    for option, values in (("--device", args.device or ()), ("--group", [args.group]), ("--name", [args.name])):
        for value in values:
            _level(option, value)
    name = args.name or _default_name(args)
    store = ReportStore(args.out)
    publisher = PahoPublisher(settings, name, session_expiry_s=args.session_days * 86_400, manual_ack=True)
    filters = tuple(report_filter(args.prefix, device, args.group) for device in args.device or ["+"])
    new = 0

    def tell(arrival: Arrival) -> None:
        nonlocal new
        new += arrival.status == "stored"
        if arrival.error is not None:
            print(f"refused a report of device {arrival.device_id}: {arrival.error}", file=sys.stderr)
        elif not args.quiet:
            print(f"{arrival.status}  {args.out / str(arrival.scan_id)}", flush=True)
        if new == args.count:
            receiver.stop()

    receiver = Receiver(publisher, store, settings, filters, name, tell=tell, audit=AuditLog(audit_path(args.out)),
                        give_up_s=args.give_up)
    signal.signal(signal.SIGTERM, lambda *_: receiver.stop())
    receiver.run()
    return 0


def _default_name(args: argparse.Namespace) -> str:
    import hashlib

    from edge.result.identity import device_id

    place = f"{os.path.realpath(args.out)}\n{args.group or ''}\n{args.prefix}"
    return f"latx-receive-{device_id()}-{hashlib.sha256(place.encode()).hexdigest()[:8]}"[:64]


def _level(option: str, value: str | None) -> None:
    if value is not None and not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", value):
        raise UsageError("this cannot be part of a topic", where=option, found=repr(value[:64]),
                         expected="up to 64 letters, digits, '_' or '-'", mend="give another name")

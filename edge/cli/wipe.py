"""``latx-edge wipe``: results leave this machine and its queue; the audit log says that they did."""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

from edge.errors import UsageError

EPILOGUE = """\
Only result folders, the queue and what killed writers left are deleted; other files in DIR stay. The audit log stays
too: it names scans by random ids and no subject. Flash memory may keep traces below the file system: encrypt the disk
where that matters."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``latx-edge wipe``."""
    parser.description = f"{parser.description}\n\n{EPILOGUE}"
    parser.add_argument("--scans", type=Path, default=Path("scans"), metavar="DIR",
                        help="folder of results; default ./scans")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--scan-id", metavar="ID", help="only this scan")
    which.add_argument("--subject-ref", metavar="REF", help="only scans of this reference")
    parser.add_argument("--yes", action="store_true", help="do not ask")


def run(args: argparse.Namespace) -> int:
    """Ask, delete, tell."""
    from edge.privacy.audit import AuditLog
    from edge.privacy.wipe import results_in, wipe
    from edge.result.identity import SCAN_ID
    from edge.sinks.outbox.outbox import Outbox
    from edge.sinks.places import audit_path, outbox_path

    if args.scan_id is not None and not re.fullmatch(SCAN_ID, args.scan_id):
        raise UsageError("this is no scan's id", where="--scan-id", expected="the name of a result's folder",
                         found=repr(args.scan_id[:64]), mend="take it from the folder or from result.json")
    if not args.scans.is_dir():
        raise UsageError("no such folder", where=str(args.scans), expected="a folder of results", found="none",
                         mend="give it with --scans")
    selective = args.scan_id is not None or args.subject_ref is not None
    count = len(results_in(args.scans))
    what = "the results that match" if selective else f"all {count} results"
    if not args.yes and not _agreed(f"Delete {what} below {args.scans}, for good? Type yes: "):
        print("nothing was deleted")
        return 0
    own = outbox_path(args.scans)
    outbox = Outbox(own, args.scans) if own.exists() else None
    audit = AuditLog(audit_path(args.scans)) if own.parent.exists() else None
    try:
        done = wipe(args.scans, outbox, audit, reason="operator", scan_id=args.scan_id, subject_ref=args.subject_ref)
    finally:
        if outbox is not None:
            outbox.close()
    print(f"deleted: {done.results} results, {done.queued} of them waiting for delivery, {done.leftovers} leftovers")
    return 0


def _agreed(question: str) -> bool:
    if not sys.stdin.isatty():
        raise UsageError("nobody is there to be asked", where="latx-edge wipe", expected="a terminal, or --yes",
                         found="neither", mend="add --yes")
    return input(question).strip().lower() == "yes"

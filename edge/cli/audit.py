"""``latx-edge audit verify``: whether the audit log is as it was written."""

from __future__ import annotations

import argparse
import json
import re
from pathlib import Path

VERIFY = """\
Read the audit log and check that every line follows from the one before. Prints the number of entries and the head of
the chain: note it elsewhere, and give it later with --head to prove that nothing was cut off since."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add what can be done with the log."""
    actions = parser.add_subparsers(title="what to do", dest="action", metavar="ACTION", required=True)
    verify = actions.add_parser("verify", help="check that no line was changed, taken out or added",
                                description=VERIFY, formatter_class=argparse.RawDescriptionHelpFormatter)
    verify.add_argument("--scans", type=Path, default=Path("scans"), metavar="DIR",
                        help="folder of results whose log it is; default ./scans")
    verify.add_argument("--log", type=Path, metavar="FILE", help="the log itself, if it lies elsewhere")
    verify.add_argument("--head", type=_hash, metavar="HASH", help="a head that was noted earlier")
    verify.add_argument("--json", action="store_true", help="print the findings as JSON")


def run(args: argparse.Namespace) -> int:
    """Verify and tell; 1 where the log is not as it was written."""
    from edge.privacy.audit import verify
    from edge.sinks.places import audit_path

    path = args.log or audit_path(args.scans)
    found = verify(path, args.head)
    if args.json:
        print(json.dumps({"log": str(path), "entries": found.entries, "head": found.head, "line": found.line,
                          "problem": found.problem}))
    elif found.problem is None:
        print(f"{path}: {found.entries} entries in order\nhead {found.head}")
    else:
        print(f"{path}:{found.line}: {found.problem}; the {found.entries} entries before it are in order")
    return 0 if found.problem is None else 1


def _hash(text: str) -> str:
    if not re.fullmatch(r"[0-9a-f]{64}", text):
        raise argparse.ArgumentTypeError("expected 64 hexadecimal digits")
    return text

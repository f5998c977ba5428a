"""``latx-edge doctor``: what is well with a kiosk and what is not, one line a finding, with how to mend it."""

from __future__ import annotations

import argparse
import json
import logging
from pathlib import Path


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``latx-edge doctor``."""
    parser.add_argument("--config", type=Path, metavar="FILE",
                        help="configuration of the kiosk; default: the installed service's, else the defaults")
    parser.add_argument("--camera", metavar="URI", help="look through this camera instead of the configured one")
    parser.add_argument("--full", action="store_true",
                        help="also measure the shipped recording, and write everything to a report")
    parser.add_argument("--report", type=Path, metavar="FILE.json", help="where to; default with --full: doctor.json")
    parser.add_argument("--json", action="store_true", help="print the report instead of lines")


def run(args: argparse.Namespace) -> int:
    """Print each finding as it comes; 8 where any of them is an error."""
    from edge.config.load import load_config
    from edge.config.models import Config
    from edge.doctor import check_up
    from edge.doctor.examined import Examined, installed_config
    from edge.doctor.finding import Finding
    from edge.doctor.report import EXIT_CODE, as_json, line, summary, worst
    from edge.whole_file import write_whole

    logging.getLogger("edge").addHandler(logging.NullHandler())  # what goes wrong is said in findings
    path = args.config or installed_config()
    config = load_config(path).config if path else Config()
    if args.camera:
        config = config.model_copy(update={"camera": config.camera.model_copy(update={"uri": args.camera})})
    findings: dict[str, Finding] = {}
    for name, finding in check_up(Examined(config, path, args.full)):
        findings[name] = finding
        if not args.json:
            print(line(name, finding), flush=True)
    found = json.dumps(as_json(findings, args.full), indent=1, allow_nan=False, default=str)
    report = args.report or (Path("doctor.json") if args.full else None)
    if report is not None:
        write_whole(report, found + "\n", "the report")
    print(found if args.json else f"{summary(findings.values())}{f'; {report}' if report else ''}")
    return EXIT_CODE if worst(findings.values()) == "error" else 0

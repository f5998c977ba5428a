"""``latx-edge scan``: one subject, measured once; a table that a nurse can read, and three files."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from edge.cli.arguments import add_bundle, add_camera, add_precision, positive, subject_reference


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``latx-edge scan``."""
    add_camera(parser)
    add_bundle(parser)
    add_precision(parser)
    parser.add_argument("--out", type=Path, default=Path("scans"), metavar="DIR",
                        help="folder that gets one folder per scan; default ./scans")
    parser.add_argument("--frames", type=positive, default=12, metavar="N",
                        help="frames to measure before the scan is done; default 12")
    parser.add_argument("--subject-ref", metavar="REF", help="opaque reference kept with the result; never a name")
    parser.add_argument("--json", action="store_true", help="print the record (result.json) instead of the table")


def run(args: argparse.Namespace) -> int:
    """Scan, write, print."""
    from edge.camera import open_camera
    from edge.cli.progress import Progress
    from edge.cli.table import scan_table
    from edge.cli.truth import true_angles
    from edge.pipeline import Pipeline
    from edge.report import FILES, make_report
    from edge.runtime.bundle import load_bundle
    from edge.runtime.runtimes import PRECISIONS
    from edge.scan import scan
    from edge.sinks.disk import DiskSink

    subject_ref, truth = subject_reference(args.subject_ref), true_angles(args.camera)
    precision = PRECISIONS[args.precision]
    with (open_camera(args.camera) as camera,
          load_bundle(args.bundle, args.threads, args.runtime, precision) as bundle):
        sink = DiskSink(args.out)
        with Progress(args.frames) as progress:
            done = scan(camera, Pipeline(bundle), args.frames, progress.show)
        report = make_report(done, bundle, subject_ref)
    folder = sink.accept(report)
    if args.json:
        sys.stdout.write(report.result.to_json())
    else:
        paths = [folder / name for name in FILES]
        print(scan_table(report.result, paths, truth))
    return 0

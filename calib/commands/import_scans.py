"""``latx-calib import scans``: surface scans with radiographic truth become recordings that ``latx-edge`` can scan."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from edge.errors import LatxError, MissingDependencyError, UsageError

SCANS = """\
Each folder of DIR holds one subject: scan.ply (the bare back, metres, scanner frame: x right, y down, z forward) and
spine.json (xray_from_scan, centreline_mm, primary_cobb_deg, centreline_kyphosis_deg, centreline_lordosis_deg).
Written per subject: recording.mcap (a level D455 in portrait at 1.2 m, no colour) and truth.json. For evaluation
only: nothing that is imported this way takes part in training."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add what can be imported, and its options."""
    kinds = parser.add_subparsers(title="what to import", dest="kind", metavar="KIND", required=True)
    scans = kinds.add_parser(
        "scans", help="surface scans with the spine marked on radiographs", description=SCANS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    scans.add_argument("folder", type=Path, metavar="DIR", help="folder of subjects: DIR/NN/scan.ply and spine.json")
    scans.add_argument("--out", type=Path, required=True, metavar="DIR", help="output folder, one folder per subject")
    scans.add_argument("--frames", type=int, default=12, metavar="N", help="frames per recording (default: 12)")


def run(args: argparse.Namespace) -> int:
    """Convert every subject; one that cannot be read is named and the others are converted all the same.

    Raises:
        UsageError: no such folder, no subject in it, or too few frames.
        MissingDependencyError: SciPy or Numba is not installed.
    """
    if args.frames < 1:
        raise UsageError("too few frames", expected="--frames 1 or more", found=str(args.frames))
    if not args.folder.is_dir():
        raise UsageError("no such folder", where=str(args.folder), expected="a folder of subjects", found="none")
    subjects = sorted(d for d in args.folder.iterdir() if d.is_dir() and not d.name.startswith("."))
    if not subjects:
        raise UsageError("no subject in the folder", where=str(args.folder),
                         expected="folders with scan.ply and spine.json", found="no folder")
    try:
        from calib.import_scans.convert import convert
    except ModuleNotFoundError as error:
        raise MissingDependencyError(
            "importing scans needs a package that is not installed", expected=str(error.name), found="nothing",
            mend="pip install 'latxgen-edge[phantom]'",
        ) from error
    from calib.import_scans.scan import load_scan

    failures: list[LatxError] = []
    for subject in subjects:
        try:
            print(convert(load_scan(subject), args.out / subject.name, args.frames))
        except LatxError as error:
            print(f"latx-calib: not imported: {error.line()}", file=sys.stderr)
            failures.append(error)
    return failures[0].exit_code if failures else 0

"""``latx-export shapes``: how the phantom's backs differ from scanned ones, statistic by statistic."""

from __future__ import annotations

import argparse
from pathlib import Path

from calib.phantom.tiers import TIER_HELP, TIERS
from edge.cli.arguments import positive

DESCRIPTION = """\
Scanned backs with radiographic truth (see latx-calib import scans -h) and phantoms of the test split are looked at by
the same camera model through the device's own gates and back view, and their shapes are compared: depth and bow of the
spine, lean of the skin, flanks, turn of the surface, asymmetry, stance, roughness. It prints a table and keeps nothing
of the scans."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.description = DESCRIPTION
    parser.add_argument("folder", type=Path, metavar="SCANS", help="folder of NN/scan.ply and NN/spine.json")
    parser.add_argument("--tier", choices=TIERS, metavar="TIER", default="typical",
                        help="realism tier of the phantom: " + TIER_HELP + " (default: %(default)s)")
    parser.add_argument("--subjects", type=positive, default=100, metavar="N",
                        help="phantom subjects (default: %(default)s)")
    parser.add_argument("--first-seed", type=int, default=200, metavar="S",
                        help="first test seed (default: %(default)s)")
    parser.add_argument("--cobb", type=float, nargs=2, default=(0.0, 180.0), metavar=("LOW", "HIGH"),
                        help="compare only with phantoms whose Cobb angle lies between (default: all)")


def run(args: argparse.Namespace) -> int:
    """Look at both and print.

    Raises:
        UsageError: no scans, or seeds that are no test seeds. RecordingError: a scan that cannot be read.
    """
    from calib.import_scans.convert import CAMERA
    from calib.phantom.splits import check_split
    from edge.errors import UsageError
    from export.evaluate.back_shape import BackShape, back_shape
    from export.evaluate.phantom_trials import straight_trial
    from export.evaluate.scan_trials import scan_trials
    from export.evaluate.shape_table import shape_text

    seeds = range(args.first_seed, args.first_seed + args.subjects)
    check_split(seeds, "test")
    real = [shape for trial in scan_trials(args.folder, 1) if (shape := back_shape(trial)) is not None]
    phantom: list[BackShape] = []
    for seed in seeds:
        trial = straight_trial(seed, args.tier, CAMERA)
        if args.cobb[0] <= trial.true_deg["cobb_major"] <= args.cobb[1] and (shape := back_shape(trial)) is not None:
            phantom.append(shape)
    if len(real) < 2 or len(phantom) < 2:
        raise UsageError("too few backs to compare", expected="2 scans and 2 phantoms or more that the device accepts",
                         found=f"{len(real)} and {len(phantom)}")
    print(shape_text(real, phantom, args.tier))
    return 0

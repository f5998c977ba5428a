"""``latx-export intervals``: calibrates a bundle's intervals on validation subjects; they go into its manifest."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Final

from calib.phantom.splits import CALIBRATION_START
from calib.phantom.tiers import TIER_HELP, TIERS
from edge.cli.arguments import positive
from export.commands.cache_arguments import default_cache

DESCRIPTION = """\
Validation subjects go through the device's whole path. From their errors follows how wide an interval must be, given
what the device sees of the view: the model's doubt, the spread between frames, distance, missing depth, folds, build.
A device cannot know a tier of the phantom. As far as its doubt tells one from the other, intervals that are calibrated
on several fit each better than those of one alone, which are far too wide on ideal backs and too narrow on hard ones.
A reader of radiographs (latx-export reader) is added to the bundle on the same occasion, where one is given."""

TIERS_MIXED: Final = ("typical", "sensor", "hard")
FIRST_SUBJECTS, FURTHER_SUBJECTS = 400, 100
"""Validation subjects of the first tier, of whose kind most are that a device meets, and of each further one."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.description = DESCRIPTION
    parser.add_argument("bundle", type=Path, metavar="BUNDLE", help="folder of the bundle; its manifest is rewritten")
    parser.add_argument("--tier", choices=TIERS, nargs="+", metavar="TIER", default=list(TIERS_MIXED),
                        help="realism tiers that are calibrated on: " + TIER_HELP
                             + f" (default: {' '.join(TIERS_MIXED)})")
    parser.add_argument("--subjects", type=positive, nargs="+", metavar="N",
                        help="validation subjects of each tier (default: "
                             f"{FIRST_SUBJECTS} of the first, {FURTHER_SUBJECTS} of each further one)")
    parser.add_argument("--first-seed", type=int, default=CALIBRATION_START, metavar="S",
                        help="first validation seed (default: %(default)s)")
    parser.add_argument("--frames", type=positive, default=4, metavar="N",
                        help="frames per scan (default: %(default)s)")
    parser.add_argument("--threads", type=positive, metavar="N", help="threads of the model; default: all cores")
    parser.add_argument("--workers", type=positive, default=1, metavar="N",
                        help="processes that share the subjects (default: %(default)s)")
    parser.add_argument("--reader", type=Path, metavar="FILE", help="ONNX file of latx-export reader to put in")
    parser.add_argument("--cache", type=Path, default=default_cache().parent / "evaluation", metavar="DIR",
                        help="where results are kept, so that a broken-off calibration goes on (default: %(default)s)")


def run(args: argparse.Namespace) -> int:
    """Measure, fit, write, and say how wide intervals are.

    Raises:
        UsageError: seeds outside validation, too few subjects, or not a number of them per tier. BundleError: no good
            bundle or reader.
    """
    from edge.cli.table import aligned
    from edge.errors import UsageError
    from edge.runtime.bundle import check_bundle
    from export.evaluate.calibration import calibrate, calibration_seeds
    from export.evaluate.campaign import Campaign
    from export.evaluate.interval_fit import with_intervals
    from export.evaluate.sections import LABELS
    from export.onnx.addition import write_additions

    subjects = args.subjects or [FIRST_SUBJECTS] + [FURTHER_SUBJECTS] * (len(args.tier) - 1)
    if len(subjects) != len(args.tier):
        raise UsageError("not one number of subjects per tier", expected=f"{len(args.tier)} numbers",
                         found=" ".join(map(str, subjects)), mend="name as many --subjects as --tier")
    _, digest = check_bundle(args.bundle)
    model, cases = calibrate([
        (Campaign(args.bundle, digest, tier, args.frames, args.threads, args.cache),
         calibration_seeds(count, args.first_seed))
        for tier, count in zip(args.tier, subjects, strict=True)
    ], args.workers)
    write_additions(args.bundle, model, args.reader)
    rows = [["90 % interval, half-width in degrees", "mean before", "mean now", "repeat above"]]
    fitted = [with_intervals(case, model) for case in cases]
    for name, label in LABELS.items():
        before, now = (sum(c.interval_deg[name][1] - c.predicted_deg[name] for c in which) / len(which)
                       for which in (cases, fitted))
        rows.append([label, f"{before:.1f}", f"{now:.1f}", f"{model.widest_deg[name]:.1f}"])
    print("\n".join([*aligned(rows), "", f"calibrated on {model.calibrated_on}; {args.bundle}"]))
    return 0

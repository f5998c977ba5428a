"""``latx-export evaluate``: a bundle's errors on unseen subjects, through the device's whole path, in one table."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from calib.phantom.tiers import TIER_HELP, TIERS
from edge.cli.arguments import add_bundle, positive
from export.commands.cache_arguments import default_cache

if TYPE_CHECKING:
    from export.evaluate.campaign import Campaign
    from export.evaluate.case import Case

REPEATS = 10
"""Scans of one subject from which repeatability is told."""

DESCRIPTION = """\
Each subject is seen by a camera model; its frames are gated, measured in ONNX Runtime and fused exactly as the device
does it. The angles are held against the truth beside baselines that were fitted on training subjects: the population's
mean, the calibrated curve of the skin's mid-line, surface tangents calibrated per level, ridge and gradient boosting on
the shape of the back. With --data scans:DIR real backs take the phantom's place (see latx-calib import scans -h), and
model, skin line and mean are also fitted leave-one-out on the scans themselves."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.description = DESCRIPTION
    add_bundle(parser)
    parser.add_argument("--data", default="phantom", metavar="SOURCE",
                        help="phantom, or scans:DIR with NN/scan.ply and NN/spine.json, or with recordings of "
                             "latx-calib import scans (default: phantom)")
    parser.add_argument("--tier", choices=TIERS, metavar="TIER", default="typical",
                        help="tier of the phantom and of the baselines: " + TIER_HELP + " (default: %(default)s)")
    parser.add_argument("--subjects", type=positive, default=20, metavar="N",
                        help="phantom subjects (default: %(default)s)")
    parser.add_argument("--first-seed", type=int, default=0, metavar="S",
                        help="first test seed (default: %(default)s)")
    parser.add_argument("--frames", type=positive, default=4, metavar="N",
                        help="frames measured per scan; a device takes 12 (default: %(default)s)")
    parser.add_argument("--radiographs", type=count, default=0, metavar="N",
                        help="compare the radiographs of the first N subjects as well (default: none)")
    parser.add_argument("--pix2pix", type=Path, metavar="FILE",
                        help="RUN/pix2pix.pt of latx-export train: also compare the plain U-Net's radiographs, and the "
                             "angles that the bundle's reader reads off them")
    parser.add_argument("--repeats", type=count, default=0, metavar="N",
                        help="scan the first N subjects ten times over (default: none)")
    parser.add_argument("--calibrate", type=count, default=0, metavar="N",
                        help="also say how intervals hold that are calibrated on N validation subjects of this tier; "
                             "a device's are calibrated on several (default: none)")
    parser.add_argument("--robustness", action="store_true",
                        help="instead of the tables, one row per thing that may go wrong, over the same subjects")
    parser.add_argument("--baselines", type=Path, metavar="FILE",
                        help="file of latx-export baselines (default: the shipped one of the tier)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write everything as JSON")
    parser.add_argument("--plots", type=Path, metavar="DIR", help="also draw Bland-Altman, scatter, ROC and intervals")
    parser.add_argument("--pictures", type=Path, metavar="DIR",
                        help="with scans: a picture per subject: film where there is one, radiograph, lines; outside "
                             "of the repository, for patients are shown")
    parser.add_argument("--workers", type=positive, default=1, metavar="N",
                        help="processes that share the subjects (default: %(default)s)")
    parser.add_argument("--cache", type=Path, default=default_cache().parent / "evaluation", metavar="DIR",
                        help="where results are kept, so that a broken-off evaluation goes on (default: %(default)s)")


def run(args: argparse.Namespace) -> int:
    """Evaluate and print. Exit code 0 whatever the errors are: a table is no gate.

    Raises:
        LatxError: bad arguments, bundle, baselines or recordings. A refused subject is a row of the answer, no error.
    """
    from edge.errors import UsageError

    kind, _, folder = args.data.partition(":")
    if (kind, bool(folder)) not in (("phantom", False), ("scans", True)):
        raise UsageError("unknown data", expected="phantom or scans:DIR", found=args.data)
    if args.pictures:
        from export.evaluate.scan_picture import check_outside_repository

        check_outside_repository(args.pictures)
    if not args.robustness:  # before minutes are spent on subjects
        from export.evaluate.baselines import load_baselines, shipped_path

        load_baselines(args.baselines or shipped_path(args.tier))
    if kind == "scans":
        return _scans(args, Path(folder))
    return _robustness(args) if args.robustness else _phantoms(args)


def _phantoms(args: argparse.Namespace) -> int:
    import time

    from calib.phantom.splits import check_split
    from export.evaluate.calibration import calibrate, calibration_seeds, with_tier_intervals
    from export.evaluate.campaign import Task, progress_line, run_campaign

    seeds = range(args.first_seed, args.first_seed + args.subjects)
    check_split(seeds, "test")
    campaign = _campaign(args)
    tasks = [Task(seed, drawn=k < args.radiographs, repeats=REPEATS if k < args.repeats else 0)
             for k, seed in enumerate(seeds)]
    # First, for too few or wrong ones are refused before minutes are spent on the subjects.
    own = calibrate([(campaign, calibration_seeds(args.calibrate))], args.workers)[0] if args.calibrate else None
    cases = run_campaign(campaign, tasks, args.workers, progress_line(time.monotonic()))
    if own is not None:
        cases = with_tier_intervals(cases, own)
    title = f"Phantom {args.tier}, test seeds {seeds.start}:{seeds.stop}, {args.frames} frames per scan"
    return _report(args, title, cases, one_out=False)


def _robustness(args: argparse.Namespace) -> int:
    import time

    from calib.phantom.splits import check_split
    from edge.whole_file import write_whole
    from export.evaluate.campaign import Task, progress_line, run_campaign
    from export.evaluate.robustness import CONDITIONS
    from export.evaluate.robustness_table import robustness_rows, robustness_text

    seeds = range(args.first_seed, args.first_seed + args.subjects)
    check_split(seeds, "test")
    # Subject by subject: a table that was broken off has whole subjects, each under every condition.
    tasks = [Task(seed, condition=condition.name) for seed in seeds for condition in CONDITIONS]
    made = run_campaign(_campaign(args), tasks, args.workers, progress_line(time.monotonic(), "scans"))
    cases = {condition: made[number :: len(CONDITIONS)] for number, condition in enumerate(CONDITIONS)}
    title = (f"Phantom {args.tier}, test seeds {seeds.start}:{seeds.stop}, {args.frames} frames per scan: "
             "one thing changed at a time")
    rows = robustness_rows(cases)
    print(robustness_text(rows, title))
    if args.json:
        content = {"schema": "latx-robustness/1", "title": title, "rows": rows}
        write_whole(args.json, json.dumps(content, indent=1) + "\n", "the evaluation")
    return 0


def _scans(args: argparse.Namespace, folder: Path) -> int:
    from edge.runtime.bundle import load_bundle
    from export.evaluate.examine import examine
    from export.evaluate.scan_picture import write_scan_picture
    from export.evaluate.scan_trials import scan_trials

    cases: list[Case] = []
    trials = scan_trials(folder, args.frames)
    with load_bundle(args.bundle, args.threads, args.runtime) as bundle:
        for trial in trials:
            case, seen = examine(trial, bundle, args.frames, drawn=args.pictures is not None)
            if args.pictures and seen is not None:
                write_scan_picture(args.pictures / f"{case.name}.png", case, seen.result.log_attenuation, trial.folder)
            cases.append(case)
    return _report(args, f"Scans of {folder}, {args.frames} frames per scan", cases, one_out=True)


def _campaign(args: argparse.Namespace) -> Campaign:
    from edge.runtime.bundle import DEFAULT_BUNDLE, check_bundle
    from export.evaluate.campaign import Campaign

    _, digest = check_bundle(args.bundle or DEFAULT_BUNDLE)
    plain = "" if args.pix2pix is None else _checked_plain(args.pix2pix)
    return Campaign(args.bundle, digest, args.tier, args.frames, args.threads, args.cache, args.pix2pix, plain)


def _checked_plain(weights: Path) -> str:
    """The weights' hash, once they are known to be good.

    Raises:
        BundleError: missing or damaged.
    """
    from edge.runtime.bundle import sha256_of
    from export.evaluate.plain_picture import PlainPicture

    PlainPicture(weights)
    return sha256_of(weights)


def _report(args: argparse.Namespace, title: str, cases: list[Case], one_out: bool) -> int:
    from edge.runtime.manifest import INTERVAL_NAMES
    from edge.whole_file import write_whole
    from export.evaluate.baselines import load_baselines, shipped_path
    from export.evaluate.plots import write_plots
    from export.evaluate.predictors import as_they_are, leave_one_out
    from export.evaluate.regressions import load_regressions
    from export.evaluate.report import report_json, report_text, rows_of

    path = args.baselines or shipped_path(args.tier)
    baselines = load_baselines(path)
    regressions = load_regressions(path.with_suffix(".npz")) if path.with_suffix(".npz").is_file() else None
    answered = [case for case in cases if case.answered]
    predictions = as_they_are(answered, INTERVAL_NAMES, baselines, regressions)
    if one_out:
        predictions |= leave_one_out(answered, INTERVAL_NAMES)
    rows = rows_of(answered, predictions)
    print(report_text(title, cases, rows, baselines))
    if args.json:
        content = report_json(title, cases, rows, baselines)
        write_whole(args.json, json.dumps(content, indent=1) + "\n", "the evaluation")
    if args.plots:
        for plot in write_plots(cases, args.plots, title):
            print(plot)
    return 0


def count(text: str) -> int:
    """A whole number, 0 or more."""
    return 0 if text.strip() == "0" else positive(text)

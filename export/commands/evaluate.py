"""``latx-export evaluate``: a bundle's errors on unseen subjects, through the device's whole path, in one table."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable
from pathlib import Path

from edge.cli.arguments import add_bundle, positive
from export.commands.cache_arguments import TIER_NAMES

DESCRIPTION = """\
Each subject is a recording that is replayed, gated, measured and fused exactly as the device does it. Its angles are
held against the truth beside two predictors that cost nothing, fitted on training subjects: the mean of the
population, and the linearly calibrated curve of the skin's mid-line. With --data scans:DIR (see latx-calib import
scans) all three are also fitted leave-one-out on the scans themselves."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.description = DESCRIPTION
    add_bundle(parser)
    parser.add_argument("--data", default="phantom", metavar="SOURCE",
                        help="phantom, or scans:DIR with recordings of latx-calib import scans (default: phantom)")
    parser.add_argument("--tier", choices=TIER_NAMES, default="typical",
                        help="realism tier of the phantom and of the baselines (default: %(default)s)")
    parser.add_argument("--subjects", type=positive, default=20, metavar="N",
                        help="phantom subjects (default: %(default)s)")
    parser.add_argument("--first-seed", type=int, default=0, metavar="S",
                        help="first test seed (default: %(default)s)")
    parser.add_argument("--frames", type=positive, default=12, metavar="N",
                        help="frames measured per subject (default: %(default)s)")
    parser.add_argument("--baselines", type=Path, metavar="FILE",
                        help="file of latx-export baselines (default: the shipped one of the tier)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write everything as JSON")
    parser.add_argument("--pictures", type=Path, metavar="DIR",
                        help="write a picture per subject: film where there is one, radiograph, lines; outside of the "
                             "repository, for patients are shown")


def run(args: argparse.Namespace) -> int:
    """Evaluate and print. Exit code 0 whatever the errors are: a table is no gate.

    Raises:
        LatxError: bad arguments, bundle, baselines or recordings. A refused subject is a row of the answer, no error.
    """
    from edge.errors import UsageError
    from edge.runtime.bundle import INTERVAL_NAMES, load_bundle
    from edge.whole_file import write_whole
    from export.evaluate.baselines import load_baselines, shipped_path
    from export.evaluate.case import Case
    from export.evaluate.examine import examine
    from export.evaluate.phantom_trials import check_test_seeds, phantom_trial
    from export.evaluate.predictors import as_they_are, leave_one_out
    from export.evaluate.report import report_json, report_text, rows_of
    from export.evaluate.scan_picture import check_outside_repository, write_scan_picture
    from export.evaluate.scan_trials import scan_trials
    from export.evaluate.trial import Trial

    kind, _, folder = args.data.partition(":")
    if (kind, bool(folder)) not in (("phantom", False), ("scans", True)):
        raise UsageError("unknown data", expected="phantom or scans:DIR", found=args.data)
    if args.pictures:
        check_outside_repository(args.pictures)
    baselines = load_baselines(args.baselines or shipped_path(args.tier))
    trials: Iterable[Trial]
    if kind == "scans":
        trials = scan_trials(Path(folder), args.frames)
        title, total = f"Scans of {folder}", len(trials)
    else:
        seeds = range(args.first_seed, args.first_seed + args.subjects)
        check_test_seeds(seeds)
        trials = (phantom_trial(seed, args.tier, args.frames) for seed in seeds)
        title, total = f"Phantom {args.tier}, test seeds {seeds.start}:{seeds.stop}", len(seeds)
    cases: list[Case] = []
    with load_bundle(args.bundle, args.threads) as bundle:
        for trial in trials:
            case, seen = examine(trial, bundle, args.frames, drawn=args.pictures is not None)
            if args.pictures and seen is not None:
                write_scan_picture(args.pictures / f"{case.name}.png", case, seen.result.log_attenuation, trial.folder)
            cases.append(case)
            _progress(len(cases), total)
    answered = [case for case in cases if case.answered]
    predictions = as_they_are(answered, INTERVAL_NAMES, baselines)
    if kind == "scans":
        predictions |= leave_one_out(answered, INTERVAL_NAMES)
    rows = rows_of(answered, predictions)
    print(report_text(title, cases, rows, baselines))
    if args.json:
        content = report_json(title, cases, rows, baselines)
        write_whole(args.json, json.dumps(content, indent=1) + "\n", "the evaluation")
    return 0


def _progress(done: int, total: int) -> None:
    if sys.stderr.isatty():
        print(f"{done}/{total} subjects", end="\r" if done < total else "\n", file=sys.stderr, flush=True)

"""``latx-export bisect A B``: the first node at which two forms of a stage part, and what that costs in degrees."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from edge.cli.arguments import positive

DESCRIPTION = """\
A and B are two ONNX files of one stage (FP32 and FP16, before and after a pass), or one file run by two runners. Every
tensor that both have is compared on real views, in the order of A's nodes. For stage 1 the nodes that matter are also
priced: B's value of that one tensor is put into A, and the angles are measured again."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.description = DESCRIPTION
    parser.add_argument("a", type=Path, metavar="A", help="ONNX file, or a bundle's folder (its FP32 file of --stage)")
    parser.add_argument("b", type=Path, metavar="B", help="the same, to be held against A")
    parser.add_argument("--stage", choices=("structure", "radiograph"), default="structure",
                        help="stage that is meant where a folder is given (default: %(default)s)")
    parser.add_argument("--inputs", action="append", metavar="SOURCE",
                        help="recording, calibration set or folder of either; may be given again (default: the "
                             "shipped demonstration)")
    parser.add_argument("--view-count", type=positive, default=2, metavar="N", help="views (default: %(default)s)")
    parser.add_argument("--tolerance", type=float, default=0.01, metavar="T",
                        help="largest error of any value, as a share of its tensor's range (default: %(default)s)")
    for side in "ab":
        parser.add_argument(f"--runner-{side}", default="onnxruntime", metavar="R",
                            help=f"what runs {side.upper()}: onnxruntime, onnxruntime-plain (no fusions), openvino, "
                                 "tensorrt (default: %(default)s)")
    parser.add_argument("--rows", type=positive, default=8, metavar="N", help="rows of the table (default: 8)")
    parser.add_argument("--bundle", type=Path, metavar="DIR",
                        help="whose stage 1 feeds stage 2 (default: the bundle beside A, else the shipped one)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write everything as JSON")


def run(args: argparse.Namespace) -> int:
    """Compare and print. Exit code 0 whatever is found: a table is no gate.

    Raises:
        LatxError: bad files, runners or inputs.
    """
    from edge.errors import UsageError
    from edge.runtime.stages import STAGES
    from edge.whole_file import write_whole
    from export.bisect.executors import EXECUTORS
    from export.bisect.feeds import stage_feeds
    from export.bisect.graph import load_stage, shared_points
    from export.bisect.report import Finding, finding_json, finding_text
    from export.bisect.search import Side, deviations, splice_deg

    for runner in (args.runner_a, args.runner_b):
        if runner not in EXECUTORS:
            raise UsageError("unknown runner", expected=", ".join(EXECUTORS), found=repr(runner),
                             mend="give one of these")
    if not 0 < args.tolerance < 1e6:
        raise UsageError("the tolerance must be above 0", where="--tolerance", found=str(args.tolerance))
    paths = [path / f"{args.stage}.onnx" if path.is_dir() else path for path in (args.a, args.b)]
    (model_a, stage), (model_b, stage_b) = (load_stage(path) for path in paths)
    if stage != stage_b:
        raise UsageError("A and B are different stages", where=str(paths[1]), expected=stage, found=stage_b,
                         mend="give two files of one stage")
    views = stage_feeds(stage, args.inputs or ["demo"], args.view_count, args.bundle, paths[0].parent)
    a, b = Side(model_a, args.runner_a), Side(model_b, args.runner_b)
    points = shared_points(model_a, model_b)
    labels = [f"{path.name} ({side.runner})" for path, side in zip(paths, (a, b), strict=True)]
    finding = Finding(stage, labels[0], labels[1], len(views), args.tolerance,
                      deviations(a, b, points, views, lambda done: _progress(done, len(points))), {}, None)
    if stage == next(iter(STAGES)):
        priced = {d.point.tensor: splice_deg(a, b, d.point.tensor, views) for d in finding.notable(args.rows)}
        total = splice_deg(a, b, "endplates_mm", views)
        finding = Finding(stage, labels[0], labels[1], len(views), args.tolerance, finding.deviations, priced, total)
    print(finding_text(finding, args.rows))
    if args.json:
        write_whole(args.json, json.dumps(finding_json(finding), indent=1) + "\n", "the bisection")
    return 0


def _progress(done: int, total: int) -> None:
    if sys.stderr.isatty():
        print(f"{done}/{total} tensors", end="\r" if done < total else "\n", file=sys.stderr, flush=True)

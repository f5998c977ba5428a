"""``latx-export compare``: bundles, precisions and runtimes on the same recordings, in degrees."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from edge.cli.arguments import positive

if TYPE_CHECKING:
    from calib.collect.view_check import View

DESCRIPTION = """\
Run the same views of real recordings through two or more models and print how far each departs from the first: every
output tensor as a share of its range, every angle in degrees (per scan: the median over its frames), and the time of
the two bare stages, all in one run. A model is BUNDLE or BUNDLE@FORM; FORM is fp32 (default), fp16, int8-cpu, int8 (the
files of latx-calib quantize, on ONNX Runtime) or tensorrt (the bundle's engines)."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.description = DESCRIPTION
    parser.add_argument("models", nargs="+", metavar="MODEL",
                        help="BUNDLE[@FORM], at least two; others are held against the first")
    parser.add_argument("--recordings", nargs="+", type=Path, required=True, metavar="RECORDING",
                        help="recordings, or folders that hold recording.mcap or folders with one each")
    parser.add_argument("--frames", type=positive, default=3, metavar="N",
                        help="accepted frames of each recording (default: %(default)s)")
    parser.add_argument("--threads", type=positive, metavar="N", help="threads of the model; default: all cores")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write everything as JSON")


def run(args: argparse.Namespace) -> int:
    """Compare and print. Exit code 0 whatever the differences are: a table is no gate.

    Raises:
        UsageError: fewer than two models, an unknown form, no recordings, or no frame that passes the gates.
        BundleError: a bundle lacks the files asked for. RecordingError: a recording cannot be read.
    """
    from calib.collect.gather import recordings_in
    from edge.errors import UsageError
    from edge.whole_file import write_whole
    from export.compare.contender import contender
    from export.compare.measure import compare
    from export.compare.report import as_json, text

    if len(args.models) < 2:
        raise UsageError("nothing to compare with", expected="at least two models", found=args.models[0],
                         mend="for example: BUNDLE BUNDLE@fp16 BUNDLE@int8-cpu")
    contenders = [contender(model) for model in args.models]
    recordings = recordings_in(args.recordings)
    with ExitStack() as stack:
        bundles = [stack.enter_context(c.load(args.threads)) for c in contenders]
        scans = (_views(path, args.frames, number, len(recordings)) for number, path in enumerate(recordings, 1))
        compared = compare([c.name for c in contenders], bundles, scans)
    if not compared.views:
        raise UsageError("no frame of the recordings passes the gates", where=str(recordings[0]),
                         expected="at least one", found="0", mend="give recordings that latx-edge scan accepts")
    print(text(compared))
    if args.json:
        write_whole(args.json, json.dumps(as_json(compared), indent=1) + "\n", "the comparison")
    return 0


def _views(recording: Path, frames: int, number: int, total: int) -> Iterator[View]:
    from calib.collect.gather import views_of
    from edge.view.gates import Refusal

    yield from (view for view in views_of(recording, frames) if not isinstance(view, Refusal))
    if sys.stderr.isatty():
        print(f"\r{number}/{total} recordings", end="" if number < total else "\n", file=sys.stderr, flush=True)

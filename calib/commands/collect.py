"""``latx-calib collect RECORDING... --out SET``: a calibration set from recordings, through the device's own path."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from edge.cli.arguments import positive

if TYPE_CHECKING:
    from calib.collect.view_check import View

DESCRIPTION = """\
Gather what both stages are given on real recordings: each frame is gated, projected and lifted as the device does it,
and stage 2's inputs come from the bundle's own stage 1. The set is a folder of .npz files listed by sha256 in
set.json; latx-calib quantize reads it. It holds depth on the body's grid and no picture, but treat it as you treat
the recordings: it shows children's backs."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.description = DESCRIPTION
    parser.add_argument("recordings", nargs="+", type=Path, metavar="RECORDING",
                        help="recordings, or folders that hold recording.mcap or folders with one each")
    parser.add_argument("--out", type=Path, required=True, metavar="SET", help="folder of the set")
    parser.add_argument("--bundle", type=Path, metavar="DIR", help="model bundle; default: the one that is shipped")
    parser.add_argument("--frames", type=positive, default=1, metavar="N",
                        help="accepted frames to take from each recording; default 1: other subjects say more")
    parser.add_argument("--threads", type=positive, metavar="N", help="threads of the model; default: all cores")


def run(args: argparse.Namespace) -> int:
    """Collect, check, write.

    Raises:
        UsageError: no recordings, too few views, or a view that is empty, NaN or constant.
        RecordingError: a recording cannot be read. OutputError: the set cannot be written.
    """
    from datetime import datetime, timezone

    from calib.collect.calibration_set import write_set
    from calib.collect.gather import Gathered, gather, recordings_in, stage_inputs
    from edge.runtime.bundle import load_bundle

    recordings, tally = recordings_in(args.recordings), Gathered()
    now = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    with load_bundle(args.bundle, args.threads, "onnxruntime") as bundle:
        views = _shown(gather(recordings, bundle, args.frames, tally), len(recordings) * args.frames)
        manifest = write_set(args.out, views, stage_inputs(bundle), len(recordings),
                             bundle.manifest.stages.structure.sha256, now)
    size = sum(entry.bytes for entry in manifest.views) / 1e6
    print(f"{args.out}: {len(manifest.views)} views of {len(recordings)} recordings, {size:.0f} MB; "
          f"{tally.refused} frames refused by the gates")
    return 0


def _shown(views: Iterator[View], most: int) -> Iterator[View]:
    for number, view in enumerate(views, 1):
        if sys.stderr.isatty():
            print(f"\r{number} of at most {most} views", end="", file=sys.stderr, flush=True)
        yield view
    if sys.stderr.isatty():
        print(file=sys.stderr)

"""``latx-export bench BUNDLE``: both stages on everything that can run them, in one run and in turns."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

from edge.cli.arguments import positive

DESCRIPTION = """\
Each contender is a process of its own and gets the same frames; they take turns of a few frames, so whatever else the
machine does meets them all. Memory is the peak of the whole process. Loading takes torch.compile half a minute and the
others seconds; on a busy machine PyTorch's threads wait for each other, and all takes far longer. What is not there
(PyTorch without --checkpoint, INT8 files, engines) is named below the table, not guessed."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.description = DESCRIPTION
    parser.add_argument("bundle", type=Path, metavar="BUNDLE", help="folder of the bundle")
    parser.add_argument("--checkpoint", type=Path, metavar="RUN", help="run folder of the same weights, for PyTorch")
    parser.add_argument("--views", action="append", metavar="SOURCE",
                        help="recording or folder of them; may be given again (default: the shipped demonstration)")
    parser.add_argument("--frames", type=positive, default=50, metavar="N",
                        help="timed frames of each (default: %(default)s)")
    parser.add_argument("--threads", type=positive, default=len(os.sched_getaffinity(0)), metavar="N",
                        help="threads of each (default: %(default)s)")
    parser.add_argument("--patience", type=positive, default=300, metavar="S",
                        help="seconds after which a contender that loads or runs a turn is given up (default: "
                             "%(default)s)")
    parser.add_argument("--only", action="append", metavar="NAME",
                        help="leave out all others; may be given again")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write everything as JSON")


def run(args: argparse.Namespace) -> int:
    """Time and print.

    Raises:
        LatxError: bad bundle or recordings. A contender that cannot run is a line of the answer, no error.
    """
    from edge.cli.table import aligned
    from edge.errors import UsageError
    from edge.runtime.bundle import check_bundle
    from edge.whole_file import write_whole
    from export.bench.contenders import CONTENDERS, Arrays, Setting
    from export.bench.race import race
    from export.engine.views import read_views

    names = args.only or list(CONTENDERS)
    unknown = [name for name in names if name not in CONTENDERS]
    if unknown:
        raise UsageError("unknown contender", where="--only", expected=", ".join(CONTENDERS), found=unknown[0],
                         mend="give one of these")
    check_bundle(args.bundle)
    views = list[Arrays](read_views(args.views or ["demo"], 4))
    bench = race(names, Setting(args.bundle, args.checkpoint, args.threads), views, args.frames,
                 float(args.patience), _say)
    _say("")
    if not bench.rows:
        raise UsageError("nothing could run the bundle", where=str(args.bundle),
                         found="; ".join(f"{name}: {why}" for name, why in bench.absent.items()))
    table = [["Both stages, one frame", "p50 ms", "p95 ms", "frames/s", "ratio", "MB", "load s", "apart deg"]]
    table += [[row.name, f"{row.p50_ms:.1f}", f"{row.p95_ms:.1f}", f"{1e3 / row.p50_ms:.1f}",
               f"{bench.ratio(row):.2f}", f"{row.memory_mb:.0f}", f"{row.load_s:.1f}", f"{row.apart_deg:.3f}"]
              for row in bench.rows]
    print("\n".join(aligned(table)))
    print(f"\n{bench.frames} frames each, in turns, {bench.threads} threads; ratio and degrees against "
          f"{bench.baseline.name}; MB: peak of the process")
    for name, why in bench.absent.items():
        print(f"not run: {name}: {why}")
    if args.json:
        write_whole(args.json, json.dumps(bench.as_json(), indent=1) + "\n", "the bench")
    return 0


def _say(text: str) -> None:
    """Rewrite the one line on a terminal; "" clears it."""
    if sys.stderr.isatty():
        print(f"\r{text:<60}", end="" if text else "\r", file=sys.stderr, flush=True)

"""``latx-export shards``: phantom subjects rendered by a Dask cluster into WebDataset shards, for training at scale."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from calib.phantom.tiers import TIER_HELP, TIERS
from export.commands.cache_arguments import seed_range


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("--out", type=Path, required=True, metavar="DIR",
                        help="folder of the shards, at the same path for every worker")
    parser.add_argument("--tier", choices=TIERS, metavar="TIER", default="typical",
                        help="realism tier of the phantom: " + TIER_HELP + " (default: %(default)s)")
    parser.add_argument("--seeds", type=seed_range, required=True, metavar="FIRST:END",
                        help="seeds to render, e.g. 1000000:2000000")
    parser.add_argument("--radiographs", type=float, default=0.1, metavar="SHARE",
                        help="share of the subjects that also get a radiograph, 0 to 1 (default: %(default)s)")
    parser.add_argument("--scheduler", default=None, metavar="ADDRESS",
                        help="a running Dask scheduler, e.g. tcp://node1:8786 (default: processes on this machine)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, metavar="N",
                        help="processes where no scheduler is given (default: %(default)s)")


def run(args: argparse.Namespace) -> int:
    """Render the shards that are missing."""
    from export.train.shards import render_shards

    counts = render_shards(args.out, args.tier, args.seeds, args.radiographs, args.scheduler, args.jobs)
    print(f"{counts['subjects']} subjects rendered, {counts['left_out']} left out")
    return 0

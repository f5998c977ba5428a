"""``latx-export render``: phantom subjects through the device's own path into the training cache."""

from __future__ import annotations

import argparse
import os

from export.commands.cache_arguments import add_cache, seed_range


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    add_cache(parser)
    parser.add_argument("--seeds", type=seed_range, required=True, action="append", metavar="FIRST:END",
                        help="seeds to render, e.g. 1000000:1004000; may be given more than once")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, metavar="N",
                        help="processes (default: %(default)s)")
    parser.add_argument("--radiographs", type=float, default=1.0, metavar="SHARE",
                        help="share of the subjects that also get a radiograph, 0 to 1 (default: %(default)s)")


def run(args: argparse.Namespace) -> int:
    """Render what the cache lacks."""
    from export.train.phantom_source import render_cache

    for seeds in args.seeds:
        render_cache(args.cache, args.tier, seeds, args.jobs, args.radiographs)
    return 0

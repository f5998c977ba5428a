"""Arguments that several subcommands share: the cache, the tier and seed ranges."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from calib.phantom.tiers import TIER_HELP, TIERS


def default_cache() -> Path:
    """``$XDG_CACHE_HOME/latx/phantom``, by default below the user's home."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "latx" / "phantom"


def seed_range(text: str) -> range:
    """``A:B`` -> range(A, B)."""
    first, colon, last = text.partition(":")
    try:
        seeds = range(int(first), int(last))
    except ValueError:
        seeds = range(0)
    if not colon or not seeds or seeds[0] < 0:
        raise argparse.ArgumentTypeError(f"expected FIRST:END with 0 <= FIRST < END, found {text!r}")
    return seeds


def add_cache(parser: argparse.ArgumentParser, several: bool = False) -> None:
    """``--cache`` and ``--tier``; ``several`` tiers may be named at once, the first being the main one."""
    parser.add_argument("--cache", type=Path, default=default_cache(), metavar="DIR",
                        help="folder of rendered phantom subjects (default: %(default)s)")
    if several:
        parser.add_argument("--tier", choices=TIERS, metavar="TIER", nargs="+", default=["typical"],
                            help="realism tiers to train on, the first being the one to validate on: " + TIER_HELP +
                                 " (default: typical)")
        return
    parser.add_argument("--tier", choices=TIERS, metavar="TIER", default="typical",
                        help="realism tier of the phantom: " + TIER_HELP + " (default: %(default)s)")


def add_training_seeds(parser: argparse.ArgumentParser) -> None:
    """``--seeds`` for training subjects."""
    parser.add_argument("--seeds", type=seed_range, default=None, metavar="FIRST:END",
                        help="training seeds to take from the cache (default: all that are there)")

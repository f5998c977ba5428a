"""``latx-export lean``: a run whose expert for typical backs leans on the one for ideal backs."""

from __future__ import annotations

import argparse
from pathlib import Path

from export.commands.derived_run import check_derived, write_derived

DESCRIPTION = """\
Stage 1 has one linear expert per kind of back. The one for typical backs knows how loosely skin and spine hang
together on the phantom; where scanned backs are measured better so, let it answer in part as the expert for ideal
backs does: why they are is not known, a closer phantom changed nothing about it. Phantom errors grow a little by it.
RUN gets the weights and says what they were made from; check them with latx-export evaluate, on the phantom and on
scans."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.description = DESCRIPTION
    parser.add_argument("run", type=Path, metavar="TRAINED", help="run folder with structure.pt")
    parser.add_argument("--share", type=float, required=True, metavar="S",
                        help="share of the expert for ideal backs, 0 to 1")
    parser.add_argument("--out", type=Path, required=True, metavar="RUN", help="run folder; gets structure.pt")


def run(args: argparse.Namespace) -> int:
    """Write ``RUN/structure.pt`` and ``RUN/structure_training.json``."""
    from export.train.lean import leaning_weights
    from export.train.provenance import read_training

    check_derived(args.out, "structure", args.share)
    trained = read_training(args.run, "structure")
    target = write_derived(args.out, "structure", leaning_weights(args.run / "structure.pt", args.share), {
        "trained_on": trained.get("trained_on", "not recorded"),
        "validated_on": trained.get("validated_on", "nothing"), "trained": trained,
    })
    print(f"{target}: typical backs answered by {args.share:g} as ideal ones")
    return 0

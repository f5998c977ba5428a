"""``latx-export lean``: a run whose expert for typical backs leans on the one for ideal backs."""

from __future__ import annotations

import argparse
from pathlib import Path

from edge.errors import UsageError

DESCRIPTION = """\
Stage 1 has one linear expert per kind of back. The one for typical backs knows how loosely skin and spine hang
together on the phantom; where scanned backs show that theirs do more closely, let it answer in part as the expert for
ideal backs does. Phantom errors grow a little by it. RUN gets the weights and says what they were made from; check them
with latx-export evaluate, on the phantom and on scans."""


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
    from export.train.loop import save_atomic
    from export.train.provenance import command_line, read_training, write_record

    if not 0.0 <= args.share <= 1.0:
        raise UsageError("no such share", expected="0 to 1", found=str(args.share), mend="give --share 0.5")
    target = args.out / "structure.pt"
    if target.exists():
        raise UsageError("the run has weights of this stage", found=str(target), mend="name another folder with --out")
    weights = leaning_weights(args.run / "structure.pt", args.share)
    args.out.mkdir(parents=True, exist_ok=True)
    save_atomic(weights, target)
    trained = read_training(args.run, "structure")
    write_record(args.out, "structure", {
        "command": command_line(), "trained_on": trained.get("trained_on", "not recorded"),
        "validated_on": trained.get("validated_on", "nothing"), "trained": trained,
    })
    print(f"{target}: typical backs answered by {args.share:g} as ideal ones")
    return 0

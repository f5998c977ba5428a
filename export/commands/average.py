"""``latx-export average``: weights between those of a run and of the one that it was fine-tuned from."""

from __future__ import annotations

import argparse
from pathlib import Path

from edge.errors import UsageError

DESCRIPTION = """\
Fine-tuned weights are at their best where they were tuned; between them and those that they started from lie weights
that are often better still, and that lose less elsewhere. RUN gets the weights and says what they were made from; check
them with latx-export evaluate."""
STAGES = ("structure", "radiograph")


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.description = DESCRIPTION
    parser.add_argument("stage", choices=STAGES, help="which stage's weights")
    parser.add_argument("earlier", type=Path, metavar="EARLIER", help="run folder that the other one started from")
    parser.add_argument("tuned", type=Path, metavar="TUNED", help="run folder of train --start-from EARLIER/STAGE.pt")
    parser.add_argument("--share", type=float, default=0.5, metavar="S",
                        help="share of TUNED, 0 to 1 (default: %(default)s)")
    parser.add_argument("--out", type=Path, required=True, metavar="RUN", help="run folder; gets STAGE.pt")


def run(args: argparse.Namespace) -> int:
    """Write ``RUN/<stage>.pt`` and ``RUN/<stage>_training.json``."""
    from export.train.loop import save_atomic
    from export.train.mean_weights import mean_weights
    from export.train.provenance import command_line, read_training, write_record

    if not 0.0 <= args.share <= 1.0:
        raise UsageError("no such share", expected="0 to 1", found=str(args.share), mend="give --share 0.5")
    target = args.out / f"{args.stage}.pt"
    if target.exists():
        raise UsageError("the run has weights of this stage", found=str(target), mend="name another folder with --out")
    weights = mean_weights(args.earlier / f"{args.stage}.pt", args.tuned / f"{args.stage}.pt", args.share)
    args.out.mkdir(parents=True, exist_ok=True)
    save_atomic(weights, target)
    parts = {name: read_training(folder, args.stage)
             for name, folder in (("earlier", args.earlier), ("tuned", args.tuned))}
    trained_on = dict.fromkeys(part["trained_on"] for part in parts.values() if "trained_on" in part)
    write_record(args.out, args.stage, {
        "command": command_line(), "trained_on": " + ".join(trained_on) or "not recorded",
        "validated_on": parts["tuned"].get("validated_on", "nothing"), **parts,
    })
    print(f"{target}: {args.share:g} of {args.tuned}, {1 - args.share:g} of {args.earlier}")
    return 0

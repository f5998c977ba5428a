"""``latx-export average``: weights between those of a run and of the one that it was fine-tuned from."""

from __future__ import annotations

import argparse
from pathlib import Path

from edge.cli.arguments import positive
from export.commands.cache_arguments import add_cache, add_training_seeds
from export.commands.derived_run import check_derived, write_derived

DESCRIPTION = """\
Fine-tuned weights are at their best where they were tuned; between them and those that they started from lie weights
that are often better still, and that lose less elsewhere. The statistics of normalisations cannot be averaged: they are
measured anew on training subjects of the cache. RUN gets the weights and says what they were made from; check them with
latx-export evaluate."""
STAGES = ("structure", "radiograph")


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.description = DESCRIPTION
    parser.add_argument("stage", choices=STAGES, help="which stage's weights")
    parser.add_argument("earlier", type=Path, metavar="EARLIER", help="run folder that the other one started from")
    parser.add_argument("tuned", type=Path, metavar="TUNED", help="run folder of train --start-from EARLIER/STAGE.pt")
    parser.add_argument("--share", type=float, default=0.5, metavar="S",
                        help="share of TUNED, 0 to 1 (default: %(default)s)")
    add_cache(parser, several=True)
    add_training_seeds(parser)
    parser.add_argument("--subjects", type=positive, default=448, metavar="N",
                        help="training subjects to measure statistics on (default: %(default)s)")
    parser.add_argument("--threads", type=positive, default=1, metavar="N", help="threads (default: %(default)s)")
    parser.add_argument("--out", type=Path, required=True, metavar="RUN", help="run folder; gets STAGE.pt")


def run(args: argparse.Namespace) -> int:
    """Write ``RUN/<stage>.pt`` and ``RUN/<stage>_training.json``."""
    import torch

    torch.set_num_threads(args.threads)
    from export.train.mean_weights import mean_weights, with_own_statistics
    from export.train.phantom_source import PhantomCache
    from export.train.provenance import read_training
    from export.train.sources import joined

    check_derived(args.out, args.stage, args.share)
    weights = mean_weights(args.earlier / f"{args.stage}.pt", args.tuned / f"{args.stage}.pt", args.share)
    source = joined([PhantomCache(args.cache, tier, "train", args.seeds) for tier in args.tier], None)
    weights = with_own_statistics(weights, args.stage, args.tuned / "structure.pt", source, args.subjects)
    parts = {name: read_training(folder, args.stage)
             for name, folder in (("earlier", args.earlier), ("tuned", args.tuned))}
    trained_on = dict.fromkeys(part["trained_on"] for part in parts.values() if "trained_on" in part)
    target = write_derived(args.out, args.stage, weights, {
        "trained_on": " + ".join(trained_on) or "not recorded",
        "validated_on": parts["tuned"].get("validated_on", "nothing"), **parts,
    })
    print(f"{target}: {args.share:g} of {args.tuned}, {1 - args.share:g} of {args.earlier}")
    return 0

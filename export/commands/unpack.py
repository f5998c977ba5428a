"""``latx-export unpack BUNDLE --out RUN``: a bundle's weights as a run folder, to train on from there."""

from __future__ import annotations

import argparse
from pathlib import Path

from edge.cli.arguments import positive
from export.commands.cache_arguments import add_cache, add_training_seeds

DESCRIPTION = """\
Checkpoints are not shipped; the FP32 files of a bundle hold the same weights. RUN gets prior.npz, structure.pt and
radiograph.pt, which compute what the files compute, to begin with (train --start-from) or to export again. Exporting
folds normalisations away whose statistics training needs: they are measured on subjects of the cache."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.description = DESCRIPTION
    parser.add_argument("bundle", type=Path, metavar="BUNDLE", help="folder of the bundle, e.g. edge/bundle")
    add_cache(parser)
    add_training_seeds(parser)
    parser.add_argument("--subjects", type=positive, default=96, metavar="N",
                        help="subjects of the cache to measure statistics on (default: %(default)s)")
    parser.add_argument("--out", type=Path, required=True, metavar="RUN", help="run folder to write; must not exist")
    parser.add_argument("--threads", type=positive, default=1, metavar="N", help="threads (default: %(default)s)")


def run(args: argparse.Namespace) -> int:
    """Unpack both stages, hold them against the files, and write the folder whole or not at all.

    Raises:
        UsageError: RUN exists, or no training subjects in the cache. BundleError: the bundle is altered, or of another
            architecture or exporter. OutputError: RUN cannot be written.
    """
    import torch

    torch.set_num_threads(args.threads)
    from edge.errors import UsageError
    from export.onnx.unpacked_run import write_run
    from export.train.phantom_source import PhantomCache

    if args.out.exists():
        raise UsageError("the run folder exists", found=str(args.out), mend="name another one with --out")
    source = PhantomCache(args.cache, args.tier, "train", args.seeds)
    agreement = write_run(args.bundle, source, args.subjects, args.out)
    print(f"{args.out}: both stages as in {args.bundle}, off by {agreement:.1e} of an output's range at most")
    return 0

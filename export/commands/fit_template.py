"""``latx-export fit-template``: the prior of stage 1 from the training subjects of the cache."""

from __future__ import annotations

import argparse
from pathlib import Path

from export.commands.cache_arguments import add_cache, add_training_seeds


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    add_cache(parser)
    add_training_seeds(parser)
    parser.add_argument("--out", type=Path, required=True, metavar="RUN", help="run folder; gets prior.npz")
    parser.add_argument("--modes", type=int, default=48, metavar="K",
                        help="modes of the shape model (default: %(default)s)")
    parser.add_argument("--images", type=int, default=256, metavar="N",
                        help="radiographs averaged into the template (default: %(default)s)")


def run(args: argparse.Namespace) -> int:
    """Fit and write ``RUN/prior.npz`` with a picture of the template."""
    import numpy as np

    from export.train.phantom_source import PhantomCache
    from export.train.pictures import grey, write_picture
    from export.train.provenance import command_line, write_record
    from export.train.template import fit_prior

    source = PhantomCache(args.cache, args.tier, "train", args.seeds)
    prior = fit_prior(source, args.modes, args.images)
    args.out.mkdir(parents=True, exist_ok=True)
    prior.save(args.out / "prior.npz")
    images = min(args.images, sum(source.has_radiograph))
    write_record(args.out, "prior", {"command": command_line(), "trained_on": source.described, "images": images})
    write_picture(args.out / "samples" / "template.png", np.concatenate([grey(c) for c in prior.template], axis=1))
    print(f"{args.out / 'prior.npz'}: {len(prior.modes_mm)} modes from {len(source)} subjects ({source.described})")
    return 0

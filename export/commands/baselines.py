"""``latx-export baselines``: fits what an evaluation compares with: mean, skin line, tangents, ridge, boosting."""

from __future__ import annotations

import argparse
from pathlib import Path

from export.commands.cache_arguments import add_cache, add_training_seeds


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    add_cache(parser)
    add_training_seeds(parser)
    parser.add_argument("--out", type=Path, metavar="FILE",
                        help="file to write, with an .npz of the same name beside it (default: the shipped ones of the "
                             "tier, inside the package)")


def run(args: argparse.Namespace) -> int:
    """Fit on cached training subjects and say what came out.

    Raises:
        UsageError: no training subjects in the cache, or too few.
        OutputError: the file cannot be written.
    """
    from edge.cli.table import aligned
    from export.evaluate.baselines import fit_baselines, save_baselines, shipped_path
    from export.evaluate.regressions import fit_regressions, save_regressions, shape_samples
    from export.evaluate.sections import LABELS
    from export.train.phantom_source import PhantomCache

    source = PhantomCache(args.cache, args.tier, "train", args.seeds)
    baselines = fit_baselines(source, source.described)
    path = args.out or shipped_path(args.tier)
    regressions = fit_regressions(*shape_samples(source), source.described)
    save_baselines(baselines, path)
    save_regressions(regressions, path.with_suffix(".npz"))
    rows = [["Angle (degrees)", "mean", "skin kyphosis x", "skin lordosis x", "offset"]]
    for name, mean in baselines.mean_deg.items():
        line = baselines.skin_line[name]
        rows.append([LABELS[name], f"{mean:.1f}", f"{line.kyphosis:+.3f}", f"{line.lordosis:+.3f}",
                     f"{line.offset_deg:+.1f}"])
    print("\n".join([*aligned(rows), "", f"fitted on {baselines.subjects} subjects; {path}"]))
    return 0

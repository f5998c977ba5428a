"""``latx-export card``: what was measured of a bundle goes into its model card."""

from __future__ import annotations

import argparse
from pathlib import Path

DESCRIPTION = """\
A table per evaluation: every angle's error, bias, agreement and interval beside the best of the other predictors, what
was found of curves, and how the radiographs compare. The card then says what its weights can do, and cannot."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.description = DESCRIPTION
    parser.add_argument("bundle", type=Path, metavar="BUNDLE", help="folder of the bundle; its card is rewritten")
    parser.add_argument("evaluations", type=Path, nargs="+", metavar="FILE",
                        help="files of latx-export evaluate --json, in the order in which they are to stand")


def run(args: argparse.Namespace) -> int:
    """Write the card and the manifest.

    Raises:
        UsageError: a file is no evaluation. BundleError: no good bundle. OutputError: it cannot be written.
    """
    from edge.runtime.bundle import check_bundle
    from export.evaluate.card_section import read_evaluation, with_evaluations
    from export.onnx.addition import write_additions

    evaluations = [read_evaluation(path) for path in args.evaluations]
    manifest, _ = check_bundle(args.bundle)
    path = args.bundle / manifest.model_card.file
    write_additions(args.bundle, card=with_evaluations(path.read_text(encoding="utf-8"), evaluations))
    print(f"{path}: {', '.join(str(e['title']) for e in evaluations)}")
    return 0

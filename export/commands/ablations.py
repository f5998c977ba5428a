"""``latx-export ablations RUN...``: what the networks of several runs are worth, on the same validation subjects."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from export.commands.cache_arguments import add_cache, seed_range

if TYPE_CHECKING:
    from export.evaluate.ablation import Row

DESCRIPTION = """\
A row per network of each run folder: stage 1's angles; the pictures of both stages, of stage 1 alone (its warped
template) and of the plain U-Net, held against the true films, with the angles that the reader reads off them. Steps and
minutes of training stand beside, for only equal budgets can be compared."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.description = DESCRIPTION
    parser.add_argument("runs", type=Path, nargs="+", metavar="RUN", help="run folders of latx-export train")
    add_cache(parser)
    parser.add_argument("--validation-seeds", type=seed_range, default=None, metavar="FIRST:END",
                        help="validation seeds (default: all in the cache)")
    parser.add_argument("--reader", type=Path, metavar="FILE",
                        help="FILE.ckpt that latx-export reader left beside its ONNX file; without it no angles are "
                             "read off pictures")
    parser.add_argument("--threads", type=int, default=1, metavar="N", help="threads (default: %(default)s)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write everything as JSON")


def run(args: argparse.Namespace) -> int:
    """Evaluate and print.

    Raises:
        UsageError: a run without any trained network, no validation subjects. BundleError: damaged weights.
    """
    import dataclasses

    import torch

    from edge.errors import UsageError
    from edge.whole_file import write_whole
    from export.evaluate.ablation import load_reader, picture_rows, structure_row
    from export.train.phantom_source import PhantomCache
    from export.train.sources import WithRadiograph

    torch.set_num_threads(args.threads)
    for folder in args.runs:
        if not any((folder / f"{stage}.pt").exists() for stage in ("structure", "radiograph", "pix2pix")):
            raise UsageError("no trained network in this folder", where=str(folder),
                             expected="a run of latx-export train", mend="train one first")
    reader = load_reader(args.reader) if args.reader else None
    validation = PhantomCache(args.cache, args.tier, "validation", args.validation_seeds)
    angles = [structure_row(folder, validation) for folder in args.runs if (folder / "structure.pt").exists()]
    drawn = any((folder / f"{stage}.pt").exists() for folder in args.runs for stage in ("radiograph", "pix2pix"))
    films = WithRadiograph(validation) if drawn else None
    pictures = [row for folder in args.runs for row in picture_rows(folder, films, reader)] if films else []
    print(ablation_text(angles, pictures, validation.described))
    if args.json:
        content = {"schema": "latx-ablations/1", "subjects": validation.described,
                   "stage_1": [dataclasses.asdict(row) for row in angles],
                   "pictures": [dataclasses.asdict(row) for row in pictures]}
        write_whole(args.json, json.dumps(content, indent=1) + "\n", "the ablations")
    return 0


def ablation_text(angles: list[Row], pictures: list[Row], subjects: str) -> str:
    """Both tables for a person."""
    from edge.cli.table import aligned
    from export.evaluate.sections import SHOWN

    lines = [f"On {subjects}", ""]
    rows = [["Stage 1: MAE, degrees", "without", "steps", "min", *SHOWN.values(), "landmarks, mm"]]
    rows += [[*_head(row), *(_number(row.mae_deg.get(name), 2) for name in SHOWN), _number(row.landmark_mm, 1)]
             for row in angles]
    lines += aligned(rows) if angles else []
    read = [name for name in SHOWN if name != "cobb_major"]
    rows = [["Picture", "network", "without", "steps", "min", "L1", "PSNR, dB", "SSIM", "MS-SSIM",
             *(f"{SHOWN[name]} read off" for name in read)]]
    for row in pictures:
        name, *budget = _head(row)
        rows.append([name, row.network, *budget, _number(row.film["l1"], 3), _number(row.film["psnr_db"], 2),
                     _number(row.film["ssim"], 3), _number(row.film["ms_ssim"], 3),
                     *(_number(row.mae_deg.get(angle), 2) for angle in read)])
    if pictures:
        lines += ["", *aligned(rows), "", f"Pictures over {pictures[0].subjects} subjects with a film."]
    return "\n".join(lines)


def _head(row: Row) -> list[str]:
    # Weights that were copied here bring no record of their training.
    budget = [str(row.steps), f"{row.minutes:.1f}"] if row.steps else ["-", "-"]
    return [row.run, ", ".join(row.without) or "-", *budget]


def _number(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"

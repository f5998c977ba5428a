"""``latx-export pairs``: phantom subjects in the format of real pairs, and the description of that format."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from calib.phantom.tiers import TIER_HELP, TIERS
from edge.cli.arguments import positive
from export.commands.cache_arguments import seed_range

DESCRIPTION = """\
Writes phantom subjects as folders of real pairs, to try `latx-export train --pairs DIR` before real data arrive.

The format, one folder per subject, named by a running number:
  recording.mcap    the bare back from behind: any recording that latx-edge scans (.mcap, .bag, .db3); or instead
  depth.png         16-bit depth, with colour.jpg (optional, same pixels) and intrinsics.json: width, height, fx, fy,
                    cx, cy, depth_unit_m (default 0.001), gravity (camera frame, pointing down; default level)
  radiograph.dcm    the standing lateral radiograph as DICOM with the size of its pixels; or radiograph.png (8 or 16
                    bit, mm_per_px in endplates.json); may be absent
  endplates.json    schema_version "latx-pair/1"
                    endplates_px     {"T4 superior": {"anterior": [column, row], "posterior": [column, row]}, ...}
                    markers          [{"name": "C7", "radiograph_px": [column, row], "camera_px": [column, row]}, ...]
                                     points that both pictures show, one at least; camera_mm [x, y, z] may stand for
                                     camera_px
                    anterior         "left" (default) or "right": to which side the subject faces
                    mm_per_px        at the patient; overrides a DICOM's own
                    inverted         true: bone is dark (PNG)
                    log_attenuation_per_step   where pixel values are calibrated
                    endplates_mm     optional, from biplanar radiographs: four rim points in 3D
Pixels are (column, row), centres at integers. Endplates: C7, T1-T12, L1-L5 superior and inferior, S1 superior."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.description = DESCRIPTION
    parser.add_argument("--seeds", type=seed_range, required=True, metavar="FIRST:END", help="phantom seeds to write")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="output folder, one folder per subject")
    parser.add_argument("--tier", choices=TIERS, metavar="TIER", default="typical",
                        help="realism tier of the phantom: " + TIER_HELP + " (default: %(default)s)")
    parser.add_argument("--film", choices=("dicom", "dicom-inverted", "png"), default="dicom",
                        help="form of the radiograph (default: %(default)s)")
    parser.add_argument("--photograph", choices=("recording", "still"), default="recording",
                        help="recording.mcap, or depth.png with colour.jpg (default: %(default)s)")
    parser.add_argument("--frames", type=positive, default=3, metavar="N",
                        help="frames of a recording (default: %(default)s)")


def run(args: argparse.Namespace) -> int:
    """Write the pairs.

    Raises:
        UsageError: seeds outside every split.
        OutputError: a subject's folder is there already, or cannot be written.
    """
    from calib.phantom.splits import split_of
    from export.pairs.phantom_pair import write_phantom_pair

    for seed in (args.seeds[0], args.seeds[-1]):
        split_of(seed)
    for done, seed in enumerate(args.seeds, 1):
        folder = args.out / f"{seed:08d}"
        write_phantom_pair(seed, args.tier, folder, args.film, args.photograph, args.frames)
        if sys.stderr.isatty():
            print(f"{done}/{len(args.seeds)} pairs", end="\r" if done < len(args.seeds) else "\n", file=sys.stderr)
    print(args.out)
    return 0

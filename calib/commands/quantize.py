"""``latx-calib quantize BUNDLE --calibration SET --out BUNDLE2``: FP16 and INT8 files, each layer by its effect."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from edge.cli.arguments import positive

DESCRIPTION = """\
Write a bundle that holds its two stages in FP32 as they are, in FP16 (casts in the graph), in INT8 for ONNX Runtime's
CPU kernels (U8S8) and in INT8 with FP16 elsewhere for TensorRT (S8S8, symmetric). Ranges of activations are found
three ways on the calibration set and the best is taken. Each layer is narrowed alone first: what it does to the angles
(stage 1) or the picture (stage 2), and what it saves, decides. Fourier branches, grid samples and landmark heads stay
out. Every layer that stayed wider is listed with its reason in the manifest, in quantize.json and in quantize.png."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.description = DESCRIPTION
    parser.add_argument("bundle", type=Path, metavar="BUNDLE", help="bundle with FP32 files")
    parser.add_argument("--calibration", type=Path, required=True, metavar="SET", help="folder of latx-calib collect")
    parser.add_argument("--out", type=Path, required=True, metavar="BUNDLE2", help="folder of the new bundle")
    parser.add_argument("--threads", type=positive, default=1, metavar="N",
                        help="threads for measuring drift (default: %(default)s)")


def run(args: argparse.Namespace) -> int:
    """Quantise and print the table.

    Raises:
        UsageError: the calibration set is missing, too small, altered or of another bundle, or has bad views.
        BundleError: the bundle does not fit. OutputError: the new one cannot be written.
        MissingDependencyError: a package of the export extra is not installed.
    """
    from edge.errors import MissingDependencyError
    from edge.runtime.bundle import check_bundle

    started = time.perf_counter()
    manifest, _ = check_bundle(args.bundle)
    try:
        from calib.collect.calibration_set import load_set
        from calib.quantize.bundle import quantize_bundle
        from calib.quantize.report import table
    except ModuleNotFoundError as error:
        raise MissingDependencyError(
            "quantising needs a package that is not installed", expected=str(error.name), found="nothing",
            mend="pip install 'latxgen-edge[export]'",
        ) from error
    entries = (manifest.stages.structure, manifest.stages.radiograph)
    specs = {tensor.name: tensor.spec() for entry in entries for tensor in entry.inputs}
    calibration = load_set(args.calibration, specs, manifest.stages.structure.sha256)
    decisions = quantize_bundle(args.bundle, args.out, calibration, args.threads, _say)
    _say("")
    print(table(decisions))
    size = sum(path.stat().st_size for path in args.out.iterdir()) / 1e6
    print(f"{args.out}: {size:.1f} MB, {len(calibration.views)} views, {time.perf_counter() - started:.0f} s; "
          f"report in quantize.json and quantize.png")
    return 0


def _say(text: str) -> None:
    if sys.stderr.isatty():
        print(f"\r{text:<100}", end="" if text else "\r", file=sys.stderr, flush=True)

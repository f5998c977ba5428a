"""``latx-export onnx RUN --out BUNDLE``: both stages as ONNX, verified, with manifest and model card."""

from __future__ import annotations

import argparse
from pathlib import Path

from export.commands.cache_arguments import add_cache, seed_range


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("run_folder", type=Path, metavar="RUN", help="run folder with both stages' weights")
    add_cache(parser)
    parser.add_argument("--validation-seeds", type=seed_range, default=None, metavar="FIRST:END",
                        help="validation seeds for intervals and checks (default: all in the cache)")
    parser.add_argument("--out", type=Path, required=True, metavar="BUNDLE", help="folder of the bundle")
    parser.add_argument("--fft", choices=("matmul", "dft", "plugin"), default="matmul",
                        help="how the Fourier transforms are written: matrix products that every runtime takes; ONNX's "
                             "DFT nodes, for ONNX Runtime; or TensorRT's FFTPlugin node (default: %(default)s)")
    parser.add_argument("--name", default="latxgen-edge-phantom", help="name of the model (default: %(default)s)")
    parser.add_argument("--model-version", default="1.0.0", metavar="V",
                        help="version of the weights (default: %(default)s)")
    parser.add_argument("--threads", type=int, default=1, metavar="N", help="threads (default: %(default)s)")


def run(args: argparse.Namespace) -> int:
    """Export and say what was measured."""
    import torch

    torch.set_num_threads(args.threads)
    from export.onnx.bundle import BundleFacts, write_bundle
    from export.onnx.networks import load_networks
    from export.train.phantom_source import PhantomCache
    from export.train.provenance import read_training

    structure, radiograph = load_networks(args.run_folder)
    validation = PhantomCache(args.cache, args.tier, "validation", args.validation_seeds)
    training = {name: read_training(args.run_folder, name) for name in ("structure", "radiograph")}
    prior = read_training(args.run_folder, "prior")
    origin = training["structure"].get("trained_on", "phantom subjects")
    facts = BundleFacts(
        args.name, args.model_version, f"digital phantom, no real patients: {origin}", training,
        int(prior.get("images", 1)), str(prior.get("trained_on", "")),
    )
    manifest = write_bundle(args.out, structure, radiograph, validation, facts, args.fft)
    size = sum(f.bytes for f in manifest.files) / 1e6
    print(f"{args.out}: {size:.1f} MB, FFT as {args.fft}, agrees with PyTorch on every output and angle")
    for name, value in manifest.training["mean_absolute_error_deg"].items():
        print(f"  {name:28s} error {value:5.2f} deg   interval factor {manifest.interval_scales[name]:.2f}")
    return 0

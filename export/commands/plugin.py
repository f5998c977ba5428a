"""``latx-export plugin build|bench``: the FFT library and TensorRT's plugin over it."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

DESCRIPTION = """\
A bundle written with --fft plugin calls FFTPlugin. TensorRT 11.2 and newer bring one; for older ones this builds ours,
on the device or for it. The library alone needs nvcc and cuFFT; the plugin also needs TensorRT's headers (include/ of
github.com/NVIDIA/TensorRT, branch release/10.3 for JetPack 6; on a Jetson /usr/include/aarch64-linux-gnu)."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.description = DESCRIPTION
    actions = parser.add_subparsers(title="actions", dest="action", metavar="ACTION", required=True)
    build = actions.add_parser("build", help="compile the library, and the plugin where TensorRT's headers are given",
                               description="Compiles with warnings as errors.")
    build.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder for the libraries")
    build.add_argument("--arch", type=int, action="append", default=[], metavar="CC",
                       help="compute capability: 87 Orin, 90, 110 Thor; may be repeated (default: all that nvcc knows)")
    build.add_argument("--tensorrt-headers", type=Path, metavar="DIR", help="folder with NvInfer.h: build the plugin")
    timing = actions.add_parser("bench", help="time the library against torch.fft and the roofline, on a GPU",
                                description="Needs an NVIDIA GPU and a CUDA build of torch.")
    timing.add_argument("library", type=Path, metavar="LIBRARY", help="liblatx_fft.so of the build")
    timing.add_argument("--json", type=Path, metavar="FILE", help="also write everything as JSON")


def run(args: argparse.Namespace) -> int:
    """Build or time."""
    return _build(args) if args.action == "build" else _bench(args)


def _build(args: argparse.Namespace) -> int:
    from export.plugin.build import build

    for path in build(args.out, args.arch, args.tensorrt_headers):
        print(f"{path}: {path.stat().st_size / 1e6:.1f} MB")
    return 0


def _bench(args: argparse.Namespace) -> int:
    from edge.cli.table import aligned
    from edge.whole_file import write_whole
    from export.plugin.bench import bench

    device, rate, timings = bench(args.library)
    rows = [["Round trip (microseconds)", "ours", "torch.fft", "roofline", "torch / ours", "of roofline"]]
    for t in timings:
        s = t.shape
        rows.append([f"{s.batch} x {s.height} x {s.width} {s.dtype}", f"{t.ours_us:.1f}", f"{t.torch_us:.1f}",
                     f"{t.roofline_us:.2f}", f"{t.torch_us / t.ours_us:.2f}", f"{t.roofline_us / t.ours_us:.0%}"])
    print("\n".join([f"{device}, device memory copied at {rate:.0f} GB/s", "", *aligned(rows)]))
    if args.json:
        content = {"device": device, "memory_gb_per_s": rate, "cases": [t.to_json() for t in timings]}
        write_whole(args.json, json.dumps(content, indent=1) + "\n", "the timings")
    return 0

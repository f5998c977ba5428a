"""``latx-export engine BUNDLE``: both stages as TensorRT engines, built and tested on the device that will run them."""

from __future__ import annotations

import argparse
from pathlib import Path

from edge.cli.arguments import positive

DESCRIPTION = """\
Run it on the device itself: an engine is for one TensorRT, one CUDA and one GPU. Precision comes from the ONNX files of
the bundle (latx-calib quantize writes them); the builder only obeys. Each engine is held against ONNX Runtime on the
FP32 files, in degrees, and put beside its manifest only if it holds. Former engines stay until then. Neither torch nor
onnx is needed."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    from export.engine.source import PRECISIONS

    parser.description = DESCRIPTION
    parser.add_argument("bundle", type=Path, metavar="BUNDLE", help="folder of the bundle; the engines go there too")
    parser.add_argument("--precision", choices=PRECISIONS, default="fp16", help="which files (default: %(default)s)")
    parser.add_argument("--views", action="append", metavar="SOURCE",
                        help="recording, calibration set or folder of either for the self-test; may be given again "
                             "(default: the shipped demonstration)")
    parser.add_argument("--view-count", type=positive, default=16, metavar="N",
                        help="views of the self-test (default: %(default)s)")
    parser.add_argument("--workspace-mib", type=positive, default=1024, metavar="N",
                        help="the most scratch memory that the engine and its builder may use (default: %(default)s)")
    parser.add_argument("--optimization-level", type=int, choices=range(6), default=3,
                        help="how long the builder searches (default: %(default)s)")
    parser.add_argument("--plugin", type=Path, metavar="FILE",
                        help="library with the FFT plugin, for bundles of --fft plugin before TensorRT 11.2")
    parser.add_argument("--reference", type=Path, metavar="DIR",
                        help="bundle of the same weights that ONNX Runtime can run, for the self-test of one of --fft "
                             "plugin (default: the bundle itself)")
    parser.add_argument("--timing-cache", type=Path, metavar="DIR",
                        help="folder of timing caches (default: latx/tensorrt in the user's cache)")


def run(args: argparse.Namespace) -> int:
    """Build, test, install, and say what was found."""
    from edge.cli.table import aligned
    from edge.runtime.bundle import sha256_of
    from edge.runtime.engine_manifest import engine_path
    from edge.runtime.gpu import open_gpu
    from edge.runtime.manifest import MANIFEST
    from edge.runtime.tensorrt_bundle import import_tensorrt, load_plugin
    from export.engine.build import BuildOptions
    from export.engine.install import Job, install_engines
    from export.engine.plugin import needed_plugin
    from export.engine.source import reference_of, sources_of
    from export.engine.timing_cache import default_folder
    from export.engine.views import read_views

    manifest, sources = sources_of(args.bundle, args.precision)
    reference = reference_of(args.bundle, manifest, args.reference)
    plugin = needed_plugin(manifest, args.plugin)
    trt = import_tensorrt()
    if plugin is not None:
        load_plugin(trt, plugin)
    places = args.views or ["demo"]
    views = read_views(places, args.view_count)
    options = BuildOptions(args.workspace_mib << 20, args.optimization_level, tf32=args.precision != "fp32")
    job = Job(args.bundle, manifest, sha256_of(args.bundle / MANIFEST), args.precision, sources, options, plugin, views,
              ", ".join(places), args.timing_cache or default_folder(), reference)
    installed = install_engines(trt, open_gpu, job)
    first = installed["structure"]
    rows = [["Angle (degrees)", "mean drift", "worst"]]
    rows += [[name, f"{value:.3f}", f"{first.self_test.worst_deg[name]:.3f}"]
             for name, value in first.self_test.mean_deg.items()]
    print("\n".join(aligned(rows)))
    print(f"\nagainst ONNX Runtime FP32 over {len(views)} views of {', '.join(places)}; radiograph "
          f"{first.self_test.radiograph_of_range * 100:.2f} % of its range (95th percentile)")
    for stage, entry in installed.items():
        print(f"{engine_path(args.bundle, stage)}: {entry.engine.bytes / 1e6:.1f} MB, {entry.precision}, "
              f"built in {entry.builder['seconds']:.0f} s with TensorRT {entry.environment.tensorrt} "
              f"for {entry.environment.gpu}")
    return 0

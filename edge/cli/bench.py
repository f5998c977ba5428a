"""``latx-edge bench``: what one frame costs on this machine, step by step, against the bare model."""

from __future__ import annotations

import argparse
import json

from edge.cli.arguments import add_bundle, add_camera, add_precision, positive, positive_seconds


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``latx-edge bench``."""
    add_camera(parser, default="demo")
    add_bundle(parser)
    add_precision(parser)
    parser.add_argument("--runs", type=positive, default=50, metavar="N", help="timed frames; default 50")
    parser.add_argument("--daemon", action="store_true",
                        help="time what latx-edge run adds to a frame, in place of the steps")
    parser.add_argument("--soak", type=positive_seconds, metavar="S",
                        help="run the daemon for S seconds at full rate and tell what grew, in place of the steps")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")


def run(args: argparse.Namespace) -> int:
    """Time and print."""
    import time

    if args.daemon or args.soak:
        return _run_daemon(args)
    from edge.bench import bench
    from edge.camera import open_camera
    from edge.cli.table import aligned
    from edge.runtime.bundle import load_bundle
    from edge.runtime.runtimes import PRECISIONS

    started = time.perf_counter()
    with load_bundle(args.bundle, args.threads, args.runtime, PRECISIONS[args.precision]) as bundle:
        load_ms = (time.perf_counter() - started) * 1e3
        with open_camera(args.camera) as camera:
            figures = bench(camera, bundle, args.runs)
        runtime, precision = bundle.structure.runtime, bundle.precision or bundle.manifest.precision
    if args.json:
        known = {"runtime": runtime, "precision": precision, "load_ms": round(load_ms, 2)}
        print(json.dumps(known | figures.as_json(), indent=2))
        return 0
    rows = [["Step (milliseconds)", "p50", "p95"]]
    rows += [[step, f"{spread.p50_ms:.1f}", f"{spread.p95_ms:.1f}"] for step, spread in figures.rows().items()]
    print("\n".join(aligned(rows)))
    print(f"\n{figures.frames_per_s:.1f} frames/s from depth frame to angles and PNG, over {figures.runs} frames; "
          f"{figures.ratio:.2f} times the two bare model runs\n(the next frame is looked at while the model runs; "
          f"one frame alone: {figures.alone.p50_ms:.0f} ms, {figures.ratio_alone:.2f} times)")
    print(f"{runtime}, {precision}; bundle loaded in {load_ms:.0f} ms; peak memory {figures.peak_memory_mb:.0f} MB")
    return 0


def _run_daemon(args: argparse.Namespace) -> int:
    """The daemon's own cost per frame, or what becomes of it in the long run."""
    from edge.cli.table import aligned
    from edge.daemon.bench import bench_daemon
    from edge.daemon.soak import soak
    from edge.runtime.bundle import load_bundle
    from edge.runtime.runtimes import PRECISIONS

    with load_bundle(args.bundle, args.threads, args.runtime, PRECISIONS[args.precision]) as bundle:
        if args.soak:
            soaked = soak(args.camera, bundle, args.soak)
        else:
            figures = bench_daemon(args.camera, bundle, args.runs)
    if args.json:
        print(json.dumps((soaked if args.soak else figures).as_json(), indent=2))
    elif args.soak:
        print(f"{soaked.frames} frames and {soaked.scans} scans in {soaked.seconds:.0f} s; p50 {soaked.p50_ms:.1f} ms, "
              f"p99 {soaked.p99_ms:.1f} ms")
        print(f"memory {soaked.rss_start_mb:.1f} to {soaked.rss_end_mb:.1f} MB ({soaked.growth:+.2%}); threads "
              f"{soaked.threads_start} to {soaked.threads_end}; descriptors {soaked.descriptors_start} to "
              f"{soaked.descriptors_end}")
    else:
        rows = [["Milliseconds", "p50", "p95"]]
        rows += [[name, f"{spread.p50_ms:.1f}", f"{spread.p95_ms:.1f}"] for name, spread in figures.rows().items()]
        print("\n".join(aligned(rows)))
        print(f"\nthe daemon adds {figures.share:.1%} to a frame's pipeline, over {figures.runs} frames")
    return 0

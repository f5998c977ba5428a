"""Builds the TensorRT engines of the bundle that the configuration names, unless those there are valid on this device.

Run by latx-edge-engine.service before the daemon starts, with the daemon's own environment and configuration.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path


def main() -> int:
    """0 where engines are valid, were built, or are not wanted; else the exit code of ``latx-export engine``."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("config", type=Path, metavar="FILE", help="configuration of the daemon")
    parser.add_argument("--timing-cache", metavar="DIR", required=True, help="folder of TensorRT's timing caches")
    args = parser.parse_args()

    from edge.config.load import load_config
    from edge.errors import LatxError
    from edge.runtime.bundle import DEFAULT_BUNDLE, load_bundle
    from export.cli import main as latx_export

    try:
        model = load_config(args.config).config.model
    except LatxError as error:
        print(error.line(), file=sys.stderr)
        return error.exit_code
    if model.runtime == "onnxruntime":
        print(f"{args.config} asks for ONNX Runtime: nothing to build")
        return 0
    folder = model.bundle or DEFAULT_BUNDLE
    try:
        load_bundle(folder, runtime="tensorrt").close()
    except LatxError as error:
        print(f"building: {error.line()}")
        return latx_export(["engine", str(folder), "--timing-cache", args.timing_cache])
    print(f"{folder}: the engines are valid here")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

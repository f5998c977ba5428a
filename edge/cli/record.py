"""``latx-edge record``: what a camera delivers, as an MCAP recording that ``scan`` and Foxglove can open."""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path

from edge.cli.arguments import add_camera, positive, positive_seconds
from edge.errors import OutputError, RecordingError, UsageError


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``latx-edge record``."""
    add_camera(parser)
    parser.add_argument("--out", type=Path, required=True, metavar="FILE.mcap", help="recording to write, a new file")
    parser.add_argument("--frames", type=positive, metavar="N", help="stop after N frames; default: at the end")
    parser.add_argument("--seconds", type=positive_seconds, metavar="S", help="stop after S seconds of camera time")
    parser.add_argument("--colour", action=argparse.BooleanOptionalAction, default=False,
                        help="keep the colour pictures too; default: depth only, which shows nobody's skin")


def run(args: argparse.Namespace) -> int:
    """Copy frames until one of the limits or the end. An interrupted recording is not kept."""
    from edge.camera import open_camera
    from edge.camera.mcap_writer import RecordingWriter

    out: Path = args.out
    if out.suffix != ".mcap":
        raise UsageError("the output is no MCAP file", where=f"--out {out}", expected="a name ending in .mcap",
                         found=out.name or "nothing", mend="give --out FILE.mcap")
    if out.exists():
        raise OutputError("the recording exists already", where=str(out), expected="a new file", found="a file",
                          mend="remove it or give another --out")
    written, started_ms = 0, 0.0
    with open_camera(args.camera) as camera:
        frame = camera.read()
        if frame is None:
            raise RecordingError("the camera gave no frame", where=args.camera, expected="at least one", found="none",
                                 mend="check the recording or the camera")
        started_ms = frame.device_time_ms
        try:
            out.parent.mkdir(parents=True, exist_ok=True)
            with RecordingWriter(out, frame.intrinsics, frame.gravity, model=frame.camera_model,
                                 serial=frame.camera_serial) as writer:
                while frame is not None:
                    writer.write(frame if args.colour else dataclasses.replace(frame, colour=None))
                    written += 1
                    seconds = (frame.device_time_ms - started_ms) / 1e3
                    if written == args.frames or (args.seconds is not None and seconds >= args.seconds):
                        break
                    frame = camera.read()
        except OSError as failure:
            raise OutputError("the recording cannot be written", where=str(out),
                              expected="a writable folder with free space", found=failure.strerror or str(failure),
                              mend="give another --out") from None
    print(f"{out}: {written} frames, {'colour and depth' if args.colour else 'depth only'}, "
          f"{out.stat().st_size / 1e6:.1f} MB")
    return 0

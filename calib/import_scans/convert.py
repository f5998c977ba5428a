"""Turns a scanned back into what a D455 in a kiosk would have recorded of it, with the radiographs' truth beside it."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np

from calib.import_scans.depth_image import depth_image
from calib.import_scans.placement import DOWN, apply, camera_from_scan
from calib.import_scans.scan import Scan
from calib.phantom.depth_camera import FRAME_RATE_HZ, draw_stereo_error
from calib.phantom.mount import straight_view
from calib.phantom.stereo_noise import apply_stereo_error
from calib.phantom.tiers import tier_named
from edge.camera.mcap_writer import RecordingWriter
from edge.frame import Frame
from edge.whole_file import write_whole

SCHEMA: Final = "latx-scan-truth/1"
DISTANCE_M: Final = 1.2
CAMERA: Final = "D455 1280x720"
TIER: Final = "sensor"  # the camera's own noise and nothing else: a real back brings its own nuisances
NOISE_STREAM: Final = 41
_EPOCH_NS: Final = 1_767_225_600_000_000_000  # 2026-01-01 UTC: recordings do not depend on when they are made


def scan_frames(scan: Scan, frames: int) -> Iterator[Frame]:
    """The frames that a level, upright D455 at 1.2 m takes of a still back: new noise in each, no colour.

    The same scan gives the same frames: the noise is seeded by the subject's name.
    """
    view = straight_view(CAMERA, distance_m=DISTANCE_M)
    clean = depth_image(apply(camera_from_scan(scan, 1000.0 * DISTANCE_M), scan.points_mm), view.intrinsics)
    rng = np.random.default_rng([zlib.crc32(scan.name.encode()), NOISE_STREAM])
    error = draw_stereo_error(rng, view.model, tier_named(TIER))
    nothing_lost = np.zeros_like(clean)
    for number in range(frames):
        yield Frame(
            depth_m=apply_stereo_error(
                clean, nothing_lost, view.intrinsics.fx, view.model.baseline_m, error, rng
            ),
            colour=None,
            intrinsics=view.intrinsics,
            gravity=DOWN.copy(),
            captured_at_ns=_EPOCH_NS + int(number / FRAME_RATE_HZ * 1e9),
            device_time_ms=1000.0 * number / FRAME_RATE_HZ,
            number=number,
            camera_model=CAMERA,
            camera_serial=f"scan-{scan.name}",
        )


def truth_of(scan: Scan) -> dict[str, Any]:
    """The content of ``truth.json``: angles, and the line through the vertebral bodies in camera millimetres."""
    line = apply(camera_from_scan(scan, 1000.0 * DISTANCE_M), scan.centreline_scan_mm)
    return {
        "schema": SCHEMA,
        "subject": scan.name,
        "angles": scan.angles_deg,
        "centreline_camera_mm": np.round(line, 3).tolist(),
    }


def convert(scan: Scan, folder: Path, frames: int) -> Path:
    """Write ``folder/recording.mcap`` and ``folder/truth.json``, each whole or not at all; returns the recording.

    Raises:
        OutputError: the folder cannot be written.
    """
    recording, truth = folder / "recording.mcap", folder / "truth.json"
    write_whole(truth, json.dumps(truth_of(scan), indent=1) + "\n", "the imported scan")
    stream = scan_frames(scan, frames)
    first = next(stream)
    with RecordingWriter(
        recording, first.intrinsics, first.gravity, model=first.camera_model, serial=first.camera_serial
    ) as writer:
        writer.write(first)
        for frame in stream:
            writer.write(frame)
    return recording

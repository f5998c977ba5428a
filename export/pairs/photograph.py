"""The photograph of a pair: a recording, or one depth image with its intrinsics, as the frames that ``see`` takes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from edge.camera import open_camera
from edge.errors import RecordingError
from edge.frame import Frame, Intrinsics
from export.pairs.annotation import CameraFile, read_json

RECORDINGS: Final = ("recording.mcap", "recording.bag", "recording.db3")
COLOURS: Final = ("colour.jpg", "colour.png")
MAX_FRAMES: Final = 60
"""Frames of a recording that are tried before the subject counts as refused: four seconds."""


def read_frames(folder: Path) -> Iterator[Frame]:
    """The frames of a subject, in order.

    Raises:
        RecordingError: neither a recording nor a depth image, or one that cannot be read.
    """
    recording = next((folder / name for name in RECORDINGS if (folder / name).is_file()), None)
    if recording is None:
        yield _still(folder)
        return
    with open_camera(f"file:{recording}") as camera:
        for _ in range(MAX_FRAMES):
            frame = camera.read()
            if frame is None:
                return
            yield frame


def _still(folder: Path) -> Frame:
    depth_path = folder / "depth.png"
    if not depth_path.is_file():
        raise RecordingError("no photograph in the pair", where=str(folder),
                             expected=f"{RECORDINGS[0]}, or depth.png with intrinsics.json", found="neither")
    depth = cv2.imread(str(depth_path), cv2.IMREAD_UNCHANGED)
    if depth is None or depth.dtype != np.uint16 or depth.ndim != 2:
        raise RecordingError("not a depth image", where=str(depth_path), expected="a PNG of one 16-bit channel",
                             found="unreadable" if depth is None else f"{depth.dtype}, {depth.ndim} dimensions")
    camera = read_json(folder / "intrinsics.json", CameraFile)
    size = (camera.height, camera.width)
    colour_path = next((folder / name for name in COLOURS if (folder / name).is_file()), None)
    colour = None
    if colour_path is not None:
        picture = cv2.imread(str(colour_path), cv2.IMREAD_COLOR)
        colour = None if picture is None else np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB), np.uint8)
        if colour is None:
            raise RecordingError("the colour image cannot be read", where=str(colour_path), expected="a picture",
                                 found="something else")
    for path, image in ((depth_path, depth), (colour_path, colour)):
        if image is not None and image.shape[:2] != size:
            raise RecordingError("a picture of another size than its intrinsics", where=str(path),
                                 expected=f"{size[1]}x{size[0]}", found=f"{image.shape[1]}x{image.shape[0]}")
    gravity = np.array(camera.gravity, np.float64)
    return Frame(
        depth_m=depth.astype(np.float32) * np.float32(camera.depth_unit_m),
        colour=colour,
        intrinsics=Intrinsics(camera.width, camera.height, camera.fx, camera.fy, camera.cx, camera.cy),
        gravity=gravity / max(float(np.linalg.norm(gravity)), 1e-9),
        captured_at_ns=0,
        device_time_ms=0.0,
        number=0,
    )

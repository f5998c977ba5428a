"""One contract for every source of frames: recordings in both formats, and the stand-in that can fail."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from edge.camera.depth_camera import DepthCamera
from edge.camera.faults import FaultyCamera
from edge.camera.mcap_replay import McapReplay
from edge.camera.realsense_file import RealSenseFile
from edge.errors import RecordingError
from edge.frame import Frame

Opener = Callable[[], DepthCamera]


@pytest.fixture(params=["mcap", "faulty", "realsense"])
def opener(request: pytest.FixtureRequest) -> Opener:
    path: Path = request.getfixturevalue("realsense_path" if request.param == "realsense" else "mcap_path")
    return {
        "mcap": lambda: McapReplay(path),
        "faulty": lambda: FaultyCamera(McapReplay(path)),
        "realsense": lambda: RealSenseFile(path),
    }[request.param]


def read_all(camera: DepthCamera) -> list[Frame]:
    frames = []
    while (frame := camera.read()) is not None:
        frames.append(frame)
    return frames


def test_it_is_a_depth_camera_and_tells_about_itself_before_the_first_frame(opener: Opener) -> None:
    with opener() as camera:
        assert isinstance(camera, DepthCamera)
        assert (camera.info.model, camera.info.serial) == ("Test camera", "0001")
        assert (camera.info.intrinsics.width, camera.info.intrinsics.height) == (96, 64)
        assert 0 < camera.info.depth_unit_m <= 0.001


def test_frames_carry_metres_colour_and_the_aligned_intrinsics(
    opener: Opener, make_frame: Callable[..., Frame]
) -> None:
    with opener() as camera:
        frame = read_all(camera)[-1]
        truth = make_frame(3)
        assert frame.depth_m.dtype == np.float32
        np.testing.assert_allclose(frame.depth_m, truth.depth_m, atol=0.0006)
        assert (frame.depth_m[20:30, 40:50] == 0).all()
        assert frame.colour is not None
        assert frame.colour.dtype == np.uint8
        assert np.abs(frame.colour.astype(int) - truth.colour).max() <= 6  # jpeg
        assert frame.intrinsics == camera.info.intrinsics
        assert frame.camera_model == "Test camera"
        assert np.linalg.norm(frame.gravity) == pytest.approx(1)


def test_every_frame_comes_once_and_all_clocks_advance(opener: Opener) -> None:
    with opener() as camera:
        frames = read_all(camera)
    assert len(frames) >= 4
    for clock in ("number", "captured_at_ns", "device_time_ms"):
        assert (np.diff([getattr(f, clock) for f in frames]) > 0).all(), clock


def test_after_the_last_frame_there_is_none_ever_after(opener: Opener) -> None:
    with opener() as camera:
        read_all(camera)
        assert camera.read() is None
        assert camera.read() is None


def test_two_readings_of_one_recording_are_equal(opener: Opener) -> None:
    with opener() as one, opener() as other:
        for a, b in zip(read_all(one), read_all(other), strict=True):
            np.testing.assert_array_equal(a.depth_m, b.depth_m)
            assert (a.number, a.captured_at_ns, a.device_time_ms) == (b.number, b.captured_at_ns, b.device_time_ms)


def test_closing_twice_is_harmless_and_reading_after_it_is_an_error(opener: Opener) -> None:
    camera = opener()
    assert camera.read() is not None
    camera.close()
    camera.close()
    with pytest.raises(RecordingError, match="closed"):
        camera.read()


def test_a_frame_outlives_its_camera(opener: Opener) -> None:
    with opener() as camera:
        frame = camera.read()
    assert frame is not None
    assert frame.depth_m.max() > 1.0

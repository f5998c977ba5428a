"""What is special to librealsense playback; the rest is in the contract suite."""

from __future__ import annotations

import gc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from edge.camera.realsense_file import RealSenseFile
from edge.camera.realsense_profiles import Profile, configure
from edge.camera.settings import CameraSettings
from edge.errors import RecordingError


def test_a_recording_without_colour_gives_depth_alone(
    tmp_path: Path, realsense_path: Path, record: Callable[..., None]
) -> None:
    path = tmp_path / "depth.db3"
    record(path, 2, colour=False)
    with RealSenseFile(path) as camera:
        frame = camera.read()
    assert frame is not None
    assert frame.colour is None
    assert frame.depth_m[0, 0] == pytest.approx(1.0)


def test_depth_is_aligned_to_a_colour_camera_beside_it(
    tmp_path: Path, realsense_path: Path, record: Callable[..., None]
) -> None:
    path = tmp_path / "beside.db3"
    record(path, 2, baseline_m=0.1)
    with RealSenseFile(path) as camera:
        frame = camera.read()
    assert frame is not None
    assert frame.colour is not None
    hole = np.argwhere(frame.depth_m[22:28] == 0)[:, 1]
    assert np.median(hole[hole > 20]) == pytest.approx(44.5 + 80 * 0.1 / 1.12, abs=2)  # moved by f * b / z


def test_the_host_time_is_that_of_arrival(realsense_path: Path) -> None:
    with RealSenseFile(realsense_path) as camera:
        frame = camera.read()
    assert frame is not None
    assert 0 <= frame.captured_at_ns - 1_760_000_000_000_000_000 < 200_000_000


def read_through(path: Path) -> None:
    with RealSenseFile(path) as camera:
        while camera.read() is not None:
            pass


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.db3", b"", "an empty file"),
        ("a.db3", b"#ROSBAG V2.0\n", "begins with"),
        ("a.bag", b"SQLite format 3\x00", "begins with"),
        ("a.db3", b"SQLite format 3\x00" + b"\x01" * 400, "damaged"),
        ("a.bag", b"#ROSBAG V2.0\n" + b"\x07" * 400, "damaged"),
    ],
)
def test_a_file_that_is_no_recording_is_named(
    tmp_path: Path, realsense_path: Path, name: str, content: bytes, words: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(RecordingError) as caught:
        RealSenseFile(path)
    assert words in caught.value.line()
    assert str(path) in caught.value.line()


@pytest.mark.parametrize("share", [0.1, 0.5])
def test_a_truncated_recording_is_refused(tmp_path: Path, realsense_path: Path, share: float) -> None:
    whole = realsense_path.read_bytes()
    path = tmp_path / "cut.db3"
    path.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(RecordingError):
        read_through(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="No such file"):
        RealSenseFile(tmp_path / "none.bag")


@pytest.fixture
def recorded_live(soft_realsense: type, tmp_path: Path) -> Path:
    """What librealsense's own recorder keeps of a camera that streams: depth, colour and the accelerometer."""
    import pyrealsense2 as rs

    path = tmp_path / "live.db3"
    camera = soft_realsense(usb="2.1", offers={(480, 270): (15,)}, accel=(9.8, 0.0, 0.0), baseline_m=0.0)
    camera.stream(480, 270, 15)
    pipeline = rs.pipeline()
    pipeline.set_device(camera.device)
    config = configure(rs, Profile(480, 270, 15), "0123", colour=True, accel=True)
    config.enable_record_to_file(str(path))
    pipeline.start(config)
    sets = 0
    while sets < 8:
        sets += pipeline.try_wait_for_frames(500)[0]
    pipeline.stop()
    camera.close()
    del pipeline, config
    gc.collect()
    return path


def test_a_recording_of_a_live_camera_plays_with_its_gravity_and_colour(recorded_live: Path) -> None:
    with RealSenseFile(recorded_live) as camera:
        frames = list(iter(camera.read, None))
        assert (camera.info.model, camera.info.live) == ("Intel RealSense D435I", False)
    assert len(frames) >= 4
    assert (np.diff([frame.number for frame in frames]) > 0).all()
    np.testing.assert_allclose(frames[-1].gravity, [-1, 0, 0], atol=1e-6)
    assert frames[-1].depth_m[0, 0] == pytest.approx(1.2)
    assert frames[-1].colour is not None


def test_filters_and_gravity_of_the_configuration_hold_for_a_recording_too(recorded_live: Path) -> None:
    settings = CameraSettings.model_validate({"gravity": "landscape", "filters": {"max_m": 1.0, "spatial": False}})
    with RealSenseFile(recorded_live, settings) as camera:
        frame = camera.read()
    assert frame is not None
    np.testing.assert_array_equal(frame.gravity, [0, 1, 0])
    assert frame.depth_m[0, 0] == 0  # the wall is farther
    assert frame.depth_m[110, 200] == pytest.approx(0.8)

"""Recordings of a tiny scene in every format, made through the real writers, for the contract suite."""

from __future__ import annotations

import gc
import importlib.util
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge.camera.mcap_writer import RecordingWriter
from edge.frame import Frame, Intrinsics

SIZE = (96, 64)  # width, height
INTRINSICS = Intrinsics(SIZE[0], SIZE[1], 80.0, 80.0, 47.5, 31.5)
FRAMES = 4
START_NS = 1_760_000_000_000_000_000
PERIOD_NS = 33_000_000


def scene(index: int, colour: bool = True) -> Frame:
    """Frame ``index``: a slanted wall that recedes, with a hole, and a colour that counts."""
    u, v = np.meshgrid(np.arange(SIZE[0]), np.arange(SIZE[1]))
    depth = (1.0 + 0.002 * u + 0.001 * v + 0.01 * index).astype(np.float32)
    depth[20:30, 40:50] = 0.0
    rgb = np.zeros((SIZE[1], SIZE[0], 3), np.uint8)
    rgb[..., 0] = 200
    rgb[..., 2] = 20 * (index + 1)
    return Frame(
        depth, rgb if colour else None, INTRINSICS, np.array([0.0, 0.8, 0.6]), START_NS + index * PERIOD_NS,
        1000.0 + 33.0 * index, 10 + index, "Test camera", "0001",
    )  # fmt: skip


@pytest.fixture(scope="session")
def make_frame() -> Callable[..., Frame]:
    return scene


@pytest.fixture(scope="session")
def mcap_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("mcap") / "scene.mcap"
    with RecordingWriter(path, INTRINSICS, scene(0).gravity, model="Test camera", serial="0001") as writer:
        for index in range(FRAMES):
            writer.write(scene(index))
    return path


@pytest.fixture(scope="session")
def pyrealsense2() -> None:
    """Skips what needs the library where it is not installed."""
    if importlib.util.find_spec("pyrealsense2") is None:
        if os.environ.get("CI"):
            pytest.fail("pyrealsense2 is not installed: pip install 'latxgen-edge[realsense]'")
        pytest.skip("pyrealsense2 is not installed")


@pytest.fixture(scope="session")
def soft_realsense(pyrealsense2: None) -> type:
    """The class of a camera that is a software device of the real librealsense."""
    spec = importlib.util.spec_from_file_location("soft_realsense", Path(__file__).with_name("soft_realsense.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.SoftRealSense


@pytest.fixture(scope="session")
def realsense_path(pyrealsense2: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recording by the real librealsense from a software device."""
    path = tmp_path_factory.mktemp("realsense") / "scene.db3"
    record_realsense(path, FRAMES)
    return path


@pytest.fixture(scope="session")
def record() -> Callable[..., None]:
    return record_realsense


def record_realsense(path: Path, frames: int, colour: bool = True, baseline_m: float = 0.0) -> None:
    """Push frames through ``rs.software_device`` into the real recorder.

    Metadata is set on the sensor for every frame: without it, or wall-clock time, the syncer never pairs streams.
    Frame 0 is pushed twice, as the first pair may come out as two singletons. baseline_m: of colour from depth.
    """
    import pyrealsense2 as rs

    device = rs.software_device()
    device.register_info(rs.camera_info.name, "Test camera")
    device.register_info(rs.camera_info.serial_number, "0001")
    kinds = [("Depth", rs.stream.depth, rs.format.z16, 2)]
    if colour:
        kinds.append(("Color", rs.stream.color, rs.format.rgb8, 3))
    software, profiles = [], []
    for unique, (name, stream, pixel_format, size) in enumerate(kinds):
        sensor = device.add_sensor(name)
        if stream == rs.stream.depth:
            sensor.add_read_only_option(rs.option.depth_units, 0.001)
        video = rs.video_stream()
        video.type, video.index, video.uid = stream, 0, unique
        video.width, video.height, video.fps, video.bpp, video.fmt = (*SIZE, 30, size, pixel_format)
        video.intrinsics = _rs_intrinsics(rs)
        profiles.append(sensor.add_video_stream(video))
        software.append(sensor)
    if colour:
        same = rs.extrinsics()
        same.rotation, same.translation = [1.0, 0, 0, 0, 1, 0, 0, 0, 1], [baseline_m, 0, 0]
        profiles[0].register_extrinsics_to(profiles[1], same)
    recorder = rs.recorder(str(path), device)
    sensors = list(recorder.query_sensors())
    device.create_matcher(rs.matchers.dlr_c)
    queue = rs.syncer()
    for sensor, profile in zip(sensors, profiles, strict=True):
        sensor.open(profile)
        sensor.start(queue)
    kept: list[Any] = []
    for number, index in enumerate([0, *range(frames)]):
        frame = scene(index)
        images = [np.rint(frame.depth_m * 1000).astype(np.uint16), frame.colour]
        for sensor, profile, image in zip(software, profiles, images, strict=False):
            assert image is not None
            kept.append((image, _push(rs, sensor, profile, np.ascontiguousarray(image), number)))
        time.sleep(0.02)
        queue.try_wait_for_frames(100)
    for sensor in sensors:
        sensor.stop()
        sensor.close()
    recorder.pause()
    del sensor, sensors, recorder, queue, device
    gc.collect()


def _rs_intrinsics(rs: Any) -> Any:
    k = rs.intrinsics()
    k.width, k.height = SIZE
    k.fx, k.fy, k.ppx, k.ppy = INTRINSICS.fx, INTRINSICS.fy, INTRINSICS.cx, INTRINSICS.cy
    k.model, k.coeffs = rs.distortion.brown_conrady, [0.0] * 5
    return k


def _push(rs: Any, sensor: Any, profile: Any, image: np.ndarray, number: int) -> Any:
    frame = rs.software_video_frame()
    frame.pixels, frame.stride, frame.bpp = image, image.strides[0], image.strides[1]
    frame.timestamp, frame.domain = 1000.0 + 33.0 * number, rs.timestamp_domain.system_time
    frame.frame_number, frame.profile = number + 1, profile.as_video_stream_profile()
    if image.dtype == np.uint16:
        frame.depth_units = 0.001
    for key, value in (
        (rs.frame_metadata_value.frame_counter, number + 1),
        (rs.frame_metadata_value.actual_fps, 30_000),
        (rs.frame_metadata_value.frame_timestamp, 1_000_000 + 33_000 * number),
        (rs.frame_metadata_value.time_of_arrival, START_NS // 1_000_000 + 33 * number),
    ):
        sensor.set_metadata(key, value)
    sensor.on_video_frame(frame)
    return frame

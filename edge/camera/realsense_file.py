"""Plays back librealsense recordings (.bag, .db3) through the real pipeline, depth aligned to colour.

Playback is stepped, not timed, so that a slow host sees every frame. librealsense raises RuntimeError for whatever
displeases it; here that becomes a ``RecordingError`` which names the file.
"""

from __future__ import annotations

import contextlib
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edge.camera.depth_camera import CameraInfo
from edge.errors import MissingDependencyError, RecordingError
from edge.frame import Frame, Intrinsics

MAGIC: Final = {".bag": b"#ROSBAG V2.0", ".db3": b"SQLite format 3\x00"}
WAIT_MS: Final = 250
LAST_MISSES: Final = 3
RESTARTS: Final = 3
PATIENCE_S: Final = 10.0
"""Longest wait for a frame while librealsense says that it still plays."""
GRAVITY_SMOOTHING: Final = 0.2  # weight of the newest accelerometer reading: breathes out vibration, follows a bump


class RealSenseFile:
    """A librealsense recording as a ``DepthCamera``.

    Gravity comes from the recorded accelerometer; without one the mount is taken as level.

    Raises:
        MissingDependencyError: pyrealsense2, or the system's libusb-1.0-0 that it needs, is not installed.
        RecordingError: the file is missing, empty, damaged, foreign or without depth.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        _check_magic(self.path)
        self._rs = _load_pyrealsense2()
        self._pipeline: Any = self._rs.pipeline()
        self._gravity = np.array([0.0, 1.0, 0.0])
        self._has_gravity = False
        self._first_number: int | None = None
        self._last_number: int | None = None
        self._ended = False
        self._starts = 0
        try:
            self._start()
            self._info = self._describe()
        except RuntimeError as error:
            self._pipeline = None
            raise self._damaged(error) from error
        except BaseException:
            self.close()
            raise

    @property
    def info(self) -> CameraInfo:
        return self._info

    def read(self) -> Frame | None:
        if self._pipeline is None:
            raise self._error("the recording is closed", "an open recording", "a closed one")
        try:
            return None if self._ended else self._next()
        except RuntimeError as error:
            raise self._damaged(error) from error

    def close(self) -> None:
        pipeline, self._pipeline = self._pipeline, None
        if pipeline is not None:
            with contextlib.suppress(RuntimeError):  # it never started, or playback has stopped it
                pipeline.stop()

    def __enter__(self) -> RealSenseFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _start(self) -> None:
        rs = self._rs
        self._starts += 1
        config = rs.config()
        rs.config.enable_device_from_file(config, str(self.path), repeat_playback=False)
        config.enable_all_streams()
        # Before the start: in the meantime frames would be played against the clock, and dropped.
        config.resolve(rs.pipeline_wrapper(self._pipeline)).get_device().as_playback().set_real_time(False)
        profile = self._pipeline.start(config)
        self._playback = profile.get_device().as_playback()
        self._playback.set_real_time(False)
        self._streams = {stream.stream_type(): stream for stream in profile.get_streams()}
        if rs.stream.depth not in self._streams:
            found = ", ".join(sorted(s.stream_name() for s in profile.get_streams())) or "no stream"
            raise self._error("the recording has no depth", "a depth stream", found)
        self._has_colour = rs.stream.color in self._streams
        self._align = rs.align(rs.stream.color) if self._has_colour and not self._is_aligned() else None

    def _restart(self) -> None:
        """Play from the beginning: librealsense now and then plays a short recording past its reader."""
        with contextlib.suppress(RuntimeError):
            self._pipeline.stop()
        self._pipeline = self._rs.pipeline()
        self._first_number = None
        self._start()

    def _is_aligned(self) -> bool:
        """Whether depth was recorded in the colour camera's own frame: aligning again would only tear holes."""
        kinds = (self._rs.stream.depth, self._rs.stream.color)
        depth, colour = (self._streams[kind].as_video_stream_profile() for kind in kinds)
        between = depth.get_extrinsics_to(colour)
        same_lens = _intrinsics(depth.get_intrinsics()) == _intrinsics(colour.get_intrinsics())
        return bool(same_lens and not any(between.translation) and between.rotation == [1, 0, 0, 0, 1, 0, 0, 0, 1])

    def _describe(self) -> CameraInfo:
        rs = self._rs
        device = self._playback
        told = {
            key: device.get_info(key) if device.supports(key) else ""
            for key in (rs.camera_info.name, rs.camera_info.serial_number)
        }
        seen = self._streams[rs.stream.color if self._has_colour else rs.stream.depth].as_video_stream_profile()
        units = [s.as_depth_sensor().get_depth_scale() for s in device.query_sensors() if s.is_depth_sensor()]
        return CameraInfo(
            str(self.path), told[rs.camera_info.name], told[rs.camera_info.serial_number],
            _intrinsics(seen.get_intrinsics()), float(f"{units[0]:.6g}") if units else 0.001,
        )  # fmt: skip

    def _next(self) -> Frame | None:
        """The next whole set: sets without depth, without the colour to align to, and repeats are passed over.

        With colour, so is the first depth image: librealsense pairs it or not by chance, and two readings of one
        recording must be equal.
        """
        rs = self._rs
        deadline = time.monotonic() + PATIENCE_S
        misses = 0
        while True:
            arrived, frames = self._pipeline.try_wait_for_frames(WAIT_MS)
            if not arrived:
                misses += 1
                stopped = self._playback.current_status() == rs.playback_status.stopped
                if stopped and misses >= LAST_MISSES:  # on a busy machine the last frames come after the stop
                    if self._last_number is None and self._starts <= RESTARTS:
                        self._restart()
                        misses = 0
                        continue
                    self._ended = True
                    return None
                if time.monotonic() > deadline:
                    raise self._error("playback stands still", f"a frame within {PATIENCE_S:g} s", "none")
                continue
            self._note_gravity(frames)
            depth, colour = frames.get_depth_frame(), frames.get_color_frame()
            if not depth:
                continue
            number = int(depth.get_frame_number())
            if self._first_number is None and self._has_colour:
                self._first_number = number
            if number in (self._first_number, self._last_number) or (self._has_colour and not colour):
                continue
            self._last_number = number
            if self._align:
                frames = self._align.process(frames)
                depth, colour = frames.get_depth_frame(), frames.get_color_frame()
            return self._frame(depth, colour)

    def _frame(self, depth: Any, colour: Any) -> Frame:
        counts = np.asanyarray(depth.get_data())
        return Frame(
            depth_m=counts.astype(np.float32) * np.float32(depth.get_units()),
            colour=self._rgb(colour) if colour else None,
            intrinsics=self._info.intrinsics,
            gravity=self._gravity.copy(),
            captured_at_ns=self._host_time_ns(depth),
            device_time_ms=float(depth.get_timestamp()),
            number=int(depth.get_frame_number()),
            camera_model=self._info.model,
            camera_serial=self._info.serial,
        )

    def _rgb(self, colour: Any) -> NDArray[np.uint8]:
        """The colour image as RGB, whatever it was recorded as."""
        rs = self._rs
        image = np.asanyarray(colour.get_data())
        recorded = colour.get_profile().format()
        if recorded in (rs.format.bgr8, rs.format.bgra8):
            image = image[..., [2, 1, 0]]
        elif recorded == rs.format.y8 or image.ndim == 2:
            if image.dtype != np.uint8:
                raise self._error("unknown colour format", "rgb8, bgr8, rgba8, bgra8 or y8", str(recorded))
            image = np.repeat(image.reshape(*image.shape[:2], 1), 3, axis=2)
        return np.ascontiguousarray(image[..., :3])

    def _host_time_ns(self, frame: Any) -> int:
        """When the host took the frame: its arrival if recorded, else its timestamp."""
        arrival = self._rs.frame_metadata_value.time_of_arrival
        if frame.supports_frame_metadata(arrival):
            return int(frame.get_frame_metadata(arrival)) * 1_000_000
        return round(frame.get_timestamp() * 1e6)

    def _note_gravity(self, frames: Any) -> None:
        """Follow the accelerometer: at rest it reads upwards (specific force), so that down is its opposite."""
        reading = frames.first_or_default(self._rs.stream.accel)
        if not reading:
            return
        data = reading.as_motion_frame().get_motion_data()
        up = np.array([data.x, data.y, data.z])
        length = float(np.linalg.norm(up))
        if not 5.0 < length < 15.0:  # m/s2: not at rest, or not a reading
            return
        first, self._has_gravity = not self._has_gravity, True
        down = -up / length
        mixed = down if first else (1 - GRAVITY_SMOOTHING) * self._gravity + GRAVITY_SMOOTHING * down
        self._gravity = mixed / np.linalg.norm(mixed)

    def _damaged(self, error: RuntimeError) -> RecordingError:
        found = " ".join(str(error).split()) or type(error).__name__
        return self._error("the recording is damaged or truncated", "a whole librealsense recording", found)

    def _error(self, what: str, expected: str, found: str) -> RecordingError:
        return RecordingError(what, where=str(self.path), expected=expected, found=found, mend="record again")


def _check_magic(path: Path) -> None:
    """Refuse what is no librealsense recording before librealsense, which may hang or crash on it, sees it."""
    magic = MAGIC[path.suffix.lower()]
    try:
        with path.open("rb") as file:
            start = file.read(len(magic))
    except OSError as error:
        raise RecordingError(
            "the recording cannot be opened", where=str(path), expected="a readable file",
            found=error.strerror or str(error), mend="check the path",
        ) from error  # fmt: skip
    if start != magic:
        found = "an empty file" if not start else f"a file that begins with {start!r}"
        raise RecordingError(
            "not a recording", where=str(path), expected=f"a librealsense {path.suffix.lower()} file", found=found,
            mend="record again",
        )  # fmt: skip


def _load_pyrealsense2() -> Any:
    try:
        import pyrealsense2
    except ImportError as error:
        raise MissingDependencyError(
            "cannot read RealSense recordings", expected="pyrealsense2 and the system's libusb-1.0-0",
            found=str(error), mend="pip install 'latxgen-edge[realsense]' and apt-get install libusb-1.0-0",
        ) from error  # fmt: skip
    return pyrealsense2


def _intrinsics(seen: Any) -> Intrinsics:
    model = str(seen.model).rpartition(".")[2]
    return Intrinsics(
        seen.width, seen.height, seen.fx, seen.fy, seen.ppx, seen.ppy, "" if model == "none" else model,
        tuple(float(c) for c in seen.coeffs),
    )  # fmt: skip

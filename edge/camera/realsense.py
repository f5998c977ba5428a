"""A RealSense camera, on USB or played from a file: sets of frames become aligned, filtered, stamped frames.

librealsense raises RuntimeError for whatever displeases it; here that becomes a ``RecordingError`` which names the
source. Every image is copied at once: who holds librealsense's own frames soon empties its pool, and nothing comes.
"""

from __future__ import annotations

import time
from dataclasses import replace
from types import TracebackType
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edge.camera.depth_camera import CameraInfo
from edge.camera.depth_filters import DepthFilters
from edge.camera.imu import Gravity, rotation_between
from edge.camera.realsense_feed import Feed, Streams, intrinsics_of, load_pyrealsense2
from edge.camera.settings import CameraSettings
from edge.frame import Frame, Intrinsics

WAIT_MS: Final = 250
GRAVITY_WITHIN_S: Final = 1.0
"""How long the first frame is held back for the accelerometer's first reading."""


class RealSenseCamera:
    """A feed of librealsense as a ``DepthCamera``, depth aligned to colour where there is colour.

    Args:
        settings: filters and gravity are taken from it; None leaves depth as it is and asks the accelerometer.

    Raises:
        MissingDependencyError: pyrealsense2, or the system's libusb-1.0-0 that it needs, is not installed.
        RecordingError: the camera or file cannot be opened, or has no depth.
    """

    def __init__(self, feed: Feed, settings: CameraSettings | None = None) -> None:
        self._feed: Feed | None = None
        self._rs = load_pyrealsense2()
        self._last_number: int | None = None
        try:
            streams = feed.start(self._rs)
            self._feed = feed
            self._has_colour = streams.colour is not None
            self._accel = streams.accel is not None
            self._align = self._aligner(streams)
            self._filters = DepthFilters(self._rs, settings.filters, streams.stereo) if settings else None
            self._gravity = self._gravity_from(streams, settings)
            self._info = self._describe(streams, feed)
        except RuntimeError as error:
            feed.stop()
            raise feed.failed(error) from error
        except BaseException:
            feed.stop()
            raise
        self._source = feed
        self._opened_s = time.monotonic()

    @property
    def info(self) -> CameraInfo:
        unknown = self._source.live and not self._gravity.known
        return replace(self._info, degraded=(*self._info.degraded, "gravity")) if unknown else self._info

    def read(self) -> Frame | None:
        feed = self._feed
        if feed is None:
            raise self._source.error("the camera or recording is closed", "an open one", "a closed one")
        try:
            return self._next(feed)
        except RuntimeError as error:
            raise feed.failed(error) from error

    def close(self) -> None:
        feed, self._feed = self._feed, None
        if feed is not None:
            feed.stop()

    def __enter__(self) -> RealSenseCamera:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _aligner(self, streams: Streams) -> Any:
        """None without colour, or where depth already is in the colour camera's own frame: again would tear holes."""
        if streams.colour is None:
            return None
        between = streams.depth.get_extrinsics_to(streams.colour)
        same_lens = intrinsics_of(streams.depth) == intrinsics_of(streams.colour)
        same_place = not any(between.translation) and between.rotation == [1, 0, 0, 0, 1, 0, 0, 0, 1]
        return None if same_lens and same_place else self._rs.align(self._rs.stream.color)

    def _gravity_from(self, streams: Streams, settings: CameraSettings | None) -> Gravity:
        picture = streams.depth if streams.colour is None else streams.colour
        turn = rotation_between(streams.accel, picture) if streams.accel is not None else None
        return Gravity(settings.down if settings else None, turn)

    @staticmethod
    def _describe(streams: Streams, feed: Feed) -> CameraInfo:
        told = streams.told
        seen = streams.depth if streams.colour is None else streams.colour
        return CameraInfo(
            feed.source, told["name"], told["serial_number"], intrinsics_of(seen), streams.depth_unit_m,
            feed.live, told["usb_type_descriptor"], told["firmware_version"], told["recommended_firmware_version"],
            streams.degraded,
        )  # fmt: skip

    def _next(self, feed: Feed) -> Frame | None:
        """The next whole set: sets without depth, without the colour to align to, and repeats are passed over."""
        first = self._last_number is None
        started_s = time.monotonic()
        repeats = 0
        while True:
            frames = feed.wait(WAIT_MS)
            if frames is None and feed.ended():
                return None
            if time.monotonic() - started_s > feed.patience_s(first):
                found = f"frame {self._last_number} {repeats} times more" if repeats else "none"
                raise feed.error("no new frame comes", f"one within {feed.patience_s(first):g} s", found)
            if frames is None:
                continue
            self._note_gravity(frames)
            depth = frames.get_depth_frame()
            if not depth or (self._has_colour and not frames.get_color_frame()):
                continue
            number = int(depth.get_frame_number())
            repeats += number == self._last_number
            if number == self._last_number or not feed.wants(number) or self._awaits_gravity():
                continue
            self._last_number = number
            return self._frame(frames, feed)

    def _awaits_gravity(self) -> bool:
        waiting = self._source.live and self._accel and not self._gravity.known
        return waiting and time.monotonic() - self._opened_s < GRAVITY_WITHIN_S

    def _frame(self, frames: Any, feed: Feed) -> Frame:
        stamped = frames.get_depth_frame()
        if self._filters is not None:
            frames = self._filters.process(frames).as_frameset()
        if self._align is not None:
            frames = self._align.process(frames)
        depth, colour = frames.get_depth_frame(), frames.get_color_frame()
        counts = np.asanyarray(depth.get_data())
        return Frame(
            depth_m=counts.astype(np.float32) * np.float32(depth.get_units()),
            colour=self._rgb(colour, feed) if colour else None,
            intrinsics=self._intrinsics(depth),
            gravity=self._gravity.down.copy(),
            captured_at_ns=feed.host_time_ns(stamped),
            device_time_ms=float(stamped.get_timestamp()),
            number=int(stamped.get_frame_number()),
            camera_model=self._info.model,
            camera_serial=self._info.serial,
        )

    def _intrinsics(self, depth: Any) -> Intrinsics:
        """Of the image as it is delivered: decimation without alignment changes them."""
        seen = self._info.intrinsics
        if (depth.get_width(), depth.get_height()) != (seen.width, seen.height):
            self._info = replace(self._info, intrinsics=intrinsics_of(depth.get_profile()))
        return self._info.intrinsics

    def _rgb(self, colour: Any, feed: Feed) -> NDArray[np.uint8]:
        """A copy of the colour image as RGB, whatever it was streamed as."""
        rs = self._rs
        image = np.asanyarray(colour.get_data())
        streamed = colour.get_profile().format()
        if streamed in (rs.format.bgr8, rs.format.bgra8):
            image = image[..., [2, 1, 0]]
        elif streamed == rs.format.y8 or image.ndim == 2:
            if image.dtype != np.uint8:
                raise feed.error("unknown colour format", "rgb8, bgr8, rgba8, bgra8 or y8", str(streamed))
            image = np.repeat(image.reshape(*image.shape[:2], 1), 3, axis=2)
        return np.array(image[..., :3], np.uint8, order="C")

    def _note_gravity(self, frames: Any) -> None:
        reading = frames.first_or_default(self._rs.stream.accel)
        if reading:
            data = reading.as_motion_frame().get_motion_data()
            self._gravity.note(data.x, data.y, data.z)

"""A RealSense made of librealsense's own ``software_device``, which the real pipeline streams from.

What it shows is a wall at 1.2 m with a nearer square; everything else is as a camera on USB would tell it.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import Any

import numpy as np

SIZES = {(1280, 720): (30, 6), (848, 480): (30, 15), (640, 480): (30, 15), (480, 270): (15,)}
WALL_MM, SQUARE_MM = 1200, 800


class SoftRealSense:
    """One camera; ``stream`` pumps frames until ``pause`` or ``close``.

    Args:
        offers: sizes that it offers at each rate. accel: specific force, m/s2, or None for a model without an IMU.
    """

    def __init__(
        self,
        *,
        serial: str = "0123",
        usb: str = "3.2",
        offers: dict[tuple[int, int], tuple[int, ...]] = SIZES,
        colour: bool = True,
        accel: tuple[float, float, float] | None = (9.8, 0.0, 0.0),
        accel_turn: list[float] | None = None,
        baseline_m: float = 0.015,
        frozen: bool = False,
    ) -> None:
        import pyrealsense2 as rs

        self.rs, self.frozen = rs, frozen
        self.device = rs.software_device()
        for key, value in (
            (rs.camera_info.name, "Intel RealSense D435I"),
            (rs.camera_info.serial_number, serial),
            (rs.camera_info.usb_type_descriptor, usb),
            (rs.camera_info.firmware_version, "5.16.0.1"),
        ):
            self.device.register_info(key, value)
        self.depth = self.device.add_sensor("Stereo Module")
        self.depth.add_read_only_option(rs.option.depth_units, 0.001)
        self.depth.add_read_only_option(rs.option.stereo_baseline, 50.0)
        preset = rs.option_range()
        preset.min, preset.max, preset.step, preset.default = 0, 6, 1, 0
        self.depth.add_option(rs.option.visual_preset, preset, True)
        self._accel = accel
        self._profiles: dict[tuple[str, int, int, int], Any] = {}
        self._add_videos("depth", self.depth, rs.stream.depth, rs.format.z16, 2, offers)
        if colour:
            self.colour = self.device.add_sensor("RGB Camera")
            self._add_videos("colour", self.colour, rs.stream.color, rs.format.rgb8, 3, offers)
        self._motion = self._add_motion() if accel is not None else None
        between = rs.extrinsics()
        between.rotation, between.translation = [1.0, 0, 0, 0, 1, 0, 0, 0, 1], [baseline_m, 0, 0]
        turned = rs.extrinsics()
        turned.rotation, turned.translation = accel_turn or [1.0, 0, 0, 0, 1, 0, 0, 0, 1], [0, 0, 0]
        for (kind, *_), profile in self._profiles.items():
            if kind == "depth":
                for (other, *_), colour_profile in self._profiles.items():
                    if other == "colour":
                        profile.register_extrinsics_to(colour_profile, between)
            if self._motion is not None:
                self._motion.register_extrinsics_to(profile, turned)
        self.device.create_matcher(rs.matchers.dlr_c)
        self._kept: deque[Any] = deque(maxlen=64)  # librealsense reads pixels later than they are pushed
        self._running = threading.Event()
        self._closing = False
        self._number = 0
        self.streamed: tuple[int, int, int] | None = None
        self._thread = threading.Thread(target=self._pump, daemon=True)
        self._thread.start()

    def stream(self, width: int, height: int, rate: int) -> None:
        """Begin, or go on, to show frames of this profile."""
        self.streamed = (width, height, rate)
        self._running.set()

    def pause(self) -> None:
        """Show nothing more."""
        self._running.clear()

    def close(self) -> None:
        self._closing = True
        self._running.set()
        self._thread.join(5.0)

    def _add_videos(self, kind: str, sensor: Any, stream: Any, pixels: Any, size: int, offers: Any) -> None:
        for (width, height), rates in offers.items():
            for rate in rates:
                video = self.rs.video_stream()
                video.type, video.index, video.uid = stream, 0, len(self._profiles) + 1
                video.width, video.height, video.fps, video.bpp, video.fmt = width, height, rate, size, pixels
                lens = self.rs.intrinsics()
                lens.width, lens.height, lens.ppx, lens.ppy = width, height, width / 2, height / 2
                lens.fx = lens.fy = width * 0.7
                lens.model, lens.coeffs = self.rs.distortion.brown_conrady, [0.0] * 5
                video.intrinsics = lens
                self._profiles[(kind, width, height, rate)] = sensor.add_video_stream(video)

    def _add_motion(self) -> Any:
        rs = self.rs
        self._imu = self.device.add_sensor("Motion Module")
        motion = rs.motion_stream()
        motion.type, motion.index, motion.uid, motion.fps = rs.stream.accel, 0, 99, 200
        motion.fmt, motion.intrinsics = rs.format.motion_xyz32f, rs.motion_device_intrinsic()
        return self._imu.add_motion_stream(motion)

    def _pump(self) -> None:
        while not self._closing:
            self._running.wait()
            if self._closing or self.streamed is None:
                return
            width, height, rate = self.streamed
            self._number += 0 if self.frozen and self._number else 1
            self._push(width, height, rate)
            time.sleep(0.02)

    def _push(self, width: int, height: int, rate: int) -> None:
        depth = np.full((height, width), WALL_MM, np.uint16)
        depth[height // 3 : height // 2, width // 3 : width // 2] = SQUARE_MM
        colour = np.full((height, width, 3), (200, 100, self._number % 250), np.uint8)
        for kind, image in (("depth", depth), ("colour", colour)):
            profile = self._profiles.get((kind, width, height, rate))
            if profile is not None:
                self._push_video(getattr(self, kind), profile, image)
        if self._motion is not None:
            assert self._accel is not None
            frame, force = self.rs.software_motion_frame(), self.rs.vector()
            force.x, force.y, force.z = self._accel
            frame.data, frame.timestamp, frame.frame_number = force, self._number * 33.0, self._number
            frame.domain, frame.profile = (
                self.rs.timestamp_domain.hardware_clock,
                self._motion.as_motion_stream_profile(),
            )
            self._imu.on_motion_frame(frame)

    def _push_video(self, sensor: Any, profile: Any, image: np.ndarray) -> None:
        rs = self.rs
        frame = rs.software_video_frame()
        frame.pixels, frame.stride, frame.bpp = image, image.strides[0], image.strides[1]
        frame.timestamp, frame.domain = self._number * 33.0, rs.timestamp_domain.hardware_clock
        frame.frame_number, frame.profile = self._number, profile.as_video_stream_profile()
        if image.dtype == np.uint16:
            frame.depth_units = 0.001
        for key, value in (
            (rs.frame_metadata_value.frame_counter, self._number),
            (rs.frame_metadata_value.actual_fps, 30_000),
            (rs.frame_metadata_value.frame_timestamp, self._number * 33_000),
            (rs.frame_metadata_value.time_of_arrival, time.time_ns() // 1_000_000),
        ):
            sensor.set_metadata(key, value)
        self._kept.append((image, frame))
        sensor.on_video_frame(frame)

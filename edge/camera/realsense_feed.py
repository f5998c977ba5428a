"""Where librealsense's sets of frames come from: a camera on USB or a file, behind one Protocol.

What both have in common is here too: loading the library, and reading what a device and a lens tell of themselves.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from edge.errors import MissingDependencyError, RecordingError
from edge.frame import Intrinsics


@dataclass(frozen=True)
class Streams:
    """What a started feed delivers. depth, colour, accel: librealsense stream profiles, None where there is none.

    told: what the device tells of itself, by ``TOLD``. degraded: keys of ``DEGRADATIONS``. stereo: it tells its
    baseline.
    """

    depth: Any
    colour: Any
    accel: Any
    told: dict[str, str]
    depth_unit_m: float
    stereo: bool
    degraded: tuple[str, ...] = ()


TOLD = ("name", "serial_number", "usb_type_descriptor", "firmware_version", "recommended_firmware_version")


class Feed(Protocol):
    """A source of sets of frames. live: frames come whether they are read or not."""

    source: str
    live: bool

    def start(self, rs: Any) -> Streams:
        """Begin to stream. Raises RecordingError, or RuntimeError from librealsense."""
        ...

    def wait(self, patience_ms: int) -> Any:
        """The next set of frames, or None where none came in time."""
        ...

    def ended(self) -> bool:
        """Whether nothing more will ever come; asked after a ``wait`` in vain."""
        ...

    def wants(self, number: int) -> bool:
        """Whether the depth frame of this number is to be delivered."""
        ...

    def patience_s(self, first: bool) -> float:
        """How long to wait for the first frame, or the next one, before it is an error."""
        ...

    def host_time_ns(self, frame: Any) -> int:
        """When the host took the frame, nanoseconds since the epoch."""
        ...

    def stop(self) -> None:
        """End streaming; harmless where it never began."""
        ...

    def error(self, what: str, expected: str, found: str) -> RecordingError:
        """An error that names this source and how to mend it."""
        ...

    def failed(self, error: RuntimeError) -> RecordingError:
        """What librealsense raised, as such an error."""
        ...


def load_pyrealsense2() -> Any:
    """The library.

    Raises:
        MissingDependencyError: it, or the system's libusb-1.0-0 that it needs, is not installed.
    """
    try:
        import pyrealsense2
    except ImportError as error:
        raise MissingDependencyError(
            "cannot read RealSense cameras and recordings", expected="pyrealsense2 and the system's libusb-1.0-0",
            found=str(error), mend="pip install 'latxgen-edge[realsense]' and apt-get install libusb-1.0-0",
        ) from error  # fmt: skip
    return pyrealsense2


def told_by(rs: Any, device: Any) -> dict[str, str]:
    """What a device tells of itself, by ``TOLD``; "" where it does not."""
    keys = {name: getattr(rs.camera_info, name) for name in TOLD}
    return {name: device.get_info(key) if device.supports(key) else "" for name, key in keys.items()}


def streams_of(rs: Any, profile: Any, degraded: tuple[str, ...] = ()) -> Streams | None:
    """Of a started pipeline; None where it has no depth."""
    device = profile.get_device()
    by_kind = {stream.stream_type(): stream for stream in profile.get_streams()}
    if rs.stream.depth not in by_kind:
        return None
    depth = [sensor for sensor in device.query_sensors() if sensor.is_depth_sensor()]
    unit = float(f"{depth[0].as_depth_sensor().get_depth_scale():.6g}") if depth else 0.001
    stereo = any(sensor.supports(rs.option.stereo_baseline) for sensor in depth)
    return Streams(
        by_kind[rs.stream.depth], by_kind.get(rs.stream.color), by_kind.get(rs.stream.accel), told_by(rs, device),
        unit, stereo, degraded,
    )  # fmt: skip


def intrinsics_of(profile: Any) -> Intrinsics:
    """Of a video stream profile."""
    seen = profile.as_video_stream_profile().get_intrinsics()
    model = str(seen.model).rpartition(".")[2]
    return Intrinsics(
        seen.width, seen.height, seen.fx, seen.fy, seen.ppx, seen.ppy, "" if model == "none" else model,
        tuple(float(c) for c in seen.coeffs),
    )  # fmt: skip

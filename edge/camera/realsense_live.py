"""A RealSense on USB as a feed: found by its serial, asked for the best that its port allows, set as configured.

Enumerated anew at every opening, so that a camera which was pulled out and put back is found again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, Final

from edge.camera.deadline import within
from edge.camera.device_clock import DeviceClock
from edge.camera.realsense_feed import Streams, load_pyrealsense2, streams_of, told_by
from edge.camera.realsense_profiles import Profile, candidates, configure
from edge.camera.settings import CameraSettings
from edge.clock import SYSTEM_CLOCK, Clock
from edge.errors import RecordingError

_log = logging.getLogger(__name__)

Find = Callable[[Any], list[Any]]
BACK_WITHIN_S: Final = 10.0
"""How long a camera may take to come back after a hardware reset (librealsense's own test allows as much)."""
GONE_WITHIN_S: Final = 3.0
POLL_S: Final = 0.2
MEND: Final = "use the blue port and the camera's own USB 3 cable"


def connected(rs: Any) -> list[Any]:
    """The RealSense devices on USB now."""
    return list(rs.context().query_devices())


def is_usb2(descriptor: str) -> bool:
    """Whether a USB type descriptor such as ``3.2`` or ``2.1`` tells of USB 2 speed; an empty one tells nothing."""
    return descriptor.startswith(("1", "2"))


class LiveFeed:
    """One camera on USB.

    Args:
        serial: of the camera; "" takes the only one. find: lists the devices that are there.
    """

    live = True

    def __init__(
        self, settings: CameraSettings, serial: str = "", find: Find = connected, clock: Clock = SYSTEM_CLOCK
    ) -> None:
        self._settings, self._find, self._clock = settings, find, clock
        self._serial = serial or settings.serial
        self.source = f"realsense:{self._serial}"
        self._pipeline: Any = None
        self._rs: Any = None
        self._stamps = DeviceClock()
        self.profile: Profile | None = None

    def start(self, rs: Any) -> Streams:
        self._rs = rs
        device = pick(rs, self._find(rs), self._serial)
        told = told_by(rs, device)
        self.source = f"realsense:{told['serial_number']}"
        slow = is_usb2(told["usb_type_descriptor"])
        if slow and not self._settings.allow_usb2:
            raise RecordingError("the camera is connected at USB 2 speed", where=self.source, expected="USB 3",
                                 found=f"USB {told['usb_type_descriptor']}", mend=MEND)
        pipeline = rs.pipeline()
        if hasattr(pipeline, "set_device"):  # older librealsense finds it again by its serial
            pipeline.set_device(device)
        self.profile, config, fallen = self._choose(rs, pipeline, device, told["serial_number"], slow)
        _log.info("camera %s streams %s over USB %s", told["name"], self.profile, told["usb_type_descriptor"] or "?")
        _set_options(rs, device, self._settings)
        self._pipeline = pipeline
        profile = pipeline.start(config)
        reasons = ("usb2",) if slow else ("profile",) if fallen else ()
        streams = streams_of(rs, profile, reasons)
        if streams is None:
            raise self.error("the camera gives no depth", "a depth stream", "none")
        return streams

    def wait(self, patience_ms: int) -> Any:
        arrived, frames = self._pipeline.try_wait_for_frames(patience_ms)
        return frames if arrived else None

    def ended(self) -> bool:
        return False

    def wants(self, number: int) -> bool:  # noqa: ARG002 - part of the Protocol
        return True

    def patience_s(self, first: bool) -> float:
        return self._settings.open_deadline_s if first else self._settings.frame_deadline_s

    def host_time_ns(self, frame: Any) -> int:
        """By whatever clock librealsense stamps (global, system, the camera's own), tied to the host's by arrivals."""
        return self._stamps.host_ns(float(frame.get_timestamp()), self._clock.now_ns())

    def stop(self) -> None:
        pipeline, self._pipeline = self._pipeline, None
        if pipeline is not None and not within(pipeline.stop, self._settings.stop_deadline_s):
            _log.warning("camera did not stop within %g s", self._settings.stop_deadline_s)

    def failed(self, error: RuntimeError) -> RecordingError:
        return self.error("the camera failed", "a camera that answers", " ".join(str(error).split()) or "no reason")

    def error(self, what: str, expected: str, found: str) -> RecordingError:
        return RecordingError(what, where=self.source, expected=expected, found=found,
                              mend=f"check the USB cable and the camera's power; {MEND}")

    def _choose(self, rs: Any, pipeline: Any, device: Any, serial: str, slow: bool) -> tuple[Profile, Any, bool]:
        """The first profile that the camera offers at this port, its configuration, and whether less than asked."""
        settings = self._settings
        accel = settings.down is None and _has_accel(rs, device)
        wrapper = rs.pipeline_wrapper(pipeline)
        for colour in (True, False) if settings.colour else (False,):
            for profile in candidates(settings.profile, slow):
                config = configure(rs, profile, serial, colour, accel)
                if config.can_resolve(wrapper):
                    return profile, config, profile.size != settings.profile
        tried = ", ".join(str(profile) for profile in candidates(settings.profile, slow))
        raise self.error("the camera offers no profile that is known", tried, "none of them")


def pick(rs: Any, devices: list[Any], serial: str) -> Any:
    """The device of this serial, or the only one where none is given.

    Raises:
        RecordingError: not there, or several and none named.
    """
    serials = [told_by(rs, device)["serial_number"] for device in devices]
    if serial in serials:
        return devices[serials.index(serial)]
    found = ", ".join(serials) or "no RealSense on USB"
    if serial:
        raise RecordingError("the camera is not connected", where=f"realsense:{serial}", expected=f"serial {serial}",
                             found=found, mend="check cable and power, or the serial in the configuration")
    if len(devices) != 1:
        what = "several cameras are connected" if devices else "no camera is connected"
        mend = "name one: realsense:SERIAL" if devices else "check cable and power, and the udev rule"
        raise RecordingError(what, where="realsense", expected="one RealSense", found=found, mend=mend)
    return devices[0]


def reset_hardware(
    serial: str = "", find: Find = connected, clock: Clock = SYSTEM_CLOCK, rs: Any = None
) -> bool:
    """Reset the camera as if its cable had been pulled, and wait until it is there again, by its serial.

    Returns:
        whether it is there again. False, too, where there is none to reset: only a hand on the cable helps then.
    """
    rs = rs or load_pyrealsense2()
    try:
        device = pick(rs, find(rs), serial)
        serial = told_by(rs, device)["serial_number"]
        device.hardware_reset()
    except (RecordingError, RuntimeError) as error:
        _log.warning("camera cannot be reset: %s", error)
        return False
    del device
    _until(lambda: serial not in _serials(rs, find), GONE_WITHIN_S, clock)
    return _until(lambda: serial in _serials(rs, find), BACK_WITHIN_S, clock)


def _serials(rs: Any, find: Find) -> list[str]:
    return [told_by(rs, device)["serial_number"] for device in find(rs)]


def _until(holds: Callable[[], bool], seconds: float, clock: Clock) -> bool:
    until_s = clock.monotonic_s() + seconds
    while clock.monotonic_s() < until_s:
        if holds():
            return True
        clock.sleep(POLL_S)
    return holds()


def _has_accel(rs: Any, device: Any) -> bool:
    profiles = (p for sensor in device.query_sensors() for p in sensor.get_stream_profiles())
    return any(profile.stream_type() == rs.stream.accel for profile in profiles)


def _set_options(rs: Any, device: Any, settings: CameraSettings) -> None:
    """What the configuration says, as far as this model knows it."""
    wanted = {
        rs.option.visual_preset: float(int(getattr(rs.rs400_visual_preset, settings.preset))),
        rs.option.emitter_enabled: float(settings.projector),
        rs.option.global_time_enabled: 1.0,
    }
    for sensor in device.query_sensors():
        for option, value in wanted.items():
            if not sensor.supports(option) or sensor.is_option_read_only(option):
                continue
            try:
                sensor.set_option(option, value)
            except RuntimeError as error:
                _log.warning("camera does not take %s = %g: %s", option, value, error)

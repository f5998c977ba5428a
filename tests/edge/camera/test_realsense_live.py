"""The live feed through the real librealsense: its pipeline streams from a software device."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from edge.camera.depth_camera import DepthCamera
from edge.camera.realsense import RealSenseCamera
from edge.camera.realsense_live import LiveFeed, is_usb2, pick, reset_hardware
from edge.camera.realsense_profiles import PROFILES, candidates
from edge.camera.settings import CameraSettings
from edge.camera.supervisor import CameraSupervisor
from edge.clock import ManualClock
from edge.errors import RecordingError
from edge.view.gravity import mount_of

SMALL = (480, 270, 15)
QUICK = {"frame_deadline_s": 1.0, "open_deadline_s": 3.0, "stop_deadline_s": 1.0}
PLAIN = {"filters": {"spatial": False}, **QUICK}


@pytest.fixture
def soft(soft_realsense: type) -> Iterator[Callable[..., Any]]:
    """Makes software cameras and ends them."""
    made: list[Any] = []

    def make(*, stream: tuple[int, int, int] | None = SMALL, **options: Any) -> Any:
        made.append(soft_realsense(**options))
        if stream:
            made[-1].stream(*stream)
        return made[-1]

    yield make
    for camera in made:
        camera.close()


def opened(*cameras: Any, serial: str = "", **settings: Any) -> RealSenseCamera:
    chosen = CameraSettings.model_validate({**PLAIN, **settings})
    return RealSenseCamera(LiveFeed(chosen, serial, lambda _: [camera.device for camera in cameras]), chosen)


def slow(make: Callable[..., Any], **options: Any) -> Any:
    """A camera at USB 2 speed, whose only profile is small: quick to test with."""
    return make(usb="2.1", offers={(480, 270): (15,)}, **options)


def test_frames_carry_metres_colour_intrinsics_and_rising_numbers(soft: Callable[..., Any]) -> None:
    with opened(slow(soft, baseline_m=0.0)) as camera:
        assert isinstance(camera, DepthCamera)
        assert (camera.info.model, camera.info.serial, camera.info.live) == ("Intel RealSense D435I", "0123", True)
        frames = [camera.read() for _ in range(5)]
    for frame in frames:
        assert frame is not None
        assert frame.depth_m.shape == (270, 480)
        assert frame.depth_m[0, 0] == pytest.approx(1.2)
        assert frame.depth_m[110, 200] == pytest.approx(0.8)
        assert frame.colour is not None
        assert frame.colour[0, 0, 0] == 200
        assert frame.intrinsics == camera.info.intrinsics
    assert (np.diff([f.number for f in frames if f]) > 0).all()
    assert (np.diff([f.device_time_ms for f in frames if f]) > 0).all()
    assert (np.diff([f.captured_at_ns for f in frames if f]) > 0).all()
    assert frames[0] is not None
    assert abs(frames[0].captured_at_ns - time.time_ns()) < 10_000_000_000


def test_depth_is_aligned_to_the_colour_camera_beside_it(soft: Callable[..., Any]) -> None:
    with opened(slow(soft, baseline_m=0.1)) as camera:
        frame = camera.read()
    assert frame is not None
    columns = np.flatnonzero(np.abs(frame.depth_m[110] - 0.8) < 0.01)
    assert columns[-1] == pytest.approx(239 + 336 * 0.1 / 0.8, abs=2)  # moved by f * b / z


def test_gravity_comes_from_the_accelerometer_of_an_upright_camera(soft: Callable[..., Any]) -> None:
    with opened(slow(soft, accel=(9.8, 0.0, 0.0))) as camera:
        frame = camera.read()
        assert camera.info.degraded == ("usb2",)
    assert frame is not None
    np.testing.assert_allclose(frame.gravity, [-1, 0, 0], atol=1e-6)
    mount = mount_of(frame.gravity)
    assert mount is not None
    assert abs(mount.roll_deg) < 0.1


def test_the_accelerometer_is_turned_into_the_frame_of_the_picture(soft: Callable[..., Any]) -> None:
    quarter_about_z = [0.0, 1.0, 0, -1.0, 0.0, 0, 0, 0, 1]  # column-major: x becomes y
    with opened(slow(soft, accel=(9.8, 0.0, 0.0), accel_turn=quarter_about_z)) as camera:
        frame = camera.read()
    assert frame is not None
    np.testing.assert_allclose(frame.gravity, [0, -1, 0], atol=1e-6)


def test_a_camera_without_accelerometer_says_that_it_assumes_a_mount(soft: Callable[..., Any]) -> None:
    with opened(slow(soft, accel=None)) as camera:
        assert camera.read() is not None
        assert "gravity" in camera.info.degraded
    with opened(slow(soft, accel=None), gravity="upright_left_down") as camera:
        frame = camera.read()
        assert "gravity" not in camera.info.degraded
    assert frame is not None
    np.testing.assert_array_equal(frame.gravity, [-1, 0, 0])


def test_the_best_profile_that_the_camera_offers_is_taken(soft: Callable[..., Any]) -> None:
    for size, stream, degraded in (("1280x720", (1280, 720, 30), ()), ("640x480", (640, 480, 30), ())):
        with opened(soft(stream=stream), profile=size) as camera:
            frame = camera.read()
            assert camera.info.degraded == degraded
        assert frame is not None
        assert frame.depth_m.shape == (stream[1], stream[0])


def test_a_smaller_profile_is_fallen_back_to_and_named(soft: Callable[..., Any]) -> None:
    with opened(soft(stream=(848, 480, 30), offers={(848, 480): (30,), (640, 480): (30,)})) as camera:
        assert camera.read() is not None
        assert camera.info.degraded == ("profile",)
        assert (camera.info.intrinsics.width, camera.info.intrinsics.height) == (848, 480)


def test_usb_2_is_named_and_given_a_profile_that_fits_it(soft: Callable[..., Any]) -> None:
    with opened(soft(usb="2.1", stream=(640, 480, 15))) as camera:
        assert camera.read() is not None
        assert (camera.info.usb, camera.info.degraded) == ("2.1", ("usb2",))
        assert camera.info.intrinsics.width == 640


def test_usb_2_can_be_refused_with_what_to_do(soft: Callable[..., Any]) -> None:
    with pytest.raises(RecordingError, match="blue port"):
        opened(soft(usb="2.1", stream=None), allow_usb2=False)


@pytest.mark.parametrize(
    ("text", "slow_link"), [("2.1", True), ("2.0", True), ("3.2", False), ("3.1", False), ("", False)]
)
def test_the_usb_descriptor_is_understood(text: str, slow_link: bool) -> None:
    assert is_usb2(text) == slow_link


def test_candidates_begin_with_what_is_wanted_and_never_grow() -> None:
    for wanted in ("1280x720", "848x480", "640x480"):
        tried = candidates(wanted, slow=False)
        assert tried[0].size == wanted
        assert len(set(tried)) == len(tried)
        assert all(p.width <= tried[0].width for p in tried)
    assert all(profile.usb2 for profile in candidates("1280x720", slow=True))
    assert {p.size for p in PROFILES} >= {"1280x720", "848x480", "640x480"}


def test_a_camera_that_offers_nothing_known_is_an_error(soft: Callable[..., Any]) -> None:
    with pytest.raises(RecordingError, match="offers no profile"):
        opened(soft(stream=None, offers={(320, 240): (30,)}))


def test_without_a_colour_camera_depth_alone_is_streamed(soft: Callable[..., Any]) -> None:
    with opened(slow(soft, colour=False)) as camera:
        frame = camera.read()
    assert frame is not None
    assert frame.colour is None
    assert frame.depth_m[0, 0] == pytest.approx(1.2)


def test_the_preset_of_the_configuration_is_set(soft: Callable[..., Any]) -> None:
    made = slow(soft)
    opened(made, preset="high_density").close()
    option = made.rs.option.visual_preset
    assert made.depth.get_option(option) == int(made.rs.rs400_visual_preset.high_density)
    opened(made, preset="high_accuracy").close()
    assert made.depth.get_option(option) == int(made.rs.rs400_visual_preset.high_accuracy)


def test_readings_out_of_range_are_dropped_and_smoothing_keeps_a_flat_wall(soft: Callable[..., Any]) -> None:
    filters = {"min_m": 1.0, "max_m": 2.0, "spatial": True, "temporal": True}
    with opened(slow(soft, baseline_m=0.0), filters=filters) as camera:
        assert camera._filters is not None
        assert camera._filters.names == ("threshold", "to_disparity", "spatial", "temporal", "to_depth")
        frame = camera.read()
    assert frame is not None
    assert (frame.depth_m[110, 180:220] == 0).all()
    np.testing.assert_allclose(frame.depth_m[:60], 1.2, atol=0.003)


def test_decimation_without_colour_delivers_the_intrinsics_of_what_is_left(soft: Callable[..., Any]) -> None:
    with opened(slow(soft, colour=False), filters={"decimation": 2, "spatial": False}) as camera:
        frame = camera.read()
        assert frame is not None
        assert frame.intrinsics == camera.info.intrinsics
    assert frame.depth_m.shape == (frame.intrinsics.height, frame.intrinsics.width) == (136, 240)
    assert frame.intrinsics.fx == pytest.approx(168, rel=0.01)


def test_two_cameras_are_told_apart_by_their_serials(soft: Callable[..., Any]) -> None:
    left, right = slow(soft, serial="111"), slow(soft, serial="222")
    with opened(left, right, serial="222") as camera:
        assert camera.info.serial == "222"
        assert camera.info.source == "realsense:222"
    with pytest.raises(RecordingError, match=r"several cameras.*111, 222"):
        opened(left, right)
    with pytest.raises(RecordingError, match=r"realsense:333.*111, 222"):
        opened(left, right, serial="333")
    with pytest.raises(RecordingError, match="no camera is connected"):
        opened()


def test_a_picture_does_not_keep_librealsenses_frame(soft: Callable[..., Any]) -> None:
    with opened(slow(soft)) as camera:
        frames = [camera.read() for _ in range(40)]  # more than its pool holds
    assert all(f is not None and f.colour is not None and f.colour.flags.owndata for f in frames)


def test_a_silent_camera_is_an_error_within_its_deadline(soft: Callable[..., Any]) -> None:
    made = slow(soft)
    with opened(made) as camera:
        assert camera.read() is not None
        made.pause()
        start = time.monotonic()
        with pytest.raises(RecordingError, match="no new frame") as caught:
            list(iter(camera.read, None))
        assert time.monotonic() - start < 5.0
    assert "blue port" in caught.value.mend


def test_a_frame_that_comes_over_and_over_is_never_delivered_twice(soft: Callable[..., Any]) -> None:
    with opened(slow(soft, frozen=True)) as camera:
        assert camera.read() is not None
        with pytest.raises(RecordingError, match="times more"):
            camera.read()


def test_reading_after_closing_is_an_error_and_closing_twice_is_none(soft: Callable[..., Any]) -> None:
    camera = opened(slow(soft))
    camera.close()
    camera.close()
    with pytest.raises(RecordingError, match="closed"):
        camera.read()


def test_a_camera_that_is_pulled_out_and_put_back_is_found_again_by_its_serial(soft: Callable[..., Any]) -> None:
    made = slow(soft, serial="777")
    plugged = [made.device]
    settings = CameraSettings.model_validate({**PLAIN, "uri": "realsense:777", "back_off_limit_s": 0.3})
    supervisor = CameraSupervisor(
        lambda: RealSenseCamera(LiveFeed(settings, "777", lambda _: list(plugged)), settings), settings
    )
    assert supervisor.read(10.0) is not None
    plugged.clear()
    made.pause()
    until = time.monotonic() + 15
    while "not connected" not in supervisor.state.what:
        assert time.monotonic() < until, supervisor.state
        supervisor.read(0.05)
    plugged.append(made.device)
    made.stream(*SMALL)
    back = time.monotonic()
    while supervisor.state.kind != "degraded":
        assert time.monotonic() - back < 5.0, supervisor.state
        supervisor.read(0.05)
    assert supervisor.state.reason == "usb2"
    assert supervisor.counters["reconnects_total"] == 1
    assert supervisor.close()


class Resettable:
    """A device that leaves the bus when it is reset and comes back by and by."""

    def __init__(self, serial: str, clock: ManualClock, away_s: float = 2.0) -> None:
        self.serial, self.clock, self.away_s, self.back_at_s, self.resets = serial, clock, away_s, 0.0, 0

    def supports(self, _: Any) -> bool:
        return True

    def get_info(self, _: Any) -> str:
        return self.serial

    def hardware_reset(self) -> None:
        self.resets += 1
        self.back_at_s = self.clock.monotonic_s() + self.away_s

    def list(self, _: Any) -> list[Any]:
        return [self] if self.clock.monotonic_s() >= self.back_at_s else []


@pytest.mark.parametrize(("away_s", "back"), [(2.0, True), (8.0, True), (60.0, False)])
def test_a_reset_waits_until_the_camera_is_there_again(away_s: float, back: bool, soft_realsense: type) -> None:
    clock = ManualClock()
    device = Resettable("777", clock, away_s)
    assert reset_hardware("777", device.list, clock) == back
    assert device.resets == 1
    assert clock.monotonic_s() < 15.0


def test_what_is_not_there_or_cannot_be_reset_is_not_waited_for(soft: Callable[..., Any]) -> None:
    clock = ManualClock()
    assert not reset_hardware("777", lambda _: [], clock)
    assert clock.monotonic_s() == 0.0
    assert not reset_hardware("0123", lambda _: [slow(soft).device], clock)  # software cannot be reset


def test_the_only_camera_needs_no_name(soft: Callable[..., Any]) -> None:
    made = slow(soft)
    assert pick(made.rs, [made.device], "") is made.device


@pytest.mark.camera
def test_a_real_camera_delivers_frames_that_advance() -> None:
    with RealSenseCamera(LiveFeed(CameraSettings()), CameraSettings()) as camera:
        frames = [camera.read() for _ in range(30)]
    assert (np.diff([f.number for f in frames if f]) > 0).all()
    assert len(frames) == 30

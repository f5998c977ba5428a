"""The supervisor by a clock that is turned by hand; its threads are real."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edge.camera.depth_camera import DepthCamera
from edge.camera.fault_injector import FaultInjector
from edge.camera.loop import LoopCamera
from edge.camera.mcap_replay import McapReplay
from edge.camera.settings import CameraSettings
from edge.camera.supervisor import COUNTERS, CameraSupervisor
from edge.clock import ManualClock
from edge.errors import MissingDependencyError, RecordingError, ServiceError
from edge.frame import Frame

SETTINGS = CameraSettings(uri="demo:loop", stop_deadline_s=0.2)


class Bench:
    """A supervised loop over a tiny recording that can be told to fail, and a clock for it."""

    def __init__(self, path: Path, settings: CameraSettings = SETTINGS, reset: Callable[[], None] | None = None):
        self.clock = ManualClock()
        self.openings = 0
        self.injector = FaultInjector(lambda: LoopCamera(lambda: McapReplay(path), paced=False))
        self.supervisor = CameraSupervisor(self._open, settings, self.clock, reset)

    def _open(self) -> DepthCamera:
        self.openings += 1
        return self.injector.open()

    def frame(self) -> Frame:
        frame = self.supervisor.read(10.0)
        assert frame is not None
        return frame

    def until(self, holds: Callable[[], bool], step_s: float = 0.0) -> None:
        """Poll, turning the clock by ``step_s`` each time, until something holds."""
        deadline = time.monotonic() + 10.0
        while not holds():
            assert time.monotonic() < deadline, self.supervisor.state
            self.supervisor.read(0.0)
            self.clock.advance(step_s)
            time.sleep(0.001)

    def lost(self) -> bool:
        return self.supervisor.state.kind == "lost"


@pytest.fixture
def bench(mcap_path: Path):
    bench = Bench(mcap_path)
    yield bench
    bench.injector.clear()
    bench.supervisor.close()


def test_it_starts_streams_and_closes(bench: Bench) -> None:
    assert bench.supervisor.state.kind == "starting"
    assert np.diff([bench.frame().number for _ in range(6)]).tolist() == [1] * 5  # a loop without pace loses nothing
    assert bench.supervisor.state.kind == "streaming"
    assert bench.supervisor.info is not None
    assert bench.supervisor.info.model == "Test camera"
    assert bench.supervisor.close()
    assert bench.supervisor.state.reason == "closed"
    assert bench.supervisor.read(0.0) is None
    assert not any(bench.supervisor.counters.values())


def test_every_counter_is_described(bench: Bench) -> None:
    assert set(bench.supervisor.counters) == set(COUNTERS)


def test_a_camera_that_is_gone_is_tried_again_with_growing_waits(bench: Bench) -> None:
    bench.frame()
    bench.injector.inject("unplug")
    bench.until(bench.lost)
    assert bench.supervisor.state.reason == "gone"
    times = []
    for opening in range(2, 7):
        bench.until(lambda opening=opening: bench.openings == opening, step_s=0.01)
        times.append(bench.clock.monotonic_s())
        bench.until(lambda opening=opening: bench.supervisor.counters["failures_total"] == opening)
    waits = np.diff([0.0, *times])
    assert (waits >= np.array([0.25, 0.5, 1.0, 1.0, 1.0]) - 0.011).all()
    assert waits.max() < 1.6
    bench.injector.clear()
    bench.until(lambda: bench.supervisor.state.kind == "streaming", step_s=0.05)
    assert bench.supervisor.counters["reconnects_total"] == 1


def test_a_stall_is_noticed_by_the_clock_and_not_before(bench: Bench) -> None:
    bench.frame()
    bench.injector.inject("hang_on_read")
    bench.supervisor.read(0.05)
    bench.until(lambda: bench.supervisor.read(0.01) is None)
    bench.clock.advance(SETTINGS.frame_deadline_s - 0.01)
    bench.supervisor.read(0.0)
    assert not bench.lost()
    bench.clock.advance(0.02)
    bench.supervisor.read(0.0)
    assert bench.supervisor.state.reason == "stalled"
    assert bench.supervisor.counters["stalls_total"] == 1


def test_frames_that_repeat_are_dropped_counted_and_end_as_stale(bench: Bench) -> None:
    first = bench.frame()
    bench.injector.inject("stale")
    seen = [first.number]
    deadline = time.monotonic() + 10
    while bench.supervisor.counters["stale_frames_total"] < 5:
        assert time.monotonic() < deadline
        if (frame := bench.supervisor.read(0.01)) is not None:
            seen.append(frame.number)
    assert len(set(seen)) == len(seen)
    bench.clock.advance(3.0)
    bench.until(bench.lost)
    assert bench.supervisor.state.reason == "stale"


@pytest.mark.parametrize("fault", ["nan", "zeros"])
def test_blank_frames_are_never_handed_on_and_degrade(bench: Bench, fault: str) -> None:
    bench.frame()
    bench.injector.inject(fault)
    bench.until(lambda: bench.supervisor.counters["blank_frames_total"] >= 3)
    bench.clock.advance(0.6)
    bench.until(lambda: bench.supervisor.state.reason == "no_depth")
    assert bench.supervisor.state.kind == "degraded"
    for _ in range(20):
        assert bench.supervisor.read(0.0) is None
    bench.injector.clear()
    assert np.isfinite(bench.frame().depth_m).all()
    assert bench.supervisor.state.kind == "streaming"
    assert bench.supervisor.counters["failures_total"] == 0


def test_usb_2_is_named_with_what_to_do(bench: Bench) -> None:
    bench.injector.inject("usb2")
    bench.frame()
    state = bench.supervisor.state
    assert (state.kind, state.reason) == ("degraded", "usb2")
    assert "blue port" in state.advice


def test_after_so_many_failures_the_process_is_told_to_end(mcap_path: Path) -> None:
    bench = Bench(mcap_path, SETTINGS.model_copy(update={"give_up_after": 4}))
    bench.injector.inject("unplug")
    with pytest.raises(ServiceError, match="failed 4 times") as caught:
        bench.until(lambda: False, step_s=0.05)
    assert caught.value.exit_code == 75
    assert bench.openings == 4


def test_a_camera_that_flaps_is_tried_ever_more_slowly_until_it_has_run_for_a_while(bench: Bench) -> None:
    def waited_s(run_s: float) -> float:
        """From a loss after a run of so many seconds to the next opening."""
        bench.until(lambda: bench.supervisor.state.kind == "streaming", step_s=0.05)
        for _ in range(round(run_s / 0.5)):
            bench.frame()
            bench.clock.advance(0.5)
        bench.frame()
        bench.injector.inject("unplug")
        bench.until(bench.lost)
        lost_s, openings = bench.clock.monotonic_s(), bench.openings
        bench.injector.clear()
        bench.until(lambda: bench.openings > openings, step_s=0.01)
        return bench.clock.monotonic_s() - lost_s

    assert [round(waited_s(0.5), 1) for _ in range(3)] == pytest.approx([0.3, 0.5, 1.0], abs=0.11)
    assert waited_s(6.0) == pytest.approx(0.26, abs=0.1)
    assert bench.supervisor.counters["reconnects_total"] == 3


def test_an_optional_part_that_is_missing_is_no_reason_to_try_again() -> None:
    def opener() -> DepthCamera:
        raise MissingDependencyError("cannot read cameras", mend="install it")

    supervisor = CameraSupervisor(opener, SETTINGS, ManualClock())
    with pytest.raises(MissingDependencyError):
        supervisor.read(10.0)


def test_the_hardware_is_reset_before_every_third_attempt(mcap_path: Path) -> None:
    resets: list[int] = []
    bench = Bench(mcap_path, reset=lambda: resets.append(bench.openings))
    bench.injector.inject("unplug")
    bench.until(lambda: bench.openings == 8, step_s=0.05)
    assert resets == [3, 6]
    assert bench.supervisor.counters["resets_total"] == 2
    bench.supervisor.close()


def test_a_camera_that_hangs_when_it_is_closed_is_left_behind_in_time(bench: Bench) -> None:
    bench.frame()
    bench.injector.inject("hang_on_stop")
    bench.until(bench.lost)
    start = time.monotonic()
    bench.until(lambda: bench.supervisor.counters["stop_timeouts_total"] == 1, step_s=0.01)
    assert bench.supervisor.left_behind == 1
    assert not bench.supervisor.read(0.0)
    assert time.monotonic() - start < 5.0
    bench.injector.clear()
    bench.until(lambda: bench.supervisor.state.kind == "streaming", step_s=0.05)
    bench.until(lambda: bench.supervisor.left_behind == 0)


def test_closing_does_not_wait_longer_than_the_deadline(bench: Bench) -> None:
    bench.frame()
    bench.injector.inject("hang_on_read")
    bench.until(lambda: bench.supervisor.read(0.01) is None)
    start = time.monotonic()
    assert not bench.supervisor.close()
    assert time.monotonic() - start < SETTINGS.stop_deadline_s + 1.0
    assert bench.supervisor.counters["stop_timeouts_total"] == 1


def test_too_many_hung_threads_end_the_process(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge.camera.supervisor.MAX_LEFT_BEHIND", 2)
    bench.frame()
    bench.injector.inject("hang_on_read")
    with pytest.raises(ServiceError):
        bench.until(lambda: False, step_s=0.05)
    assert bench.supervisor.left_behind == 2


def test_the_end_of_a_recording_is_an_end_and_no_failure(mcap_path: Path) -> None:
    supervisor = CameraSupervisor(lambda: McapReplay(mcap_path), SETTINGS, ManualClock())
    frames = [supervisor.read(10.0) for _ in range(4)]
    assert all(frames)
    assert supervisor.read(0.2) is None
    assert supervisor.state.reason == "ended"
    assert supervisor.counters["failures_total"] == 0
    supervisor.close()


def test_a_live_camera_that_ends_is_a_failure(mcap_path: Path) -> None:
    class Live(McapReplay):
        @property
        def info(self):
            return replace(super().info, live=True)

    supervisor = CameraSupervisor(lambda: Live(mcap_path), SETTINGS, ManualClock())
    deadline = time.monotonic() + 10
    while supervisor.counters["failures_total"] == 0:
        assert time.monotonic() < deadline
        supervisor.read(0.01)
    assert supervisor.state.reason == "gone"
    supervisor.close()


def test_of_a_live_camera_the_newest_frame_wins(make_frame: Callable[..., Frame], mcap_path: Path) -> None:
    delivered = threading.Event()

    class Fast(McapReplay):
        def __init__(self) -> None:
            super().__init__(mcap_path)
            self.number = 0

        @property
        def info(self):
            return replace(super().info, live=True)

        def read(self):
            if self.number == 50:
                delivered.set()
                threading.Event().wait(0.5)
                raise RecordingError("gone")
            self.number += 1
            return replace(
                make_frame(0), number=self.number, captured_at_ns=self.number, device_time_ms=float(self.number)
            )

    supervisor = CameraSupervisor(Fast, SETTINGS, ManualClock())
    assert supervisor.read(0.0) is None  # starts the opening
    assert delivered.wait(10.0)
    frame = supervisor.read(1.0)
    assert frame is not None
    assert frame.number == 50
    supervisor.close()

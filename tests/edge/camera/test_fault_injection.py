"""Thirty of every fault (two by default), in real time: the camera comes back within 5 s of the fault's end."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest

from edge.camera import open_camera
from edge.camera.fault_injector import FaultInjector
from edge.camera.rehearsal import LIVE_FAULTS, Scheduled, parse_timetable
from edge.camera.settings import CameraSettings
from edge.camera.supervisor import CameraSupervisor
from edge.clock import ManualClock
from edge.errors import RecordingError, UsageError
from edge.frame import Frame
from edge.view.gates import Refusal
from edge.view.see import see

BACK_WITHIN_S = 5.0
QUICK = CameraSettings(
    uri="demo:loop", frame_deadline_s=0.3, stop_deadline_s=0.2, back_off_first_s=0.05, back_off_limit_s=0.2,
    open_deadline_s=2.0, give_up_after=0,
)  # fmt: skip
WHOLE = CameraSettings(uri="demo:loop")
COUNTED = {
    "unplug": "failures_total",
    "stale": "stale_frames_total",
    "usb2": "reconnects_total",
    "hang_on_stop": "stop_timeouts_total",
    "hang_on_read": "stalls_total",
    "nan": "blank_frames_total",
    "zeros": "blank_frames_total",
}


def wait_for(supervisor: CameraSupervisor, holds, seconds: float) -> list[Frame]:
    frames, until = [], time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < until, (supervisor.state, supervisor.counters)
        if (frame := supervisor.read(0.02)) is not None:
            frames.append(frame)
    return frames


def hold(supervisor: CameraSupervisor, seconds: float) -> list[Frame]:
    """What comes while a fault goes on for so long."""
    until = time.monotonic() + seconds
    frames = []
    while time.monotonic() < until:
        if (frame := supervisor.read(0.02)) is not None:
            frames.append(frame)
    return frames


def is_back(supervisor: CameraSupervisor, fault: str, reconnects: int) -> bool:
    """Streaming; after a fault that a reopening ends, from a new opening."""
    streaming = supervisor.state.kind == "streaming" and supervisor.read(0.2) is not None
    return streaming and (fault != "usb2" or supervisor.counters["reconnects_total"] > reconnects)


@pytest.mark.parametrize("fault", COUNTED)
def test_the_camera_comes_back_by_itself_and_the_counters_tell(fault: str, full: bool, capsys) -> None:
    settings = WHOLE if full else QUICK
    injector = FaultInjector(lambda: open_camera("demo:loop"))
    supervisor = CameraSupervisor(injector.open, settings)
    slowest_s, rng = 0.0, np.random.default_rng(0)
    threads = threading.active_count()
    wait_for(supervisor, lambda: supervisor.state.kind == "streaming", 10.0)
    for _ in range(30 if full else 2):
        before = supervisor.counters[COUNTED[fault]]
        injector.inject(fault)
        during = wait_for(supervisor, lambda before=before: supervisor.counters[COUNTED[fault]] > before, 30.0)
        during += hold(supervisor, rng.uniform(0.0, 3.0 if full else 0.3))
        injector.clear()
        cleared, already = time.monotonic(), supervisor.counters["reconnects_total"]
        frames = wait_for(supervisor, lambda already=already: is_back(supervisor, fault, already), BACK_WITHIN_S)
        slowest_s = max(slowest_s, time.monotonic() - cleared)
        assert all(np.isfinite(frame.depth_m).all() and frame.depth_m.any() for frame in during + frames)
        numbers = [(frame.number, frame.captured_at_ns) for frame in during + frames]
        assert len(set(numbers)) == len(numbers)
    supervisor.close()
    wait_for(supervisor, lambda: threading.active_count() <= threads, 10.0)
    with capsys.disabled():
        if full:
            print(f"\n{fault}: 30 times, slowest return {slowest_s:.2f} s, {supervisor.counters}")


@pytest.mark.parametrize("fault", ["nan", "zeros", "stale"])
def test_a_bad_frame_gives_no_angle_even_without_a_supervisor(fault: str) -> None:
    injector = FaultInjector(lambda: open_camera("demo"))
    with injector.open() as camera:
        previous = camera.read()
        injector.inject(fault)
        frame = camera.read()
    assert frame is not None
    outcome = see(frame, previous)
    assert isinstance(outcome, Refusal)
    assert outcome.reason == ("stale_frame" if fault == "stale" else "missing_depth")


def test_every_fault_of_a_camera_has_its_test() -> None:
    assert set(LIVE_FAULTS) - {"no_colour"} == set(COUNTED)  # colour may be missing; nothing depends on it


def test_a_timetable_comes_and_goes_by_the_clock() -> None:
    clock = ManualClock()
    table = parse_timetable("unplug@10+3, nan@20.5+1")
    assert table == (Scheduled("unplug", 10, 3), Scheduled("nan", 20.5, 1))
    injector = FaultInjector(lambda: open_camera("demo"), table, clock)
    for advance_s, active in ((9.9, ""), (0.2, "unplug"), (2.8, "unplug"), (0.2, ""), (7.5, "nan"), (1.0, "")):
        clock.advance(advance_s)
        assert injector.active == active
    injector.inject("zeros")
    assert injector.active == "zeros"


@pytest.mark.parametrize("text", ["unplug", "unplug@x+1", "fire@1+1", "unplug@1", "unplug@1+1;nan@2+2", "unplug@-1+2"])
def test_an_unreadable_timetable_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        parse_timetable(text)


def test_what_is_unplugged_cannot_be_opened_or_read() -> None:
    injector = FaultInjector(lambda: open_camera("demo"))
    camera = injector.open()
    injector.inject("unplug")
    with pytest.raises(RecordingError, match="gone"):
        camera.read()
    with pytest.raises(RecordingError, match="no camera"):
        injector.open()
    camera.close()

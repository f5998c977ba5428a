from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edge.camera import open_camera
from edge.camera.faults import FaultyCamera
from edge.camera.loop import LoopCamera
from edge.camera.mcap_replay import McapReplay
from edge.clock import ManualClock
from edge.errors import RecordingError, UsageError
from edge.view.see import see


def test_numbers_and_clocks_go_on_where_a_pass_ends(mcap_path: Path) -> None:
    with LoopCamera(lambda: McapReplay(mcap_path), clock=ManualClock()) as camera:
        frames = [camera.read() for _ in range(11)]
    assert np.diff([f.number for f in frames]).tolist() == [1] * 10
    np.testing.assert_allclose(np.diff([f.device_time_ms for f in frames]), 33.0, atol=0.01)
    assert (np.diff([f.captured_at_ns for f in frames]) > 0).all()
    np.testing.assert_array_equal(frames[0].depth_m, frames[4].depth_m)
    np.testing.assert_array_equal(frames[2].depth_m, frames[10].depth_m)


def test_a_paced_loop_keeps_the_recordings_rate_and_an_unpaced_one_waits_for_nothing(mcap_path: Path) -> None:
    for paced, elapsed_s in ((True, 0.33), (False, 0.0)):
        clock = ManualClock()
        with LoopCamera(lambda: McapReplay(mcap_path), paced=paced, clock=clock) as camera:
            for _ in range(11):
                camera.read()
        assert clock.monotonic_s() == pytest.approx(elapsed_s, abs=1e-3)


def test_a_late_reader_gets_one_frame_at_once_and_no_burst(mcap_path: Path) -> None:
    clock = ManualClock()
    with LoopCamera(lambda: McapReplay(mcap_path), clock=clock) as camera:
        camera.read()
        clock.advance(60.0)
        for waited_s in (0.0, 0.033, 0.033):
            before_s = clock.monotonic_s()
            camera.read()
            assert clock.monotonic_s() - before_s == pytest.approx(waited_s, abs=1e-3)


def test_host_time_is_that_of_the_reading(mcap_path: Path) -> None:
    clock = ManualClock(start_ns=5_000_000_000)
    with LoopCamera(lambda: McapReplay(mcap_path), clock=clock) as camera:
        clock.advance(7.0)
        assert camera.read().captured_at_ns == 12_000_000_000


@pytest.mark.parametrize(("held", "openings"), [(32, 1), (3, 3)])
def test_a_short_recording_is_read_once_and_a_long_one_once_a_pass(
    mcap_path: Path, monkeypatch: pytest.MonkeyPatch, held: int, openings: int
) -> None:
    monkeypatch.setattr("edge.camera.loop.HELD_FRAMES", held)
    opened: list[McapReplay] = []

    def opener() -> McapReplay:
        opened.append(McapReplay(mcap_path))
        return opened[-1]

    with LoopCamera(opener, paced=False) as camera:
        depths = [camera.read().depth_m[0, 0] for _ in range(12)]
    assert len(opened) == openings
    assert depths[:4] * 3 == depths
    for one in opened:
        with pytest.raises(RecordingError, match="closed"):
            one.read()


def test_a_recording_without_a_frame_cannot_be_looped(mcap_path: Path) -> None:
    camera = LoopCamera(lambda: FaultyCamera(McapReplay(mcap_path), {0: "end"}))
    with pytest.raises(RecordingError, match="no frame"):
        camera.read()


def test_a_single_frame_is_a_moving_picture_too(mcap_path: Path) -> None:
    camera = LoopCamera(lambda: FaultyCamera(McapReplay(mcap_path), {1: "end"}), clock=ManualClock())
    a, b = camera.read(), camera.read()
    assert b.number == a.number + 1
    assert b.device_time_ms > a.device_time_ms


def test_a_closed_loop_is_an_error(mcap_path: Path) -> None:
    camera = LoopCamera(lambda: McapReplay(mcap_path))
    camera.close()
    camera.close()
    with pytest.raises(RecordingError, match="closed"):
        camera.read()


@pytest.mark.parametrize(("way", "paced"), [("loop", True), ("loop,pace=none", False)])
def test_the_uri_says_loop_and_pace(mcap_path: Path, way: str, paced: bool) -> None:
    for uri in (f"demo:{way}", f"file:{mcap_path}#{way}"):
        clock = ManualClock()
        with open_camera(uri, clock=clock) as camera:
            for _ in range(3):
                camera.read()
        assert (clock.monotonic_s() > 0) == paced, uri


def test_an_unknown_way_to_loop_is_refused(mcap_path: Path) -> None:
    with pytest.raises(UsageError, match="demo:loop,pace=none"):
        open_camera("demo:loop,pace=fast")
    with pytest.raises(RecordingError):
        open_camera(f"file:{mcap_path}#loop,pace=fast")


def test_the_turn_of_the_demo_passes_the_gates_like_any_frame() -> None:
    with open_camera("demo:loop,pace=none") as camera:
        frames = [camera.read() for _ in range(16)]
    assert see(frames[15], frames[14]).gates["frames_advanced"] == 1


def test_stamps_stay_apart_where_the_host_clock_stands_still(mcap_path: Path) -> None:
    with LoopCamera(lambda: McapReplay(mcap_path), paced=False, clock=ManualClock()) as camera:
        a, b = camera.read(), camera.read()
    assert b.captured_at_ns == a.captured_at_ns + 1

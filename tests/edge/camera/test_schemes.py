from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from edge.camera import open_camera, supervise
from edge.camera.schemes import SCHEME_FORMS, SCHEMES, SUFFIXES
from edge.camera.settings import CameraSettings
from edge.clock import ManualClock
from edge.errors import MissingDependencyError, RecordingError, UsageError


def test_a_file_is_opened_by_its_suffix_in_any_case(mcap_path: Path, tmp_path: Path) -> None:
    shouting = tmp_path / "SCENE.MCAP"
    shouting.write_bytes(mcap_path.read_bytes())
    for path in (mcap_path, shouting):
        with open_camera(f"file:{path}") as camera:
            assert camera.info.source == str(path)


@pytest.mark.parametrize("uri", ["", "demo2", "rtsp://kiosk", "/dev/video0", "file:", "demo:x"])
def test_an_unknown_camera_is_a_usage_error_that_lists_the_known_ones(uri: str) -> None:
    with pytest.raises(UsageError) as caught:
        open_camera(uri)
    assert caught.value.expected


def test_every_scheme_has_a_form_to_show() -> None:
    assert set(SCHEME_FORMS) == set(SCHEMES)


@pytest.mark.parametrize("name", ["scan.ply", "scan", "scan.mcap.gz"])
def test_a_file_of_another_kind_is_a_recording_error(name: str) -> None:
    with pytest.raises(RecordingError) as caught:
        open_camera(f"file:{name}")
    assert all(suffix in caught.value.expected for suffix in SUFFIXES)


def test_a_missing_demo_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge.camera.schemes.DEMO", ("demo", "no-such-recording.mcap"))
    with pytest.raises(RecordingError, match="missing"):
        open_camera("demo")


def test_without_pyrealsense2_the_error_tells_how_to_install_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyrealsense2", None)
    path = tmp_path / "a.db3"
    path.write_bytes(b"SQLite format 3\x00")
    with pytest.raises(MissingDependencyError) as caught:
        open_camera(f"file:{path}")
    assert "libusb-1.0-0" in caught.value.mend


def test_importing_the_cameras_needs_no_reader() -> None:
    code = (
        "import sys, edge.camera\n"
        "print([m for m in ('pyrealsense2', 'mcap', 'pydantic', 'cv2', 'google.protobuf') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_configured_camera_is_supervised_and_an_unknown_one_refused_at_once() -> None:
    supervisor = supervise(CameraSettings(uri="demo:loop,pace=none"))
    assert supervisor.read(10.0) is not None
    assert supervisor.close()
    with pytest.raises(UsageError):
        supervise(CameraSettings(uri="webcam:0"))


def test_without_a_camera_on_usb_the_error_says_what_to_check(pyrealsense2: None) -> None:
    with pytest.raises(RecordingError) as caught:
        open_camera("realsense:000000000000")
    assert "cable" in caught.value.mend


def test_a_rehearsed_fault_comes_by_its_timetable_and_goes() -> None:
    clock = ManualClock()
    supervisor = supervise(CameraSettings(uri="demo:loop,pace=none", rehearse="zeros@1+4"), clock)
    assert supervisor.read(10.0) is not None
    until = time.monotonic() + 20.0
    while supervisor.counters["blank_frames_total"] == 0:
        assert time.monotonic() < until
        clock.advance(0.02)
        supervisor.read(0.01)
    assert 1.0 <= clock.monotonic_s() < 5.0
    while supervisor.read(0.01) is None:
        assert time.monotonic() < until
        clock.advance(0.02)
    assert clock.monotonic_s() >= 5.0
    supervisor.close()

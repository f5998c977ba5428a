from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pytest

from edge.camera.supervisor import CameraState
from edge.clock import SYSTEM_CLOCK
from edge.daemon.status import Board, Status
from edge.doctor import camera_checks
from edge.doctor.examined import Examined
from edge.doctor.finding import Finding
from edge.errors import ServiceError
from edge.health.metrics import Metrics
from edge.health.server import LocalServer, health_routes
from edge.health.settings import HealthSettings


def test_a_sound_camera_on_a_flat_wall_is_well(make_kiosk) -> None:
    kiosk = make_kiosk()
    for check in ("camera", "usb", "firmware", "mount", "repeatability"):
        finding = getattr(camera_checks, check)(kiosk)
        assert finding.level == "ok", (check, finding)
    assert "30 frames/s" in camera_checks.camera(kiosk).what
    assert camera_checks.repeatability(kiosk).values["rms_mm"] == pytest.approx(3.0, rel=0.1)


def test_usb_2_is_a_warning_that_names_the_port(make_kiosk) -> None:
    finding = camera_checks.usb(make_kiosk(usb="2.1", degraded=("usb2",)))
    assert finding.level == "warning"
    assert "blue port" in finding.mend


@pytest.mark.parametrize(("told", "wanted", "level"), [
    ("5.13.0.50", "5.16.0.1", "warning"), ("5.16.0.1", "5.16.0.1", "ok"), ("5.100.0.0", "5.16.0.1", "ok"),
    ("5.16.0.1", "", "ok"), ("", "", "ok"),
])  # fmt: skip
def test_old_firmware_is_a_warning(make_kiosk, told: str, wanted: str, level: str) -> None:
    finding = camera_checks.firmware(make_kiosk(firmware=told, firmware_recommended=wanted))
    assert finding.level == level


def test_a_crooked_mount_is_an_error_and_one_that_is_not_known_a_warning(make_kiosk, make_wall) -> None:
    tilted = [replace(frame, gravity=np.array([-0.8, 0.0, 0.6])) for frame in make_wall()]
    assert camera_checks.mount(make_kiosk(tilted)).level == "error"
    along = [replace(frame, gravity=np.array([0.0, 0.0, 1.0])) for frame in make_wall()]
    assert camera_checks.mount(make_kiosk(along)).level == "error"
    assumed = camera_checks.camera(make_kiosk(degraded=("gravity",)))
    assert assumed.level == "warning"
    assert "gravity" in assumed.mend


def test_noise_beyond_the_normal_is_a_warning(make_kiosk, make_wall) -> None:
    assert camera_checks.repeatability(make_kiosk(make_wall(8.0))).level == "warning"


def test_without_a_wall_noise_is_not_made_up(make_kiosk, body) -> None:
    finding = camera_checks.repeatability(make_kiosk(body))
    assert finding.level == "ok"
    assert "not measured" in finding.what
    assert not finding.values


def test_a_camera_that_is_not_there_is_one_error_and_no_more_lines(make_kiosk) -> None:
    lost = CameraState("lost", "gone", "no camera is connected", "check the cable")
    kiosk = make_kiosk([], state=lost, failure=ServiceError("failed 2 times"))
    finding = camera_checks.camera(kiosk)
    assert (finding.level, finding.mend) == ("error", "check the cable")
    assert "no camera is connected" in finding.what
    assert [getattr(camera_checks, c)(kiosk) for c in ("usb", "firmware", "mount", "repeatability")] == [None] * 4


def test_repeats_and_blank_frames_and_too_few_of_them_are_warnings(make_kiosk, make_wall) -> None:
    assert camera_checks.camera(make_kiosk(counters={"stale_frames_total": 2})).level == "warning"
    assert camera_checks.camera(make_kiosk(make_wall(count=3))).level == "warning"


@pytest.fixture
def held(make_kiosk, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Finding]]:
    """The check's finding on a kiosk whose camera is in the hands of the service, which has this to say of it."""
    monkeypatch.setattr(camera_checks, "service_state", lambda _: {"ActiveState": "active"})
    board = Board()
    server = LocalServer(HealthSettings(port=0), health_routes(board, Metrics(), SYSTEM_CLOCK))

    def check(camera: str = "", reason: str = "", serving: bool = True) -> Finding:
        board.post(Status(camera=camera, camera_reason=reason))
        health = {"port": server.port, "enabled": serving}
        return camera_checks.camera(make_kiosk([], config={"health": health}, failure=ServiceError("busy")))

    yield check
    server.stop(1.0)


@pytest.mark.parametrize(("state", "reason", "level", "words"), [
    ("streaming", "", "ok", "streams from it"),
    ("degraded", "usb2", "warning", "USB 2"),
    ("lost", "gone", "warning", "lost it (gone)"),
])
def test_what_the_service_says_of_the_camera_it_holds_counts(held, state, reason, level, words) -> None:
    finding = held(state, reason)
    assert (finding.level, words in finding.what) == (level, True), finding
    assert "systemctl stop" in f"{finding.what} {finding.mend}"


def test_a_service_without_probes_only_holds_the_camera(held) -> None:
    finding = held("streaming", serving=False)
    assert finding.level == "warning"
    assert "does not say" in finding.what


def test_the_demonstration_is_looked_at_through_the_real_camera_path() -> None:
    from edge.config.models import Config

    kiosk = Examined(Config.model_validate({"camera": {"uri": "demo"}}))
    assert len(kiosk.sight.frames) >= 12  # all that the recording holds
    assert camera_checks.camera(kiosk).level == "ok"


def test_a_missing_recording_is_said_once_and_in_time() -> None:
    from edge.config.models import Config

    kiosk = Examined(Config.model_validate({"camera": {"uri": "file:no-such.mcap"}}))
    finding = camera_checks.camera(kiosk)
    assert finding.level == "error"
    assert "cannot be opened" in finding.what

from __future__ import annotations

from typing import Any

import pydantic
import pytest

from edge.camera.settings import MOUNTS, CameraSettings
from edge.view.gravity import mount_of


def test_the_defaults_are_those_of_the_kiosk() -> None:
    settings = CameraSettings()
    assert settings.uri == "realsense:"
    assert settings.profile == "1280x720"
    assert settings.down is None
    assert settings.filters.hole_filling is False
    assert settings.back_off_limit_s + settings.frame_deadline_s < 5.0  # a camera that is back is used within 5 s


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"colr": True}, "colr"),
        ({"filters": {"median": 3}}, "median"),
        ({"gravity": [0, 0, 0]}, "nowhere"),
        ({"gravity": "sideways"}, "gravity"),
        ({"gravity": [0, float("nan"), 1]}, "finite"),
        ({"uri": "realsense:123", "serial": "124"}, "give one"),
        ({"serial": "a/b"}, "serial"),
        ({"back_off_first_s": 3.0}, "back_off_limit_s"),
        ({"filters": {"min_m": 2.0, "max_m": 1.0}}, "below max_m"),
        ({"stop_deadline_s": 0}, "stop_deadline_s"),
        ({"profile": "1920x1080"}, "profile"),
        ({"rehearse": "fire@1+1"}, "unplug, stale"),
        ({"rehearse": "unplug"}, "timetable"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(pydantic.ValidationError, match=words):
        CameraSettings.model_validate(fields)


def test_gravity_is_a_mount_or_a_vector_of_any_length() -> None:
    assert CameraSettings(gravity="upright_left_down").down == (-1.0, 0.0, 0.0)
    assert CameraSettings(gravity=(0.0, 3.0, 4.0)).down == pytest.approx((0.0, 0.6, 0.8))


def test_every_mount_is_level() -> None:
    for name in MOUNTS:
        mount = mount_of(CameraSettings.model_validate({"gravity": name}).down)
        assert mount is not None
        assert (mount.pitch_deg, mount.roll_deg) == (0, pytest.approx(0))

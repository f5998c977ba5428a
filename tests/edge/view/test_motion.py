from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from edge.frame import Frame
from edge.view.gravity import mount_of
from edge.view.motion import frames_advanced, movement
from edge.view.pose import find_pose
from edge.view.segment import find_subject, thin

Take = Callable[..., Any]


def moved(now: Frame, before: Frame) -> dict[str, float]:
    mount = mount_of(now.gravity)
    assert mount is not None
    views = [thin(frame, mount.level_from_camera) for frame in (now, before)]
    segment = find_subject(views[0], now.intrinsics.fx)
    assert segment is not None
    cloud = np.stack([a[segment.mask] for a in (views[0].x_m, views[0].y_m, views[0].z_m)], 1) * np.float32(1000)
    pose = find_pose(cloud)
    assert pose is not None
    return movement(views[0], views[1], segment, pose)


def test_a_step_forward_and_a_step_aside_are_measured(take: Take, person: Any) -> None:
    here = take(person).frame
    ahead = moved(take(person, distance_m=1.22).frame, here)
    aside = moved(take(person, aside_mm=40.0).frame, here)
    assert ahead["depth_change_mm"] == pytest.approx(20, abs=1)
    assert aside["shift_mm"] == pytest.approx(40, abs=6)


def test_holes_that_come_and_go_are_not_a_movement(take: Take, person: Any) -> None:
    here = take(person, wall_m=1.8, floor_mm=-1100.0).frame
    holes = here.depth_m.copy()
    rng = np.random.default_rng(2)
    for row, col in zip(rng.integers(400, 1200, 60), rng.integers(200, 520, 60), strict=True):
        holes[row : row + 25, col : col + 25] = 0
    change = moved(here, replace(here, depth_m=holes))
    assert abs(change["depth_change_mm"]) < 0.5
    assert change["shift_mm"] < 4


def test_frames_of_another_size_are_not_compared(take: Take, person: Any, cameras: dict[str, Any]) -> None:
    assert moved(take(person).frame, take(person, cameras["d435 portrait"]).frame) == {}


@pytest.mark.parametrize(
    ("change", "steps"),
    [({}, 2), ({"number": 5}, 0), ({"captured_at_ns": 10}, 0), ({"device_time_ms": 1.0}, 0), ({"number": 4}, -1)],
)
def test_the_counter_and_both_clocks_must_move_on(
    take: Take, person: Any, change: dict[str, Any], steps: float
) -> None:
    before = replace(take(person).frame, number=5, captured_at_ns=10, device_time_ms=1.0)
    now = replace(before, **{"number": 7, "captured_at_ns": 20, "device_time_ms": 2.0, **change})
    assert frames_advanced(now, before) == steps

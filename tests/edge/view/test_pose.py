from __future__ import annotations

import numpy as np
import pytest

from edge.view.pose import find_pose, find_waist


def points(yaw_deg: float = 0.0, lean: float = 0.0, arms: bool = False) -> np.ndarray:
    """An elliptic trunk with shoulders and neck, 8 mm apart, 1.2 m ahead, turned by ``yaw_deg``; (N, 3) mm."""
    y, z = np.meshgrid(np.arange(-560, 120, 8.0), np.arange(-260, 261, 8.0), indexing="ij")
    half = np.interp(y, [-560, -330, -150, -40, 60, 120], [140, 120, 150, 170, 60, 60])
    inside = np.abs(z) < half
    x = 95 * (1 - np.sqrt(np.clip(1 - (z / half) ** 2, 0, 1))) + lean * y
    trunk = np.stack([x, y, z], -1)[inside]
    if arms:
        arm = (np.abs(np.abs(z) - 210) < 36) & (y < -40) & (y > -500)
        trunk = np.concatenate([trunk, np.stack([np.full(y.shape, 60.0), y, z], -1)[arm]])
    a = np.radians(yaw_deg)
    turn = np.array([[np.cos(a), 0, np.sin(a)], [0, 1, 0], [-np.sin(a), 0, np.cos(a)]])
    return (trunk @ turn.T + [1200, 30, 15]).astype(np.float32)


@pytest.mark.parametrize("yaw", [0.0, 7.0, -18.0])
def test_the_yaw_and_the_mid_line_of_a_round_back_are_found_together(yaw: float) -> None:
    pose = find_pose(points(yaw))
    assert pose is not None
    assert pose.yaw_deg == pytest.approx(yaw, abs=1.5)
    middle = pose.body_from_level @ [1200, 30, 15]
    assert pose.middle_z_mm == pytest.approx(middle[2], abs=6)
    assert pose.list_deg == pytest.approx(0, abs=1.0)


def test_arms_change_neither_yaw_nor_mid_line_nor_shoulders() -> None:
    bare, armed = find_pose(points(8.0)), find_pose(points(8.0, arms=True))
    assert bare is not None
    assert armed is not None
    assert armed.yaw_deg == pytest.approx(bare.yaw_deg, abs=1.0)
    assert armed.middle_z_mm == pytest.approx(bare.middle_z_mm, abs=3)
    assert armed.anchors.shoulder_y_mm == pytest.approx(bare.anchors.shoulder_y_mm, abs=2.0)


def test_a_trunk_that_leans_forward_has_a_positive_lean() -> None:
    pose = find_pose(points(lean=np.tan(np.radians(10.0))))
    assert pose is not None
    assert pose.lean_deg == pytest.approx(10.0, abs=0.5)


def test_the_waist_is_as_wide_as_it_is_and_ends_in_the_crease_before_an_arm() -> None:
    cloud = points() - np.float32([1200, 30, 15])
    bare = find_waist(*cloud.T, 0.0)
    assert bare is not None
    assert bare[1] - bare[0] == pytest.approx(2 * 124, abs=12)
    side = np.float32([[45, y, z] for y in range(-500, -100, 8) for z in range(136, 200, 8)])
    touching = find_waist(*np.concatenate([cloud, side]).T, 0.0)
    assert touching is not None
    assert touching[1] == pytest.approx(bare[1], abs=18)


def test_a_twisted_section_does_not_move_the_mid_line() -> None:
    """A rib hump makes the plane slope; the edges of an ellipse stay level with its middle."""
    cloud = points().astype(np.float64) - [1200, 30, 15]
    twist = np.radians(8.0)
    cloud[:, 0] += np.tan(twist) * cloud[:, 2] * np.exp(-(((cloud[:, 1] + 140) / 90) ** 2))
    pose = find_pose((cloud + [1200, 30, 15]).astype(np.float32))
    assert pose is not None
    assert abs(pose.yaw_deg) < 8
    assert (pose.body_from_level @ [1200, 30, 15])[2] == pytest.approx(pose.middle_z_mm, abs=9)


def test_a_pole_has_no_pose_and_scattered_points_have_no_waist() -> None:
    pole = points()
    assert find_pose(pole[np.abs(pole[:, 2] - 15) < 40]) is None
    scattered = np.random.default_rng(0).uniform(-400, 0, (80, 3)).astype(np.float32)
    assert find_waist(*scattered.T, -200.0) is None

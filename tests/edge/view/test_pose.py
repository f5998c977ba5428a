from __future__ import annotations

import numpy as np
import pytest

from edge.view.pose import find_flanks, find_pose


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
    assert pose.yaw_deg == pytest.approx(yaw, abs=0.8)
    middle = pose.body_from_level @ [1200, 30, 15]
    assert pose.middle_z_mm == pytest.approx(middle[2], abs=2.5)
    assert pose.list_deg == pytest.approx(0, abs=1.0)


def test_arms_change_neither_yaw_nor_mid_line_nor_shoulders() -> None:
    bare, armed = find_pose(points(8.0)), find_pose(points(8.0, arms=True))
    assert bare is not None
    assert armed is not None
    assert armed.yaw_deg == pytest.approx(bare.yaw_deg, abs=0.4)
    assert armed.middle_z_mm == pytest.approx(bare.middle_z_mm, abs=1.5)
    assert armed.anchors.shoulder_y_mm == pytest.approx(bare.anchors.shoulder_y_mm, abs=2.0)


def test_a_trunk_that_leans_forward_has_a_positive_lean() -> None:
    pose = find_pose(points(lean=np.tan(np.radians(10.0))))
    assert pose is not None
    assert pose.lean_deg == pytest.approx(10.0, abs=0.5)


def test_flanks_are_where_the_skin_lies_20_mm_behind_the_foremost() -> None:
    cloud = points() - np.float32([1200, 30, 15])
    found = find_flanks(*cloud.T, 0.0)
    assert found is not None
    truth = 121.5 * np.sqrt(1 - (1 - 20 / 95) ** 2)  # of the ellipse at the waist
    assert found[1] == pytest.approx(truth, abs=6)
    assert found[0] == pytest.approx(-found[1], abs=1)


def test_a_pole_has_no_pose_and_scattered_points_have_no_flanks() -> None:
    pole = points()
    assert find_pose(pole[np.abs(pole[:, 2] - 15) < 40]) is None
    scattered = np.random.default_rng(0).uniform(-400, 0, (80, 3)).astype(np.float32)
    assert find_flanks(*scattered.T, -200.0) is None

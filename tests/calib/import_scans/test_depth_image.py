"""A scan's points become a depth image that is exact on a plane, closed, and open beside the surface."""

from __future__ import annotations

import numpy as np

from calib.import_scans.depth_image import depth_image
from calib.import_scans.placement import levelling_rotation
from edge.frame import Intrinsics

CAMERA = Intrinsics(120, 200, 110.0, 110.0, 59.5, 99.5)


def plane(step_mm: float = 4.0) -> np.ndarray:
    x, y = np.meshgrid(np.arange(-200.0, 201.0, step_mm), np.arange(-300.0, 301.0, step_mm))
    return np.stack([x.ravel(), y.ravel(), (1200.0 + 0.3 * x + 0.1 * y).ravel()], axis=1)


def test_a_tilted_plane_is_drawn_exactly() -> None:
    depth = depth_image(plane(), CAMERA)

    rows, cols = np.nonzero(depth)
    ray_x, ray_y = (cols - CAMERA.cx) / CAMERA.fx, (rows - CAMERA.cy) / CAMERA.fy
    exact_mm = 1200.0 / (1.0 - 0.3 * ray_x - 0.1 * ray_y)
    assert len(rows) > 1500
    np.testing.assert_allclose(depth[rows, cols] * 1000.0, exact_mm, atol=0.01)


def test_a_hole_is_closed_and_the_air_beside_the_surface_stays_open() -> None:
    points = plane()
    holed = points[np.hypot(points[:, 0], points[:, 1]) > 40.0]

    full, closed = depth_image(points, CAMERA), depth_image(holed, CAMERA)

    np.testing.assert_array_equal(full > 0, closed > 0)
    np.testing.assert_allclose(closed, full, atol=2e-4)
    assert not full[:, :20].any()


def test_two_surfaces_apart_are_not_bridged() -> None:
    points = plane()
    apart = points[np.abs(points[:, 0]) > 30.0]

    assert not depth_image(apart, CAMERA)[100, 58:62].any()


def test_the_nearer_of_two_surfaces_is_seen() -> None:
    near = plane(3.0) * [0.5, 0.5, 1.0] - [0, 0, 250.0]
    depth = depth_image(np.vstack([plane(), near]), CAMERA)

    assert abs(depth[100, 60] - 0.95) < 0.01


def test_points_out_of_the_picture_give_an_empty_image() -> None:
    assert not depth_image(plane() + [9000.0, 0, 0], CAMERA).any()


def test_levelling_turns_down_onto_the_y_axis_and_keeps_the_yaw() -> None:
    down = np.array([0.05, 0.99, -0.08])
    down /= np.linalg.norm(down)

    turn = levelling_rotation(down)

    np.testing.assert_allclose(turn @ down, [0, 1, 0], atol=1e-12)
    np.testing.assert_allclose(turn @ turn.T, np.eye(3), atol=1e-12)
    forward = turn @ [0, 0, 1]
    assert abs(np.degrees(np.arctan2(forward[0], forward[2]))) < 0.3

from __future__ import annotations

import numpy as np
import pytest

from edge.view.gravity import mount_of, yaw_rotation


@pytest.mark.parametrize(
    ("gravity", "roll"), [((0, 1, 0), 0), ((1, 0, 0), 0), ((-1, 0, 0), 0), ((0, -1, 0), 0), ((0.1392, 0.9903, 0), 8)]
)
def test_any_mount_is_levelled_and_its_roll_is_told_against_the_nearest_upright(
    gravity: tuple[float, float, float], roll: float
) -> None:
    mount = mount_of(np.array(gravity) * 9.81)
    assert mount is not None
    np.testing.assert_allclose(mount.level_from_camera @ gravity, [0, -1, 0], atol=1e-4)
    np.testing.assert_allclose(mount.level_from_camera @ [0, 0, 1], [1, 0, 0], atol=1e-4)
    assert np.linalg.det(mount.level_from_camera) == pytest.approx(1)
    assert mount.roll_deg == pytest.approx(roll, abs=0.01)


def test_a_camera_that_looks_up_has_a_positive_pitch() -> None:
    mount = mount_of(np.array([0.0, np.cos(0.2), -np.sin(0.2)]))
    assert mount is not None
    assert mount.pitch_deg == pytest.approx(np.degrees(0.2))


@pytest.mark.parametrize("gravity", [(0, 0, 0), (np.nan, 1, 0), (0, 0, 1), (np.inf, 0, 0), (0, 1)])
def test_gravity_that_tells_nothing_gives_no_mount(gravity: tuple[float, ...]) -> None:
    assert mount_of(np.array(gravity)) is None


def test_a_turn_by_the_yaw_makes_the_plane_square() -> None:
    slope = np.tan(np.radians(12.0))
    on_plane = np.array([slope * 30.0, 5.0, 30.0])  # x grows with z by tan(yaw)
    assert (yaw_rotation(12.0) @ on_plane)[0] == pytest.approx(0, abs=1e-9)

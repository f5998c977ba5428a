from __future__ import annotations

import numpy as np
import pytest

from edge.camera.imu import Gravity


def test_without_a_reading_a_level_mount_is_assumed_and_said_to_be() -> None:
    gravity = Gravity()
    np.testing.assert_array_equal(gravity.down, [0, 1, 0])
    assert not gravity.known


def test_it_follows_the_accelerometer_slowly_and_ignores_a_shake() -> None:
    gravity = Gravity()
    gravity.note(-9.8, 0.0, 0.0)
    np.testing.assert_allclose(gravity.down, [1, 0, 0])
    assert gravity.known
    gravity.note(30.0, 0.0, 0.0)
    np.testing.assert_allclose(gravity.down, [1, 0, 0])
    gravity.note(0.0, -9.8, 0.0)
    assert 0.2 < gravity.down[1] < 0.3
    assert np.linalg.norm(gravity.down) == pytest.approx(1)


def test_a_camera_that_was_turned_upside_down_is_followed() -> None:
    gravity = Gravity()
    gravity.note(0.0, -9.8, 0.0)
    for _ in range(20):
        gravity.note(0.0, 9.8, 0.0)
        assert np.linalg.norm(gravity.down) == pytest.approx(1)
    np.testing.assert_allclose(gravity.down, [0, -1, 0], atol=1e-6)


def test_what_is_configured_is_not_argued_with() -> None:
    gravity = Gravity((-1.0, 0.0, 0.0))
    gravity.note(0.0, -9.8, 0.0)
    np.testing.assert_array_equal(gravity.down, [-1, 0, 0])
    assert gravity.known


def test_a_reading_is_turned_into_the_frame_of_the_picture() -> None:
    quarter = np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    gravity = Gravity(turn=quarter)
    gravity.note(0.0, -9.8, 0.0)
    np.testing.assert_allclose(gravity.down, quarter @ [0, 1, 0], atol=1e-12)

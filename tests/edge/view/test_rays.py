from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from edge.frame import Intrinsics
from edge.view.rays import pixel_rays

CAMERA = Intrinsics(64, 48, 60.0, 61.0, 31.0, 24.5)
TERMS = (0.1, -0.05, 0.002, -0.001, 0.01)


def test_the_principal_point_looks_straight_ahead_and_the_rays_are_kept() -> None:
    x, y = pixel_rays(CAMERA)
    assert x[10, 31] == 0
    assert y[25, 3] == pytest.approx(0.5 / 61.0)
    assert pixel_rays(CAMERA)[0] is x


@pytest.mark.parametrize("model", ["plumb_bob", "brown_conrady"])
def test_distorted_pixels_come_back_on_their_pixel_when_projected(model: str) -> None:
    x, y = pixel_rays(replace(CAMERA, distortion_model=model, distortion=TERMS))
    points = np.stack([x, y, np.ones_like(x)], -1).reshape(-1, 1, 3).astype(np.float64)
    matrix = np.array([[60.0, 0, 31.0], [0, 61.0, 24.5], [0, 0, 1]])
    pixels, _ = cv2.projectPoints(points, np.zeros(3), np.zeros(3), matrix, np.array(TERMS))
    grid = np.stack(np.meshgrid(np.arange(64), np.arange(48)), -1)
    assert np.abs(pixels.reshape(48, 64, 2) - grid).max() < 0.02


def test_the_inverse_model_is_applied_as_librealsense_does() -> None:
    terms = (0.1, 0.0, 0.0, 0.0, 0.0)
    x, _ = pixel_rays(replace(CAMERA, distortion_model="inverse_brown_conrady", distortion=terms))
    ideal = (63 - 31.0) / 60.0
    r2 = ideal**2 + ((0 - 24.5) / 61.0) ** 2
    assert x[0, 63] == pytest.approx(ideal * (1 + 0.1 * r2), rel=1e-6)


def test_zero_coefficients_change_nothing() -> None:
    x, _ = pixel_rays(replace(CAMERA, distortion_model="plumb_bob", distortion=(0.0,) * 5))
    np.testing.assert_array_equal(x, pixel_rays(CAMERA)[0])

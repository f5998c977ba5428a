"""Viewing rays of every pixel, so that a depth image becomes points by one multiplication.

They depend on the intrinsics alone, so they are computed once per camera and kept.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.frame import Intrinsics

FORWARD_MODELS: Final = ("plumb_bob", "brown_conrady", "modified_brown_conrady", "rational_polynomial")
"""Models whose coefficients distort an ideal ray; OpenCV inverts them (k1 k2 p1 p2 k3 ...)."""
INVERSE_MODELS: Final = ("inverse_brown_conrady",)
"""librealsense's model whose coefficients *undistort* a measured pixel."""
FISHEYE_MODELS: Final = ("kannala_brandt", "kannala_brandt4", "fisheye")
KNOWN_MODELS: Final = ("", "none", *FORWARD_MODELS, *INVERSE_MODELS, *FISHEYE_MODELS)


@lru_cache(maxsize=8)
def pixel_rays(intrinsics: Intrinsics) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """x/z and y/z of the ray through every pixel centre, lens distortion removed.

    Returns:
        two (H, W) float32 read-only arrays, camera frame (x right, y down, z forward).
    """
    k = intrinsics
    x = (np.arange(k.width, dtype=np.float64) - k.cx) / k.fx
    y = (np.arange(k.height, dtype=np.float64) - k.cy) / k.fy
    grid_x, grid_y = np.meshgrid(x, y)
    model = k.distortion_model.lower()
    if any(k.distortion):
        if model in INVERSE_MODELS:
            grid_x, grid_y = _inverse_brown_conrady(grid_x, grid_y, k.distortion)
        elif model in FORWARD_MODELS or model in FISHEYE_MODELS:
            undistort = cv2.fisheye.undistortPoints if model in FISHEYE_MODELS else cv2.undistortPoints
            terms = np.array(k.distortion[:4] if model in FISHEYE_MODELS else k.distortion, dtype=np.float64)
            points = undistort(np.stack([grid_x, grid_y], axis=-1).reshape(-1, 1, 2), np.eye(3), terms)
            grid_x, grid_y = points.reshape(k.height, k.width, 2).transpose(2, 0, 1)
    rays = np.ascontiguousarray(grid_x, np.float32), np.ascontiguousarray(grid_y, np.float32)
    for ray in rays:
        ray.setflags(write=False)
    return rays


@lru_cache(maxsize=4)
def levelled_rays(intrinsics: Intrinsics, level_from_camera: bytes, step: int) -> NDArray[np.float32]:
    """Rays of every ``step``-th pixel (its block's middle) in the levelled frame: times the depth they are points.

    A mount seldom moves: frame after frame finds its rays here.

    Args:
        level_from_camera: the (3, 3) float64 rotation, as ``tobytes()`` gives it.

    Returns:
        (3, h, w) float32, read-only: forward, up and right per metre of depth.
    """
    h, w, middle = intrinsics.height // step, intrinsics.width // step, step // 2
    pixels = np.s_[middle : h * step : step, middle : w * step : step]
    ray_x, ray_y = (ray[pixels] for ray in pixel_rays(intrinsics))
    rotation = np.frombuffer(level_from_camera, np.float64).reshape(3, 3).astype(np.float32)
    rays = np.stack([r[0] * ray_x + r[1] * ray_y + r[2] for r in rotation])
    rays.setflags(write=False)
    return rays


def _inverse_brown_conrady(
    x: NDArray[np.float64], y: NDArray[np.float64], terms: tuple[float, ...]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The polynomial that ``rs2_deproject_pixel_to_point`` of librealsense applies (k1 k2 p1 p2 k3)."""
    k1, k2, p1, p2, k3 = (*terms, 0.0, 0.0, 0.0, 0.0, 0.0)[:5]
    r2 = x * x + y * y
    radial = 1 + r2 * (k1 + r2 * (k2 + r2 * k3))
    return (
        x * radial + 2 * p1 * x * y + p2 * (r2 + 2 * x * x),
        y * radial + 2 * p2 * x * y + p1 * (r2 + 2 * y * y),
    )

"""Stands a scanned back upright in front of a level camera, as far away as a kiosk would have it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from calib.import_scans.scan import Scan

DOWN = np.array([0.0, 1.0, 0.0])  # camera frame of a level mount


def levelling_rotation(down: NDArray[np.float64]) -> NDArray[np.float64]:
    """(3, 3) smallest rotation that takes the unit vector ``down`` onto the camera's y axis.

    It turns about a horizontal axis, so the subject's yaw towards the camera stays as it was (Rodrigues' formula for
    the rotation between two vectors).
    """
    axis = np.cross(down, DOWN)
    cosine = float(down @ DOWN)
    skew = np.array([[0, -axis[2], axis[1]], [axis[2], 0, -axis[0]], [-axis[1], axis[0], 0]])
    return np.asarray(np.eye(3) + skew + skew @ skew / (1.0 + cosine))


def camera_from_scan(scan: Scan, distance_mm: float) -> NDArray[np.float64]:
    """(4, 4) from scan millimetres to camera millimetres (x right, y down along gravity, z forward).

    True vertical comes from the radiographs (the y axis of their frame points down). The back's bounding box is
    centred on the optical axis, its median depth at ``distance_mm``.
    """
    down = scan.xray_from_scan[1, :3]
    transform = np.eye(4)
    transform[:3, :3] = levelling_rotation(down / np.linalg.norm(down))
    turned = scan.points_mm @ transform[:3, :3].T
    middle = (turned.min(axis=0) + turned.max(axis=0)) / 2
    middle[2] = np.median(turned[:, 2]) - distance_mm
    transform[:3, 3] = -middle
    return transform


def apply(transform: NDArray[np.float64], points: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N, 3) ``points`` moved by the (4, 4) ``transform``."""
    return np.asarray(points @ transform[:3, :3].T + transform[:3, 3])

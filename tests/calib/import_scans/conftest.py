"""A surface scan made in the test: a phantom's bare back as a scanner would hand it over, its spine as truth."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from calib.phantom.height_field import triangulate
from calib.phantom.sampler import sample_subject
from calib.phantom.skin import skin_layers
from edge.measure.centreline import spline_through, tangent_angles, vertebral_line_mm

# Subject frame (x anterior, y up, z right) to the radiograph's (x coronal, y down, z anterior).
XRAY_FROM_SUBJECT = np.array([[0.0, 0.0, 1.0], [0.0, -1.0, 0.0], [1.0, 0.0, 0.0]])


def rotation(pitch_deg: float, yaw_deg: float, roll_deg: float) -> NDArray[np.float64]:
    p, y, r = np.deg2rad([pitch_deg, yaw_deg, roll_deg])
    about_x = np.array([[1, 0, 0], [0, np.cos(p), -np.sin(p)], [0, np.sin(p), np.cos(p)]])
    about_y = np.array([[np.cos(y), 0, np.sin(y)], [0, 1, 0], [-np.sin(y), 0, np.cos(y)]])
    about_z = np.array([[np.cos(r), -np.sin(r), 0], [np.sin(r), np.cos(r), 0], [0, 0, 1]])
    return np.asarray(about_z @ about_x @ about_y)


def ply_bytes(points_m: NDArray[np.floating]) -> bytes:
    head = f"ply\nformat binary_little_endian 1.0\nelement vertex {len(points_m)}\n"
    head += "property float x\nproperty float y\nproperty float z\nend_header\n"
    return head.encode() + points_m.astype("<f4").tobytes()


@pytest.fixture(scope="session")
def write_scan() -> Callable[..., dict[str, float]]:
    """Writes ``folder/scan.ply`` and ``spine.json`` of a phantom and returns the true centreline angles."""

    def write(folder: Path, seed: int = 5, pitch_deg: float = 3.0, yaw_deg: float = 6.0) -> dict[str, float]:
        folder.mkdir(parents=True)
        subject = sample_subject(seed, "sensor")
        skin = triangulate(skin_layers(subject, step_mm=2.5)[0]).vertices_mm.astype(np.float64)
        torso = subject.torso
        skin = skin[(skin[:, 1] > torso.waistband_y_mm) & (skin[:, 1] < torso.shoulder_y_mm + 60.0)]
        skin = skin[np.abs(skin[:, 2]) < 150.0]  # cut beside the trunk: the stumps of left-out arms are no skin
        line = spline_through(vertebral_line_mm(subject.spine_photo.endplates_mm))
        kyphosis, lordosis = tangent_angles(line)

        scan_from_xray = rotation(pitch_deg, yaw_deg, 1.0)
        far = np.array([30.0, -20.0, 1100.0])
        to_scan = scan_from_xray @ XRAY_FROM_SUBJECT
        xray_from_scan = np.eye(4)
        xray_from_scan[:3, :3] = scan_from_xray.T
        xray_from_scan[:3, 3] = -scan_from_xray.T @ far
        (folder / "scan.ply").write_bytes(ply_bytes((skin @ to_scan.T + far) / 1000.0))
        truth = {
            "xray_from_scan": xray_from_scan.tolist(),
            "centreline_mm": (line @ XRAY_FROM_SUBJECT.T).tolist(),
            "primary_cobb_deg": 12.0,
            "centreline_kyphosis_deg": kyphosis,
            "centreline_lordosis_deg": lordosis,
            "surface_kyphosis_deg": 20.0,
        }
        (folder / "spine.json").write_text(json.dumps(truth))
        return {"centreline_kyphosis_deg": kyphosis, "centreline_lordosis_deg": lordosis, "cobb_major_deg": 12.0}

    return write

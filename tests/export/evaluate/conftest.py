"""A surface scan made in the test: a phantom's bare back in the format in which scanned patients are handed over."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from calib.phantom.height_field import triangulate
from calib.phantom.sampler import sample_subject
from calib.phantom.skin import skin_layers
from edge.measure.centreline import spline_through, tangent_angles, vertebral_line_mm

# Subject frame (x anterior, y up, z right) to the radiograph's and the scanner's (x right, y down, z anterior).
XRAY_FROM_SUBJECT = np.array([[0.0, 0.0, 1.0], [0.0, -1.0, 0.0], [1.0, 0.0, 0.0]])
FAR_MM = np.array([20.0, 0.0, 1100.0])


@pytest.fixture(scope="session")
def write_scan() -> Callable[..., dict[str, float]]:
    """Writes ``folder/scan.ply`` and ``spine.json`` of a phantom and returns its true angles."""

    def write(folder: Path, seed: int = 3) -> dict[str, float]:
        folder.mkdir(parents=True)
        subject = sample_subject(seed, "sensor")
        skin = triangulate(skin_layers(subject, step_mm=2.5)[0]).vertices_mm.astype(np.float64)
        torso = subject.torso
        skin = skin[(skin[:, 1] > torso.waistband_y_mm) & (skin[:, 1] < torso.shoulder_y_mm + 60.0)]
        line = spline_through(vertebral_line_mm(subject.spine_photo.endplates_mm))
        kyphosis, lordosis = tangent_angles(line)
        xray_from_scan = np.eye(4)
        xray_from_scan[:3, 3] = -FAR_MM
        points = ((skin @ XRAY_FROM_SUBJECT.T + FAR_MM) / 1000.0).astype("<f4")
        head = f"ply\nformat binary_little_endian 1.0\nelement vertex {len(points)}\n"
        head += "property float x\nproperty float y\nproperty float z\nend_header\n"
        (folder / "scan.ply").write_bytes(head.encode() + points.tobytes())
        (folder / "spine.json").write_text(json.dumps({
            "xray_from_scan": xray_from_scan.tolist(),
            "centreline_mm": (line @ XRAY_FROM_SUBJECT.T).tolist(),
            "surface_midline_mm": (subject.spine_photo.spinous_tips_mm @ XRAY_FROM_SUBJECT.T).tolist(),
            "primary_cobb_deg": 12.0,
            "centreline_kyphosis_deg": kyphosis,
            "centreline_lordosis_deg": lordosis,
        }))
        return {"centreline_kyphosis": kyphosis, "centreline_lordosis": lordosis, "cobb_major": 12.0}

    return write

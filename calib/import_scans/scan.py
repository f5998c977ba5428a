"""One subject's surface scan with the spine that was marked on the radiographs taken beside it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from calib.import_scans.ply import read_ply_points
from edge.errors import RecordingError

Row4 = Annotated[list[float], Field(min_length=4, max_length=4)]
Point = Annotated[list[float], Field(min_length=3, max_length=3)]
RIGID_TOLERANCE = 1e-3  # of R'R against the identity: what six printed decimals leave
PLAUSIBLE_SPAN_M = (0.2, 2.0)  # of a back's height; millimetres taken for metres fall outside


class SpineFile(BaseModel):
    """``spine.json``: the registration, the line through the vertebral bodies and what was read from it.

    xray_from_scan: 4x4, column vectors, scan millimetres to the radiographs' frame (x coronal, y true vertical
    pointing down, z sagittal, anterior larger). centreline_mm: (N, 3) in that frame, C7/T1 to L5/S1.
    """

    model_config = ConfigDict(extra="ignore")

    xray_from_scan: Annotated[list[Row4], Field(min_length=4, max_length=4)]
    centreline_mm: Annotated[list[Point], Field(min_length=8)]
    primary_cobb_deg: float = Field(ge=0, le=180)
    centreline_kyphosis_deg: float
    centreline_lordosis_deg: float


@dataclass(frozen=True)
class Scan:
    """A back as scanned, millimetres.

    points_mm: (N, 3) and centreline_scan_mm: (M, 3), both in the scanner's frame (x right, y down, z forward).
    xray_from_scan: (4, 4). angles_deg: what the radiographs say, by name with the suffix ``_deg``.
    """

    name: str
    points_mm: NDArray[np.float64]
    xray_from_scan: NDArray[np.float64]
    centreline_scan_mm: NDArray[np.float64]
    angles_deg: dict[str, float]


def load_scan(folder: Path) -> Scan:
    """Read ``folder/scan.ply`` (metres) and ``folder/spine.json``.

    Raises:
        RecordingError: a file is missing or damaged, or the registration is no rigid motion.
    """
    spine_path = folder / "spine.json"
    try:
        spine = SpineFile.model_validate_json(spine_path.read_bytes())
    except OSError as error:
        raise RecordingError(
            "the scan's spine.json cannot be read", where=str(spine_path), expected="a JSON file",
            found=error.strerror or "nothing", mend="every subject's folder needs scan.ply and spine.json",
        ) from error
    except ValidationError as error:
        first = error.errors()[0]
        raise RecordingError(
            "spine.json does not fit", where=f"{spine_path}:{'.'.join(str(part) for part in first['loc'])}",
            expected="the fields of calib/import_scans/scan.py", found=first["msg"],
        ) from error
    transform = np.array(spine.xray_from_scan)
    rotation = transform[:3, :3]
    error_of_rotation = float(np.abs(rotation.T @ rotation - np.eye(3)).max())
    rigid = error_of_rotation <= RIGID_TOLERANCE and np.linalg.det(rotation) > 0
    if not rigid or transform[3].tolist() != [0.0, 0.0, 0.0, 1.0]:
        raise RecordingError(
            "xray_from_scan is not a rigid motion", where=str(spine_path),
            expected="a rotation and a translation", found=f"R'R off by {error_of_rotation:.2g}",
        )
    points_m = read_ply_points(folder / "scan.ply")
    span_m = float(np.ptp(points_m[:, 1]))
    low, high = PLAUSIBLE_SPAN_M
    if not low <= span_m <= high:
        raise RecordingError(
            "the scan is not as tall as a back", where=str(folder / "scan.ply"), expected=f"{low} to {high} m",
            found=f"{span_m:.3g}", mend="the scan's unit must be the metre",
        )
    centreline = (np.array(spine.centreline_mm) - transform[:3, 3]) @ rotation
    return Scan(
        name=folder.name,
        points_mm=points_m * 1000.0,
        xray_from_scan=transform,
        centreline_scan_mm=centreline,
        angles_deg={
            "centreline_kyphosis_deg": spine.centreline_kyphosis_deg,
            "centreline_lordosis_deg": spine.centreline_lordosis_deg,
            "cobb_major_deg": spine.primary_cobb_deg,
        },
    )

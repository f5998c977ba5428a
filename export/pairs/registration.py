"""Moves what was marked on the film, and the film itself, into the body frame of the back view."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.anatomy import ENDPLATE_POINTS
from edge.errors import RecordingError
from edge.frame import Frame
from edge.view.back_view import BackView
from edge.view.grid import RADIOGRAPH
from export.pairs.annotation import ENDPLATE_NAMES, Annotation, Marker
from export.pairs.film import Film

Array = NDArray[np.float64]
Spacing = tuple[float, float]
"""Millimetres per row and per column of a film, at the patient."""
MARKER_HALF_PX: Final = 2
"""A marker's depth is the median over 5 x 5 pixels: single readings of a stereo camera jump by millimetres."""
TOLERANCE_MM: Final = 40.0
"""How far markers may disagree in height or depth: raised arms move the skin by a centimetre or two, a wrong pixel by
more."""


def film_position(annotation: Annotation, spacing_mm: Spacing, px: tuple[float, float]) -> Array:
    """(2,) x (anterior) and y (up) in the film frame of a pixel (column, row), mm."""
    forward = -1.0 if annotation.anterior == "left" else 1.0
    return np.array([forward * px[0] * spacing_mm[1], -px[1] * spacing_mm[0]])


def body_from_film_mm(
    annotation: Annotation, spacing_mm: Spacing, frame: Frame, view: BackView, where: Path
) -> Array:
    """(3,) mm to add to film-frame positions to be in the body frame of ``view``: mean over the markers.

    Raises:
        RecordingError: a marker without depth, or markers that contradict each other.
    """
    shifts = []
    for marker in annotation.markers:
        camera = np.append(_camera_mm(marker, frame, where), 1.0)
        film = np.append(film_position(annotation, spacing_mm, marker.radiograph_px), marker.z_mm)
        shifts.append((view.body_from_camera @ camera)[:3] - film)
    stack = np.array(shifts)
    spread = float(np.ptp(stack[:, :2], axis=0).max())
    if spread > TOLERANCE_MM:
        raise RecordingError("the markers contradict each other", where=str(where),
                             expected=f"the same shift within {TOLERANCE_MM:g} mm", found=f"{spread:.0f} mm apart",
                             mend="check the markers' pixels, the film's spacing and to which side the subject faces")
    return np.asarray(stack.mean(axis=0))


def _camera_mm(marker: Marker, frame: Frame, where: Path) -> Array:
    if marker.camera_mm is not None:
        return np.array(marker.camera_mm)
    assert marker.camera_px is not None  # the model holds that one of them is given
    col, row = (round(v) for v in marker.camera_px)
    patch = frame.depth_m[
        max(row - MARKER_HALF_PX, 0) : max(row + MARKER_HALF_PX + 1, 0),
        max(col - MARKER_HALF_PX, 0) : max(col + MARKER_HALF_PX + 1, 0),
    ]
    readings = patch[np.isfinite(patch) & (patch > 0)]
    if not readings.size:
        raise RecordingError(f"no depth at the marker {marker.name}", where=str(where),
                             expected="a reading near camera_px", found=f"none at ({col}, {row})",
                             mend="mark another point, or give camera_mm")
    depth_mm, k = 1000.0 * float(np.median(readings)), frame.intrinsics
    x, y = (marker.camera_px[0] - k.cx) / k.fx, (marker.camera_px[1] - k.cy) / k.fy
    return np.array([x * depth_mm, y * depth_mm, depth_mm])


def endplates_in_body(annotation: Annotation, spacing_mm: Spacing, shift_mm: Array) -> NDArray[np.float32]:
    """(37, 4, 3) float32, body frame; NaN where nothing was marked: a film shows neither z nor the lateral rims."""
    endplates = np.full((len(ENDPLATE_NAMES), len(ENDPLATE_POINTS), 3), np.nan)
    for name, corners in annotation.endplates_px.items():
        for point, px in (("anterior", corners.anterior), ("posterior", corners.posterior)):
            place = ENDPLATE_NAMES.index(name), ENDPLATE_POINTS.index(point)
            endplates[place][:2] = film_position(annotation, spacing_mm, px) + shift_mm[:2]
    for name, rim in annotation.endplates_mm.items():
        for column, point in enumerate(ENDPLATE_POINTS):
            endplates[ENDPLATE_NAMES.index(name), column] = np.array(getattr(rim, point)) + shift_mm
    return endplates.astype(np.float32)


def film_in_body(film: Film, annotation: Annotation, shift_mm: Array) -> NDArray[np.float32]:
    """(512, 256) float32 log attenuation on grid RADIOGRAPH; NaN beside the film."""
    picture = film.log_attenuation
    sigma_y, sigma_x = (max(0.5 * (RADIOGRAPH.mm_per_px / mm - 1.0), 0.1) for mm in film.spacing_mm)
    if max(sigma_y, sigma_x) > 0.1:  # fine pixels are averaged before they are picked, or noise would fold in
        picture = np.asarray(cv2.GaussianBlur(picture, (0, 0), sigma_x, sigmaY=sigma_y), np.float32)
    forward = -1.0 if annotation.anterior == "left" else 1.0
    x = RADIOGRAPH.cols_u_mm - shift_mm[0]
    y = RADIOGRAPH.rows_y_mm - shift_mm[1]
    cols, rows = np.meshgrid(forward * x / film.spacing_mm[1], -y / film.spacing_mm[0])
    sampled = cv2.remap(
        picture, cols.astype(np.float32), rows.astype(np.float32), cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_CONSTANT, borderValue=float("nan"),
    )
    return np.asarray(sampled, np.float32)

"""The sagittal angles of one spine, by the table in ``edge.anatomy``."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from edge.anatomy import CENTRELINE_ANGLES, ENDPLATE_INDEX, SAGITTAL_ANGLES, SagittalAngle
from edge.measure.centreline import centreline_angles
from edge.measure.tilts import sagittal_tilts_deg

ANGLE_LABELS: Final = {a.name: a.label for a in SAGITTAL_ANGLES} | {
    "sacral_slope": "Sacral slope S1",
    "centreline_kyphosis": "Centreline kyphosis T1-L5",
    "centreline_lordosis": "Centreline lordosis T1-L5",
}
"""What a person reads, by angle name: no number without its levels."""

_CENTRELINE: Final = "tangents of the line through the vertebral centres, C7-T1 disc to L5-S1 disc"
ANGLE_LEVELS: Final = {a.name: a.levels for a in SAGITTAL_ANGLES} | dict.fromkeys(CENTRELINE_ANGLES, _CENTRELINE)
"""Between what an angle is measured, by angle name."""


def endplate_angle_deg(angle: SagittalAngle, tilts_deg: NDArray[np.floating]) -> NDArray[np.float64]:
    """One endplate angle from the sagittal tilts; the horizontal has tilt 0.

    Args:
        tilts_deg: (..., 37) from ``sagittal_tilts_deg``.

    Returns:
        (...) float64 degrees: ``sign * (tilt(caudal) - tilt(cranial))``.
    """
    tilts = np.asarray(tilts_deg, np.float64)
    level = np.zeros(tilts.shape[:-1])
    cranial = tilts[..., ENDPLATE_INDEX[angle.cranial]] if angle.cranial else level
    caudal = tilts[..., ENDPLATE_INDEX[angle.caudal]] if angle.caudal else level
    return np.asarray(angle.sign * (caudal - cranial), np.float64)


def sagittal_angles(endplates_mm: NDArray[np.floating]) -> dict[str, float]:
    """All angles of ``edge.anatomy.ANGLE_NAMES``, in that order, degrees.

    Kyphosis, lordosis and sacral slope are positive in an ordinary upright spine.

    Args:
        endplates_mm: (37, 4, 3), body frame, millimetres.
    """
    tilts = sagittal_tilts_deg(endplates_mm)
    angles = {a.name: float(endplate_angle_deg(a, tilts)) for a in SAGITTAL_ANGLES}
    return angles | centreline_angles(endplates_mm)

"""The sagittal angles of one spine, by the table in ``edge.anatomy``."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edge.anatomy import ENDPLATE_INDEX, SAGITTAL_ANGLES, SagittalAngle
from edge.measure.centreline import centreline_angles
from edge.measure.tilts import sagittal_tilts_deg


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

"""Tilt of each endplate in the sagittal and in the coronal plane, from its four rim points.

Every radiographic angle of the product is a difference of two such tilts.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from edge.anatomy import ENDPLATE_POINTS

ANTERIOR: Final = ENDPLATE_POINTS.index("anterior")
POSTERIOR: Final = ENDPLATE_POINTS.index("posterior")
LEFT: Final = ENDPLATE_POINTS.index("left")
RIGHT: Final = ENDPLATE_POINTS.index("right")


def sagittal_tilts_deg(endplates_mm: NDArray[np.floating]) -> NDArray[np.float64]:
    """Tilt of the posterior-anterior line of each endplate, projected on the sagittal (x-y) plane.

    Args:
        endplates_mm: (..., 37, 4, 3), body frame, order of ``edge.anatomy.ENDPLATES`` x ``ENDPLATE_POINTS``.

    Returns:
        (..., 37) float64 degrees against the horizontal, positive where the anterior rim is the higher one.
    """
    rim = np.asarray(endplates_mm, np.float64)
    forward = rim[..., ANTERIOR, :] - rim[..., POSTERIOR, :]
    return np.degrees(np.arctan2(forward[..., 1], forward[..., 0]))


def coronal_tilts_deg(endplates_mm: NDArray[np.floating]) -> NDArray[np.float64]:
    """Tilt of the left-right line of each endplate, projected on the coronal (y-z) plane.

    Args:
        endplates_mm: (..., 37, 4, 3), body frame, as for ``sagittal_tilts_deg``.

    Returns:
        (..., 37) float64 degrees against the horizontal, positive where the subject's right side is the higher one.
    """
    rim = np.asarray(endplates_mm, np.float64)
    rightward = rim[..., RIGHT, :] - rim[..., LEFT, :]
    return np.degrees(np.arctan2(rightward[..., 1], rightward[..., 2]))


def vertebral_centres_mm(endplates_mm: NDArray[np.floating]) -> NDArray[np.float64]:
    """Centres of the vertebral bodies C7..L5: mean of the eight rim points of each.

    Args:
        endplates_mm: (..., 37, 4, 3), body frame.

    Returns:
        (..., 18, 3) float64 mm, order of ``edge.anatomy.VERTEBRAE``.
    """
    rim = np.asarray(endplates_mm, np.float64)[..., :36, :, :]
    return rim.reshape(*rim.shape[:-3], 18, 8, 3).mean(axis=-2)

"""Angles read back off the synthesised radiograph: does the picture show the spine that the numbers speak of?

A reader network sees the radiograph alone and says where each endplate lies and how it is tilted. Where its angles
depart from those of the landmarks, one of the two is wrong, and the scan says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edge.anatomy import ENDPLATES
from edge.measure.angles import sagittal_angles

LIMIT_DEG: Final = 4.0
"""A larger difference between the picture's angle and the landmarks' is flagged."""
CHECKED: Final = ("thoracic_kyphosis_t4_t12", "lumbar_lordosis_l1_s1", "sacral_slope")
"""Angles that are held against each other: those that the picture is drawn with."""


def rims_of(read: NDArray[np.floating]) -> NDArray[np.float64]:
    """(37, 4, 3) endplates, body frame, mm, from what a reader says of each; a film shows no z, which stays 0.

    Args:
        read: (37, 4): middle forwards and up (mm), tilt (degrees, positive: anterior rim higher), half length (mm).
    """
    x, y, tilt, half = (np.asarray(read, np.float64)[:, k] for k in range(4))
    along = np.stack([np.cos(np.radians(tilt)), np.sin(np.radians(tilt)), np.zeros(len(tilt))], axis=1) * half[:, None]
    middle = np.stack([x, y, np.zeros(len(x))], axis=1)
    return np.stack([middle + along, middle - along, middle, middle], axis=1)


def read_angles(read: NDArray[np.floating]) -> dict[str, float]:
    """Every sagittal angle of a reading, degrees; empty where the reading is no spine.

    Args:
        read: (37, 4), see ``rims_of``.
    """
    rims = rims_of(read)
    if rims.shape[0] != len(ENDPLATES) or not np.isfinite(rims).all() or np.ptp(rims[..., 1]) < 1.0:
        return {}
    return sagittal_angles(rims)


def departures(angles_deg: Mapping[str, float], read_deg: Mapping[str, float]) -> dict[str, float]:
    """Read angle less measured angle for each of ``CHECKED`` that both know, degrees."""
    return {name: read_deg[name] - angles_deg[name] for name in CHECKED if name in read_deg and name in angles_deg}

"""The vertebral column of a subject as solids: C7 to L5 on their landmarks, and the neck extrapolated above them."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from calib.phantom.subject import Spine
from calib.phantom.xray.arch import arches
from calib.phantom.xray.solids import Solids
from calib.phantom.xray.vertebra import Frames, bodies, frames_of
from edge.anatomy import VERTEBRAE

F64 = NDArray[np.float64]

# Hollow of the endplates (share of body height) and waist (share of the half size) by region.
_HOLLOW: Final = {"cervical": 0.05, "thoracic": 0.07, "lumbar": 0.085}
_WAIST: Final = {"cervical": 0.04, "thoracic": 0.06, "lumbar": 0.075}
NECK_LEVELS: Final = ("C6", "C5", "C4", "C3", "C2")


def region_of(level: str) -> str:
    """Region of a level name, by its letter."""
    return {"C": "cervical", "T": "thoracic", "L": "lumbar"}[level[0]]


def neck_rims(spine: Spine, rng: np.random.Generator) -> F64:
    """(5, 2, 4, 3) rim points of C6 up to C2, carried on from C7 in a gentle lordosis.

    Nothing is measured on them; each is the one below, a little smaller, turned back and moved up.
    """
    rims = spine.endplates_mm[:2]
    lean = np.degrees(np.arctan2(*(rims[:, 0] - rims[:, 1]).mean(axis=0)[1::-1]))
    to_top = rng.normal(6.0, 4.0)  # tilt of C2: looking straight ahead
    turns = np.full(len(NECK_LEVELS), (to_top - lean) / len(NECK_LEVELS)) + rng.normal(0.0, 1.0, len(NECK_LEVELS))
    levels = []
    for k, turn in enumerate(turns):
        centre = rims.reshape(8, 3).mean(axis=0)
        axis = rims[0].mean(axis=0) - rims[1].mean(axis=0)
        scale = 0.97 if k < 4 else 1.0
        c, s = np.cos(np.radians(turn)), np.sin(np.radians(turn))
        rotate = np.array([[c, s, 0.0], [-s, c, 0.0], [0.0, 0.0, 0.98]])
        up = axis @ np.array([[np.cos(np.radians(turn / 2)), np.sin(np.radians(turn / 2)), 0.0],
                              [-np.sin(np.radians(turn / 2)), np.cos(np.radians(turn / 2)), 0.0], [0.0, 0.0, 0.9]])
        rims = centre + 1.27 * up + scale * (rims - centre) @ rotate
        levels.append(rims)
    return np.stack(levels)


def column(spine: Spine, neck_rims_mm: F64, *, maturity: float, rng: np.random.Generator) -> Solids:
    """Solids of C2..L5.

    Args:
        spine: the column in the posture of the radiograph.
        neck_rims_mm: from ``neck_rims``.
        maturity: 0 (child) to 1 (grown).
        rng: differences between levels.
    """
    names = np.array([*NECK_LEVELS, *VERTEBRAE])
    region = np.array([region_of(n) for n in names])
    rims = np.concatenate([neck_rims_mm, spine.endplates_mm[:36].reshape(18, 2, 4, 3)])
    frames = frames_of(rims)
    density = rng.normal(1.0, 0.07) * rng.normal(1.0, 0.03, len(names)) * np.where(region == "cervical", 1.25, 1.0)
    hollow, waist = (np.array([table[r] for r in region]) for table in (_HOLLOW, _WAIST))
    parts = [bodies(
        rims,
        dip_mm=hollow * frames.height_mm * rng.uniform(0.7, 1.3, len(names)),
        waist=waist * rng.uniform(0.8, 1.2, len(names)),
        density=density,
        maturity=maturity,
        wave_mm=rng.normal(0.0, 0.016, (len(names), 2, 2)) * frames.depth_mm[:, None, None],
    )]
    carried = len(NECK_LEVELS)
    groups: list[tuple[str, NDArray[np.intp], F64 | None]] = [("cervical", np.arange(carried), None)]
    groups += [(r, np.flatnonzero(region[carried:] == r) + carried, spine.spinous_tips_mm) for r in _HOLLOW]
    for name, index, tips in groups:
        own = Frames(*(a[index] for a in (
            frames.origin_mm, frames.axes, frames.depth_mm, frames.height_mm, frames.width_mm
        )))
        own_tips = None if tips is None else tips[index - carried]
        parts.append(arches(own, name, own_tips, density=density[index], rng=rng))
    return Solids.joined(parts)

"""How far predicted endplates lie from the true ones, by level, millimetres."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from edge.anatomy import ENDPLATES, VERTEBRAE
from export.evaluate.case import Case, points

LEVELS: Final = (*VERTEBRAE, "S1")


def landmark_errors(cases: Sequence[Case]) -> dict[str, dict[str, float]]:
    """Per level: mean distance of the rim points, and its parts along x (depth), y (height) and z; empty if unknown.

    ``shape_mm`` is the distance after the whole spine's mean displacement is taken off.
    """
    found = [(points(c.endplates_mm), points(c.true_endplates_mm)) for c in cases]
    pairs = [(got, true) for got, true in found if got is not None and true is not None]
    if not pairs:
        return {}
    off = np.stack([got - true for got, true in pairs])  # (N, 37, 4, 3)
    shape = off - off.mean(axis=(1, 2), keepdims=True)
    level = np.array([LEVELS.index(name) for name, _ in ENDPLATES])
    table = {}
    for index, name in enumerate(LEVELS):
        own, own_shape = off[:, level == index], shape[:, level == index]
        table[name] = {
            "distance_mm": float(np.linalg.norm(own, axis=-1).mean()),
            "depth_mm": float(np.abs(own[..., 0]).mean()),
            "height_mm": float(np.abs(own[..., 1]).mean()),
            "lateral_mm": float(np.abs(own[..., 2]).mean()),
            "shape_mm": float(np.linalg.norm(own_shape, axis=-1).mean()),
        }
    return table

"""Twenty-four ribs, their cartilages, the sternum and the clavicles.

A rib leaves the vertebra, runs out to the transverse process and then lies in the chest wall, falling forwards:
both sides of the cage overlap on a lateral radiograph as two sets of oblique bands.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from calib.phantom.subject import Spine
from calib.phantom.xray.attenuation import CARTILAGE, CORTICAL, SOFT, TRABECULAR
from calib.phantom.xray.chest import Chest
from calib.phantom.xray.solids import Solids, bone_tube, smooth_path, tube
from calib.phantom.xray.vertebra import frames_of
from edge.anatomy import VERTEBRA_INDEX

F64 = NDArray[np.float64]

# T1..T12: angle round the chest at which the bony rib ends, fall from tubercle to that end (mm at stature 1650),
# half height and half thickness of the section (mm).
_END_DEG: Final = np.array([148, 150, 150, 149, 147, 145, 142, 136, 128, 117, 84, 56], dtype=float)
_FALL_MM: Final = np.array([26, 44, 60, 74, 86, 96, 104, 110, 110, 104, 74, 46], dtype=float)
_HALF_HEIGHT_MM: Final = np.array([6.5, 5.6, 5.4, 5.5, 5.7, 6.0, 6.2, 6.2, 6.0, 5.7, 5.2, 4.4])
_HALF_THICK_MM: Final = np.array([2.3, 2.5, 2.8, 3.0, 3.1, 3.2, 3.2, 3.2, 3.1, 3.0, 2.7, 2.3])
_STATIONS: Final = 30
# Factor on both, from head to end.
_GIRTH: Final = ((0.0, 0.1, 0.2, 0.34, 0.6, 0.95, 1.0), (0.85, 0.72, 0.78, 0.9, 1.0, 1.15, 1.2))
_START_DEG: Final = 30.0


def ribs(spine: Spine, chest: Chest, *, density: float, rng: np.random.Generator) -> Solids:
    """Solids of the 24 ribs and of the cartilages of the first ten."""
    first, last = VERTEBRA_INDEX["T1"], VERTEBRA_INDEX["T12"]
    frames = frames_of(spine.endplates_mm[2 * first : 2 * last + 2].reshape(12, 2, 4, 3))
    cortical, core = density * (CORTICAL - SOFT), density * 0.9 * (TRABECULAR - SOFT)
    height, depth, width = (a[:, None] for a in (frames.height_mm, frames.depth_mm, frames.width_mm))
    lift = rng.normal(0.94, 0.06)  # arms raised: the front of the ribs rises
    bones, soft = [], []
    for side in (-1.0, 1.0):
        jitter = 1.0 + 0.035 * rng.standard_normal((3, 12))
        head = frames.at(np.stack([-0.40 * depth, 0.44 * height, side * 0.47 * width], axis=-1))
        neck = frames.at(np.stack([-0.5 * depth - 0.62 * height, 0.34 * height, side * 0.72 * width], axis=-1))
        tubercle = frames.at(np.stack([-0.5 * depth - 1.20 * height, 0.22 * height, side * 1.08 * width], axis=-1))
        end = np.radians(_END_DEG * jitter[0])
        t = np.linspace(0.0, 1.0, 9)[None]
        phi = np.radians(_START_DEG) + t * (end - np.radians(_START_DEG))[:, None]
        fall = 0.3 * (np.cos(np.radians(_START_DEG)) - np.cos(phi)) / (
            np.cos(np.radians(_START_DEG)) - np.cos(end)
        )[:, None] + 0.7 * t**0.85
        y = tubercle[:, 0, 1:2] - 4.0 - (_FALL_MM * jitter[1])[:, None] * lift * chest.scale * fall
        y = np.maximum(y, chest.y_mm[0])
        forward, right = chest.wall(y, phi)
        wall = chest.place(y, forward, side * right)
        path = smooth_path(np.concatenate([head, neck, tubercle, wall], axis=1), _STATIONS)
        grow = np.interp(np.linspace(0, 1, _STATIONS), *_GIRTH)
        half = np.stack([_HALF_HEIGHT_MM * jitter[2], _HALF_THICK_MM], axis=-1)[:, None] * grow[:, None] * chest.scale
        shell = np.interp(np.linspace(0, 1, _STATIONS), [0.0, 0.25, 0.45, 1.0], [0.6, 0.55, 1.1, 1.1])[:, None]
        up = np.array([0.0, 1.0, 0.0])
        bones.append(bone_tube(
            path, half, up, shell_mm=shell, cortical=cortical, core=core, around=10, exponent=2.3,
        ))
        soft.append(Solids.of(_cartilages(chest, path, side), CARTILAGE - SOFT))
    return Solids.joined([*bones, *soft])


def _sternal_line(chest: Chest) -> tuple[float, float]:
    """Heights in mm of the sternal notch and of the xiphoid's tip."""
    return 0.5 * (chest.level("T2") + chest.level("T3")), chest.level("T10") + 0.2 * chest.scale


def _cartilages(chest: Chest, path_mm: F64, side: float) -> F64:
    """Cartilages of ribs 1-10 from the rib's end to the sternum; 8-10 join the one above."""
    notch, xiphoid = _sternal_line(chest)
    y = np.array([0.06, 0.2, 0.34, 0.47, 0.6, 0.72, 0.82, 0.9, 0.97, 1.02]) * (xiphoid - notch) + notch
    z = np.array([17, 14, 13, 13, 13, 12, 11, 20, 34, 52], dtype=float) * chest.scale
    start = path_mm[:10, -1]
    forward = chest.at("half_depth_mm", y) - 2.0
    target = chest.place(y, forward - 0.004 * z**2, side * z)
    bend = 0.5 * (start + target) + np.array([4.0, -8.0, 0.0]) * chest.scale
    line = smooth_path(np.stack([start, bend, target], axis=1), 7)
    half = np.broadcast_to(np.array([6.0, 3.6]) * chest.scale, (10, 7, 2))
    return tube(line, half, np.array([0.0, 1.0, 0.0]), around=8)


def sternum(chest: Chest, *, density: float, maturity: float, rng: np.random.Generator) -> Solids:
    """Manubrium and sternebrae with the gaps of growth between them, and the xiphoid."""
    notch, xiphoid = _sternal_line(chest)
    bounds = np.array([0.0, 0.27, 0.43, 0.58, 0.73, 0.86, 1.0])
    gap = 0.012 * (1.4 - maturity)
    share = np.stack([np.linspace(a + gap, b - gap, 5) for a, b in pairwise(bounds)])
    y = notch + share * (xiphoid - notch)
    path = chest.place(y, chest.at("half_depth_mm", y) - 1.0, np.zeros_like(y))
    wide = np.array([24.0, 15.0, 17.0, 18.0, 15.0, 7.0])[:, None] * np.array([1.05, 0.95, 0.92, 0.95, 1.02])
    thick = np.array([6.0, 5.2, 5.0, 4.8, 4.4, 2.5])[:, None] * np.ones(5)
    half = np.stack([thick, wide], axis=-1) * chest.scale * (1 + 0.04 * rng.standard_normal((6, 1, 2)))
    return bone_tube(
        path, half, np.array([1.0, 0.0, 0.0]), shell_mm=1.1, cortical=density * (CORTICAL - SOFT),
        core=density * (TRABECULAR - SOFT), around=14, exponent=2.6,
    )

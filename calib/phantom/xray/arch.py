"""Posterior elements of a vertebra: pedicles, articular pillars, laminae, transverse and spinous processes.

Each is a tube through a few stations given in the vertebra's own proportions; one table per region. Stations:
behind the posterior wall (body heights), up (body heights), to the side (body widths), then two half sizes
(body heights): the first in the sagittal plane, the second across it.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from calib.phantom.xray.attenuation import CORTICAL, SOFT, TRABECULAR
from calib.phantom.xray.solids import Solids, bone_tube, smooth_path
from calib.phantom.xray.vertebra import Frames

F64 = NDArray[np.float64]
Stations = tuple[tuple[float, float, float, float, float], ...]

_PAIRED: Final[dict[str, dict[str, Stations]]] = {
    "cervical": {
        "pedicle": ((-0.15, 0.05, 0.34, 0.24, 0.16), (0.25, 0.02, 0.48, 0.22, 0.16)),
        "pillar": ((0.22, 0.62, 0.52, 0.30, 0.26), (0.45, 0.1, 0.53, 0.36, 0.30), (0.68, -0.55, 0.52, 0.26, 0.26)),
        "lamina": ((0.60, 0.0, 0.46, 0.40, 0.14), (1.15, -0.12, 0.0, 0.36, 0.14)),
    },
    "thoracic": {
        "pedicle": (
            (-0.15, 0.26, 0.30, 0.27, 0.13), (0.20, 0.27, 0.32, 0.25, 0.13), (0.55, 0.24, 0.34, 0.27, 0.15),
        ),
        "pillar": (
            (0.46, 0.74, 0.33, 0.10, 0.17), (0.58, 0.42, 0.35, 0.16, 0.20), (0.70, 0.05, 0.34, 0.19, 0.20),
            (0.80, -0.34, 0.30, 0.16, 0.19), (0.84, -0.68, 0.29, 0.09, 0.16),
        ),
        "lamina": ((0.68, 0.02, 0.34, 0.42, 0.13), (0.95, -0.12, 0.16, 0.45, 0.13), (1.12, -0.2, 0.0, 0.40, 0.14)),
        "transverse": (
            (0.62, 0.14, 0.42, 0.19, 0.17), (1.00, 0.22, 0.78, 0.18, 0.17), (1.28, 0.26, 1.00, 0.24, 0.21),
        ),
    },
    "lumbar": {
        "pedicle": (
            (-0.12, 0.22, 0.29, 0.31, 0.15), (0.16, 0.21, 0.31, 0.27, 0.15), (0.40, 0.18, 0.33, 0.29, 0.17),
        ),
        "pillar": (
            (0.36, 0.74, 0.37, 0.12, 0.14), (0.42, 0.45, 0.38, 0.19, 0.17), (0.52, 0.08, 0.35, 0.18, 0.16),
            (0.64, -0.28, 0.30, 0.15, 0.16), (0.72, -0.62, 0.28, 0.16, 0.16), (0.70, -0.86, 0.28, 0.09, 0.11),
        ),
        "lamina": ((0.58, -0.08, 0.27, 0.38, 0.12), (0.82, -0.2, 0.12, 0.36, 0.12), (0.98, -0.26, 0.0, 0.30, 0.13)),
        "transverse": ((0.40, 0.12, 0.38, 0.15, 0.13), (0.58, 0.15, 0.66, 0.13, 0.09), (0.68, 0.18, 0.92, 0.12, 0.07)),
    },
}
# Half height at the root, in the middle and at the tip of the spinous process, and half thickness (body heights).
_SPINOUS: Final = {
    "cervical": (0.30, 0.22, 0.20, 0.14), "thoracic": (0.34, 0.24, 0.17, 0.13), "lumbar": (0.30, 0.36, 0.34, 0.12),
}
_SHELL_MM: Final = {"cervical": 1.0, "thoracic": 1.0, "lumbar": 1.45}


def arches(
    frames: Frames, region: str, tips_mm: F64 | None, *, density: F64, rng: np.random.Generator
) -> Solids:
    """Solids of the posterior elements of B vertebrae of one region.

    Args:
        frames: their frames.
        region: "cervical", "thoracic" or "lumbar".
        tips_mm: (B, 3) tips of the spinous processes in the subject frame, or None for short level ones.
        density: (B,) factor on the bone's attenuation above soft tissue.
        rng: small differences between levels and sides.
    """
    cortical, core = density * (CORTICAL - SOFT), density * 1.1 * (TRABECULAR - SOFT)
    both = frames.twice()
    side = np.repeat([-1.0, 1.0], len(density))[:, None]
    parts = [_spinous(frames, region, tips_mm, cortical, core, rng)]
    for stations in _PAIRED[region].values():
        table = np.asarray(stations) * (1.0 + 0.05 * rng.standard_normal((side.size, len(stations), 5)))
        table = smooth_path(table, 2 * len(stations))
        local = _local(table, both, side)
        parts.append(bone_tube(
            both.at(local), table[..., 3:] * both.height_mm[:, None, None], _across(local, both),
            shell_mm=_SHELL_MM[region], cortical=np.tile(cortical, 2), core=np.tile(core, 2),
        ))
    return Solids.joined(parts)


def _local(table: F64, frames: Frames, side: F64) -> F64:
    height, width = frames.height_mm[:, None], frames.width_mm[:, None]
    behind = -0.5 * frames.depth_mm[:, None] - table[..., 0] * height
    return np.stack([behind, table[..., 1] * height, side * table[..., 2] * width], axis=-1)


def _across(local_mm: F64, frames: Frames) -> F64:
    """The sagittal direction across each tube: up for what runs backwards or sideways, backward for the pillars."""
    run = np.gradient(local_mm, axis=1)
    upright = np.abs(run[..., 1]) > 0.8 * np.linalg.norm(run[..., [0, 2]], axis=-1)
    return np.where(upright[..., None], np.array([-1.0, 0.0, 0.0]), np.array([0.0, 1.0, 0.0])) @ frames.axes


def _spinous(
    frames: Frames, region: str, tips_mm: F64 | None, cortical: F64, core: F64, rng: np.random.Generator
) -> Solids:
    height = frames.height_mm[:, None]
    zero = np.zeros_like(height)
    half_depth = 0.5 * frames.depth_mm[:, None]
    root = frames.at(np.stack([-half_depth - 0.92 * height, -0.2 * height, zero], axis=-1))[:, 0]
    if tips_mm is None:
        tips_mm = frames.at(np.stack([-half_depth - 2.1 * height, -0.5 * height, zero], axis=-1))[:, 0]
    first, middle, last, thick = _SPINOUS[region]
    length = np.linalg.norm(tips_mm - root, axis=1, keepdims=True)
    end = root + (tips_mm - root) * (1.0 - 0.25 * last * height / length)
    up = frames.axes[:, 1]
    path = smooth_path(np.stack([root, 0.5 * (root + end) + 0.05 * height * up, end], axis=1), 6)
    half = np.array([[first, thick], [middle, 0.85 * thick], [last, 1.25 * thick]]) * height[:, None]
    half = smooth_path(half * (1.0 + 0.05 * rng.standard_normal(half.shape)), 6)
    return bone_tube(
        path, half, up[:, None], shell_mm=_SHELL_MM[region], cortical=cortical, core=core, around=12
    )

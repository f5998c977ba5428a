"""What of the head reaches into the picture: skull base, occiput and jaw; airway in the neck. Soft and schematic."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from calib.phantom.xray.attenuation import AIR, CORTICAL, SOFT, TEETH, TRABECULAR
from calib.phantom.xray.chest import Chest
from calib.phantom.xray.solids import Ellipsoids, Solids, ball, bone_tube, smooth_path, tube

F64 = NDArray[np.float64]


def head_flesh_and_vault(neck_rims_mm: F64, scale: float, density: float) -> Ellipsoids:
    """Scalp, brain case and lower face above C2, as ellipsoids."""
    top = neck_rims_mm[-1].reshape(8, 3).mean(axis=0) + np.array([0.0, 14.0, 0.0]) * scale
    cortical = 0.75 * density * (CORTICAL - SOFT)
    vault = top + np.array([14.0, 84.0, 0.0]) * scale
    face = top + np.array([62.0, 18.0, 0.0]) * scale
    half = np.array([94.0, 76.0, 74.0]) * scale
    return Ellipsoids.joined([
        ball(vault, half + 6.0 * scale, 0.92 * SOFT, 8.0),
        ball(vault, half, cortical, 8.0),
        ball(vault, half - 5.5 * scale, -cortical, 8.0),
        ball(face, np.array([44.0, 62.0, 54.0]) * scale, 0.8 * SOFT, 8.0),
        ball(face + np.array([4.0, 14.0, 0.0]) * scale, np.array([22.0, 13.0, 20.0]) * scale, -0.6 * SOFT, -12.0),
        # Petrous bones and the base before them.
        ball(top + np.array([12.0, 28.0, 0.0]) * scale, np.array([20.0, 11.0, 52.0]) * scale, 0.35 * cortical, 18.0),
        ball(top + np.array([-30.0, 22.0, 0.0]) * scale, np.array([24.0, 8.0, 40.0]) * scale, 0.3 * cortical, -25.0),
    ])


def jaw(neck_rims_mm: F64, scale: float, density: float, rng: np.random.Generator) -> Solids:
    """Mandible with teeth, and the arches of C1."""
    top = neck_rims_mm[-1].reshape(8, 3).mean(axis=0) + np.array([0.0, 14.0, 0.0]) * scale
    cortical, core = 0.7 * density * (CORTICAL - SOFT), density * (TRABECULAR - SOFT)
    parts = []
    lift = rng.normal(0.0, 5.0) * scale
    for side in (-1.0, 1.0):
        z = side * scale
        joint = top + np.array([20.0 * scale, 34.0 * scale, 48.0 * z])
        angle = top + np.array([30.0 * scale, -14.0 * scale + lift, 44.0 * z])
        body = top + np.array([66.0 * scale, -30.0 * scale + lift, 32.0 * z])
        chin = top + np.array([100.0 * scale, -36.0 * scale + lift, 4.0 * z])
        line = smooth_path(np.stack([joint, 0.5 * (joint + angle), angle, body, chin]), 16)
        half = smooth_path(np.array([[6, 6], [13, 4], [14, 5], [12.5, 6], [14, 6.5]]) * scale, 16)
        parts.append(bone_tube(
            line[None], half[None], np.array([0.5, 1.0, 0.0]), shell_mm=1.6, cortical=cortical, core=0.7 * core,
        ))
        at = np.linspace(0.0, 1.0, 7)[:, None]
        for upper in (0.0, 1.0):
            foot = body + at * (chin - body) + np.array([2.0, 11.0 + 17.0 * upper, 0.0]) * scale
            crown = foot + np.array([0.0, 13.0 - 2.0 * upper, 0.0]) * scale
            path = smooth_path(np.stack([foot, crown], axis=1), 5)
            size = np.broadcast_to(np.array([3.4, 3.2]) * scale, (7, 5, 2))
            parts.append(Solids.of(tube(path, size, np.array([1.0, 0.0, 0.0]), around=8), 0.5 * (TEETH - SOFT)))
    rim = neck_rims_mm[-1, 0]
    ring = rim.mean(axis=0) + np.array([0.0, 12.0, 0.0]) * scale
    arc = np.radians(np.linspace(15.0, 345.0, 16))
    path = ring + np.stack([14 + -26 * np.cos(arc), 2 * np.cos(arc), 30 * np.sin(arc)], axis=-1) * scale
    half = np.broadcast_to(np.array([4.6, 3.6]) * scale, (16, 2))
    parts.append(bone_tube(
        path[None], half[None], np.array([0.0, 1.0, 0.0]), shell_mm=0.9, cortical=cortical, core=core,
    ))
    return Solids.joined(parts)


def airway(neck_rims_mm: F64, chest: Chest) -> Solids:
    """Pharynx, larynx and trachea: a column of air before the cervical spine, down to its fork at T5."""
    scale = chest.scale
    neck = neck_rims_mm.reshape(-1, 8, 3).mean(axis=1)[::-1]
    before = neck + np.array([19.0, 0.0, 0.0]) * scale
    down = [
        np.array([float(chest.at("column_x_mm", np.array(chest.level(n)))) + ahead * scale, chest.level(n), 0.0])
        for n, ahead in (("C7", 27.0), ("T2", 29.0), ("T4", 31.0), ("T5", 33.0))
    ]
    z = float(chest.at("mid_z_mm", np.array(chest.level("T1"))))
    path = smooth_path(np.concatenate([before, np.stack(down) + np.array([0.0, 0.0, z])]), 26)
    half = smooth_path(np.array([[9, 14], [6, 14], [8, 10], [8, 8], [7, 7], [2.5, 4]]) * scale, 26)
    return Solids.of(tube(path[None], half[None], np.array([1.0, 0.0, 0.0]), around=16), AIR - SOFT)

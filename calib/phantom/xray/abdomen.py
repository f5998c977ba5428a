"""Gas and organs of the abdomen: the bubble under the left dome, loops and mottle of the bowel, liver and fat.

Bowel gas is drawn in the picture plane, as fields that are cut at a threshold: loops with haustra and crumbled
contents come out of it, which no set of plain solids gives.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from calib.phantom.xray.attenuation import FAT, SOFT
from calib.phantom.xray.lungs import Breath
from calib.phantom.xray.solids import Ellipsoids, Solids, ball, loft
from calib.phantom.xray.texture import blotches
from edge.view.grid import Grid

F64 = NDArray[np.float64]
F32 = NDArray[np.float32]


@dataclass(frozen=True)
class Belly:
    """Where the abdomen lies: x of its middle, of its back and front wall (muscle), heights of pelvis and dome, mm."""

    back_mm: float
    front_mm: float
    floor_mm: float
    scale: float


def stomach_gas(belly: Belly, breath: Breath, rng: np.random.Generator) -> Solids:
    """Gas in the fundus, with a level fluid surface below it; large, small or nearly none."""
    size = (0.2 + 0.75 * rng.random() ** 1.6) * belly.scale
    half_x, half_z, tall = 46.0 * size, 40.0 * size, 44.0 * size
    top = breath.dome_mm[0] - rng.uniform(4.0, 9.0)
    x = belly.back_mm + rng.uniform(0.42, 0.6) * (belly.front_mm - belly.back_mm)
    level = rng.uniform(-0.1, 0.85)
    lean, slant = rng.normal(0.0, 0.12), rng.normal(0.25, 0.3)
    up = np.linspace(-level, 0.995, 18)
    angle = np.linspace(0.0, 2 * np.pi, 40, endpoint=False)
    wobble = 1.0 + sum(
        rng.normal(0.0, 0.08 / k) * np.cos(k * angle + rng.uniform(0, 6.3)) for k in (1, 2, 3)
    )
    width = np.sqrt(1.0 - np.abs(up) ** 2.4)[:, None] * wobble
    y = np.broadcast_to((top - tall + tall * up)[:, None], width.shape)
    rings = np.stack([
        x + half_x * width * np.cos(angle) * (1.0 + lean * up[:, None]) + slant * (y - top), y,
        -48.0 * belly.scale + half_z * width * np.sin(angle),
    ], axis=-1)
    return Solids.of(loft(rings[None]), -SOFT)


def organs(belly: Belly, breath: Breath, rng: np.random.Generator) -> Ellipsoids:
    """Faint borders: liver, spleen and kidneys a little denser than what surrounds them, fat round them."""
    scale, parts = belly.scale, []
    depth = belly.front_mm - belly.back_mm
    y = 0.5 * (breath.dome_mm[0] + breath.dome_mm[1])
    liver = np.array([belly.back_mm + 0.55 * depth, y - 66.0 * scale, 60.0])
    parts.append(ball(liver, np.array([0.42 * depth, 66.0 * scale, 60.0]), 0.035 * SOFT, -14.0))
    for side in (-1.0, 1.0):
        kidney = np.array([belly.back_mm + 0.2 * depth, y - (118.0 + 8 * side) * scale, side * 55.0])
        parts.append(ball(kidney, np.array([22.0, 54.0, 28.0]) * scale * 1.22, -0.9 * (SOFT - FAT), 12.0))
        parts.append(ball(kidney, np.array([22.0, 54.0, 28.0]) * scale, 1.0 * (SOFT - FAT), 12.0))
    spread = np.array([0.22 * depth, 55.0 * scale, 40.0])
    middle = np.array([belly.back_mm + 0.62 * depth, belly.floor_mm + 130.0 * scale, 0.0])
    for _ in range(10):  # loops without gas, fat between them
        centre = middle + rng.normal(0.0, 1.0, 3) * spread
        half = rng.uniform(12.0, 34.0, 3) * scale
        parts.append(ball(centre, half, float(rng.normal(0.0, 0.5)) * (SOFT - FAT), float(rng.uniform(-60, 60))))
    return Ellipsoids.joined(parts)


def bowel_gas(belly: Belly, grid: Grid, rng: np.random.Generator, texture: np.random.Generator) -> F32:
    """(rows, cols) float32 attenuation taken away by gas in the bowel: loops from ``rng``, mottle from ``texture``."""
    coarse = grid.coarser(4)
    x, y = coarse.u_of(np.arange(coarse.cols) * 1.0), coarse.y_of(np.arange(coarse.rows) * 1.0)
    depth = belly.front_mm - belly.back_mm
    loops = np.zeros((coarse.rows, coarse.cols))
    crumbs = np.zeros_like(loops)
    scale = belly.scale

    def add(field: F64, cx: float, cy: float, radius: float, amount: float) -> None:
        field += amount * np.exp(-(((x - cx) / radius) ** 2) - (((y - cy) / radius) ** 2)[:, None])

    # Colon: caecum and descending colon low in front, flexures higher up, each a chain of pouches.
    for _ in range(int(rng.integers(2, 5))):
        cx = belly.back_mm + rng.uniform(0.38, 0.78) * depth
        cy = belly.floor_mm + rng.uniform(30.0, 190.0) * scale
        heading = rng.uniform(0, 2 * np.pi)
        amount = rng.uniform(0.75, 1.05)
        for _ in range(int(rng.integers(3, 9))):
            add(loops, cx, cy, rng.uniform(8.0, 14.0) * scale, amount)
            heading += rng.normal(0.0, 0.3)
            cx += 13.0 * scale * np.cos(heading)
            cy += 13.0 * scale * np.sin(heading)
    if rng.random() < 0.6:  # rectum, in the hollow of the sacrum
        for _ in range(int(rng.integers(1, 4))):
            add(loops, belly.back_mm + rng.normal(6.0, 9.0) * scale, belly.floor_mm + rng.normal(20.0, 16.0) * scale,
                rng.uniform(11.0, 18.0) * scale, 0.8)
    for _ in range(int(rng.integers(7, 14))):
        add(crumbs, belly.back_mm + rng.uniform(0.35, 0.88) * depth, belly.floor_mm + rng.normal(75.0, 55.0) * scale,
            rng.uniform(16.0, 34.0) * scale, rng.uniform(0.35, 0.9))
    fine = blotches(texture, (coarse.rows, coarse.cols), 3.2 / coarse.mm_per_px)
    finer = blotches(texture, (coarse.rows, coarse.cols), 1.7 / coarse.mm_per_px)
    clumps = blotches(texture, (coarse.rows, coarse.cols), 11.0 / coarse.mm_per_px)
    ragged = loops * (1.0 + 0.22 * fine)
    gas_mm = 24.0 * np.sqrt(np.clip(ragged - 0.62, 0.0, 0.9)) * np.clip((loops - 0.3) / 0.5, 0, 1)
    gas_mm += 14.0 * np.clip(crumbs, 0.0, 1.0) * np.clip(0.5 * fine + 0.4 * finer + 0.7 * clumps - 0.55, 0.0, 1.3)
    smooth = cv2.resize(gas_mm.astype(np.float32), (grid.cols, grid.rows), interpolation=cv2.INTER_CUBIC)
    return np.asarray(-SOFT * scale * np.clip(smooth, 0.0, None), dtype=np.float32)

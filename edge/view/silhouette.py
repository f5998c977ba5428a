"""The trunk's outline, row by row, and the anchors that the body frame hangs on.

The outline is the run of occupied cells through the mid-line: arms that hang free of the trunk are not in it.
Edges are interpolated between cells, so that anchors do not jump by a whole cell.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.order import median, quantiles

PERSON_WIDTH_MM: Final = 180.0  # narrower than the shoulders of a ten-year-old (290), wider than a head (150)
PERSON_HEIGHT_MM: Final = 250.0  # ... and it stays that wide for at least this long below the shoulders
SHOULDER_SHARE: Final = 0.8
"""y = 0 lies where the outline, going up, falls below this share of the waist's width: on the slope of the
trapezius at about 200 mm, above the shoulder joint and below the neck. Heads, hair and arms do not move it."""
WAIST_QUANTILE: Final = 0.2
WAIST_MM: Final = (-420.0, -200.0)  # rows that hold waist and lumbar area
PORE_MM2: Final = 3000.0  # a gap beside a hanging arm is larger: some 25 mm by 200 mm
TRUNK_MM: Final = (-420.0, -60.0)  # rows of the back between shoulders and waistband


@dataclass(frozen=True)
class Outline:
    """Left and right edge of the central run of every row, mm (z of the levelled frame); NaN where there is none.

    y_mm: (R,) heights, descending. left_mm, right_mm: (R,) float64.
    """

    y_mm: NDArray[np.float64]
    left_mm: NDArray[np.float64]
    right_mm: NDArray[np.float64]

    @property
    def width_mm(self) -> NDArray[np.float64]:
        """(R,) widths, 0 where there is no run."""
        return np.nan_to_num(self.right_mm - self.left_mm)

    @property
    def middle_mm(self) -> NDArray[np.float64]:
        """(R,) mid-points, NaN where there is no run."""
        return (self.left_mm + self.right_mm) / 2


@dataclass(frozen=True)
class Anchors:
    """Where the body frame hangs, in the frame of the outline, mm.

    shoulder_y_mm: height of y = 0. middle_z_mm: middle of the narrowest rows. waist_width_mm: 20th percentile of
    the widths below the shoulders. shoulder_width_mm: 90th percentile within 200 mm below them.
    visible_height_mm: length of the outline below y = 0.
    """

    shoulder_y_mm: float
    middle_z_mm: float
    waist_width_mm: float
    shoulder_width_mm: float
    visible_height_mm: float


def outline(
    density: NDArray[np.float32], top_mm: float, left_mm: float, cell_mm: float, middle_mm: float
) -> Outline:
    """Edges of the run through ``middle_mm`` in every row of an occupancy image.

    Args:
        density: (R, C) smoothed number of points per cell; row 0 at the top, column 0 at the left.
        top_mm, left_mm: y of the upper and z of the left edge of the image.
        cell_mm: size of a cell.
        middle_mm: z near which the run is looked for (within 60 mm).
    """
    rows, cols = density.shape
    filled = density[density > 0]
    level = 0.5 * median(filled) if filled.size else 1.0  # half the plateau: the edge itself
    occupied = np.zeros((rows, cols + 2), bool)
    occupied[:, 1:-1] = density >= level
    padded = np.zeros((rows, cols + 2), np.float32)
    padded[:, 1:-1] = density
    col = np.arange(cols + 2, dtype=np.int16)  # few bytes: the searches below go through the whole image
    start = (middle_mm - left_mm) / cell_mm + 0.5
    seed = np.where(occupied, np.abs(col - np.float32(start)), np.float32(np.inf)).argmin(axis=1)
    found = occupied[np.arange(rows), seed] & (np.abs(seed - start) * cell_mm <= 60.0)
    empty, at = ~occupied, seed[:, None].astype(np.int16)
    before = np.where(empty & (col < at), col, np.int16(0)).max(axis=1).astype(np.int64)
    after = np.where(empty & (col > at), col, np.int16(cols + 1)).min(axis=1).astype(np.int64)
    row = np.arange(rows)

    def edge(outside: NDArray[np.int64], inside: NDArray[np.int64]) -> NDArray[np.float64]:
        low, high = padded[row, outside].astype(np.float64), padded[row, inside].astype(np.float64)
        share = np.clip((level - low) / np.maximum(high - low, 1e-6), 0.0, 1.0)
        return left_mm + (outside + (inside - outside) * share - 0.5) * cell_mm

    y = top_mm - (row.astype(np.float64) + 0.5) * cell_mm
    left = np.where(found, edge(before, np.minimum(before + 1, cols + 1)), np.nan)
    right = np.where(found, edge(after, np.maximum(after - 1, 0)), np.nan)
    return Outline(y, left, right)


def fill_pores(density: NDArray[np.float32], cell_mm: float, area_mm2: float = PORE_MM2) -> NDArray[np.float32]:
    """The occupancy image with its small enclosed holes (lost readings) filled up to the plateau.

    Larger ones stay open: the gap between a hanging arm and the flank is enclosed too.
    """
    filled = density[density > 0]
    if filled.size == 0:
        return density
    plateau = median(filled)
    empty = (density < 0.5 * plateau).astype(np.uint8)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(empty, connectivity=4)
    pores = stats[:, cv2.CC_STAT_AREA] * cell_mm**2 <= area_mm2
    pores[0] = False
    for border in (labels[0], labels[-1], labels[:, 0], labels[:, -1]):
        pores[border] = False
    return np.where(pores[labels], np.float32(plateau), density) if pores.any() else density


def anchors(shape: Outline, waist_width_mm: float | None = None) -> Anchors | None:
    """The anchors of an outline, or None where no trunk-like stretch is in it.

    Args:
        shape: the outline.
        waist_width_mm: width of the waist that sets the shoulder line; None: the outline's own, which arms that
            touch the trunk would widen.
    """
    cell = float(shape.y_mm[0] - shape.y_mm[1])
    width = _smooth(shape.width_mm, max(1, round(9.0 / cell)))
    top = _first_trunk_row(width, round(PERSON_HEIGHT_MM / cell))
    if top is None:
        return None
    below = shape.y_mm[top] - shape.y_mm
    trunk = width[(below >= 60.0) & (below <= 420.0) & (width > 0)]
    if trunk.size == 0:
        return None
    waist = quantiles(trunk, [WAIST_QUANTILE])[0]
    limit = SHOULDER_SHARE * (waist_width_mm or waist)
    shoulder_y = _shoulder_height(shape.y_mm, width, top + round(60.0 / cell), limit)
    y = shape.y_mm - shoulder_y
    present = width > 0.5 * waist
    middle = shape.middle_mm
    narrow = present & (y >= WAIST_MM[0]) & (y <= WAIST_MM[1])
    if not narrow.any():
        return None
    narrow &= width <= quantiles(width[narrow], [0.4])[0]
    shoulders = width[present & (y <= 0) & (y >= -200.0)]
    gone = np.flatnonzero((y < -60.0) & ~present)
    last = int(gone[0]) if gone.size else len(y)
    return Anchors(
        shoulder_y_mm=float(shoulder_y),
        middle_z_mm=median(middle[narrow]),
        waist_width_mm=waist,
        shoulder_width_mm=quantiles(shoulders, [0.9])[0] if shoulders.size else 0.0,
        visible_height_mm=float(-(y[last - 1] - cell / 2)),
    )


def _first_trunk_row(width: NDArray[np.float64], stretch: int) -> int | None:
    """The highest row from which on the outline stays as wide as a person for a trunk's length."""
    wide = (width >= PERSON_WIDTH_MM).astype(float)
    if len(wide) < stretch:
        return None
    share = np.convolve(wide, np.ones(stretch), mode="valid") / stretch
    rows = np.flatnonzero((share >= 0.9) & (wide[: len(share)] > 0))
    return int(rows[0]) if rows.size else None


def _shoulder_height(y: NDArray[np.float64], width: NDArray[np.float64], start: int, limit: float) -> float:
    """Height at which the outline, followed upwards from row ``start``, falls below ``limit`` mm."""
    start = min(start, len(y) - 1)
    narrow = np.flatnonzero(width[: start + 1] < limit)
    if narrow.size == 0:
        return float(y[0])
    row = int(narrow[-1])
    if row == len(y) - 1 or row == start:
        return float(y[row])
    share = (limit - width[row]) / max(width[row + 1] - width[row], 1e-6)
    return float(y[row] + (y[row + 1] - y[row]) * np.clip(share, 0.0, 1.0))


def _smooth(values: NDArray[np.float64], length: int) -> NDArray[np.float64]:
    """Running mean over ``length`` rows (odd), the ends kept."""
    length |= 1
    if length == 1:
        return values
    padded = np.concatenate([np.full(length // 2, values[0]), values, np.full(length // 2, values[-1])])
    return np.convolve(padded, np.ones(length) / length, mode="valid")

"""Rasterstereography's way: tangents of the skin's mid-line at its inflection points and at each level.

Inflection points after Drerup and Hierholzer (J Biomech 1987): cervicothoracic, thoracolumbar and lumbosacral, where
the profile is steepest. Levels lie at shares of the way between the first and the last of them.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.polynomial import Chebyshev
from numpy.typing import NDArray

from edge.view.grid import BACK_VIEW

Values = NDArray[np.float64]

SPAN_MM: Final = (35.0, -470.0)
"""Heights between which the profile is fitted: about C7 to the sacrum."""
DEGREE: Final = 10
LEVELS: Final = np.linspace(-0.05, 1.05, 23)
"""Shares of the way from the cervicothoracic to the lumbosacral inflection point at which tangents are read."""
FIXED_MM: Final = np.arange(10.0, -451.0, -20.0)
"""Heights below the shoulders at which tangents are read, for backs whose inflection points are hard to find."""
SLOPE_COUNT: Final = 3 + 3 + 2 + 2 + len(LEVELS) + len(FIXED_MM)


def tangent_features(skin_mm: NDArray[np.floating]) -> Values:
    """(``SLOPE_COUNT``,) slopes at the three inflection points and their heights, trunk lengths, apex depths, slopes.

    Args:
        skin_mm: (256,) body x of the mid-line skin by row of BACK_VIEW. Slopes are degrees, positive forwards going
            down; heights and depths mm.
    """
    y = BACK_VIEW.rows_y_mm
    rows = (y <= SPAN_MM[0]) & (y >= SPAN_MM[1])
    fit = Chebyshev.fit(y[rows], np.asarray(skin_mm, np.float64)[rows], DEGREE)
    grid = np.arange(SPAN_MM[0] - 10, SPAN_MM[1] + 10, -2.0)
    slope = np.degrees(np.arctan(-fit.deriv()(grid)))
    share = (grid - grid[0]) / (grid[-1] - grid[0])
    lower = np.flatnonzero((share > 0.35) & (share < 0.85))
    turn = lower[np.argmax(slope[lower])]  # thoracolumbar: most forward
    top = int(np.argmin(slope[: max(int(0.35 * len(grid)), 1)]))  # cervicothoracic: most backward above
    bottom = turn + int(np.argmin(slope[turn:]))  # lumbosacral: most backward below
    at = np.array([top, turn, bottom])
    chord = np.interp(grid, [grid[bottom], grid[top]], [fit(grid[bottom]), fit(grid[top])])
    bulge = fit(grid) - chord
    levels = grid[top] + LEVELS * (grid[bottom] - grid[top])
    order = np.argsort(grid)
    by_level = np.interp(levels, grid[order], slope[order])
    fixed = np.interp(FIXED_MM, grid[order], slope[order])
    return np.concatenate([
        slope[at], grid[at], [slope[turn] - slope[top], slope[turn] - slope[bottom]],
        [bulge[top : turn + 1].min(), bulge[turn : bottom + 1].max()], by_level, fixed,
    ])

"""Tangent angles of the line through the vertebral bodies: a second reading beside the endplate angles.

The definition is the one used for centrelines marked on biplanar radiographs of adolescents (public PCdare set,
Kaiser et al., PLOS ONE 10.1371/journal.pone.0321429): resample, fit a polynomial, take slope extremes.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.polynomial import Chebyshev
from numpy.typing import NDArray

from edge.anatomy import ENDPLATE_INDEX
from edge.measure.tilts import vertebral_centres_mm

SAMPLES: Final = 150
"""Points of the evenly resampled line."""
DEGREE: Final = 6
"""Degree of the Chebyshev polynomial x(height)."""
TRIM: Final = 0.08
"""Fraction of the height left out at each end, where a polynomial's slope is not to be trusted."""
UPPER_END: Final = 0.40
LOWER_END: Final = 0.90
"""The steepest forward slope is looked for between these fractions of the height, counted from the top."""

_MIDDLES: Final = (np.arange(SAMPLES) + 0.5) / SAMPLES
_FRACTIONS: Final = _MIDDLES[(_MIDDLES >= TRIM) & (_MIDDLES <= 1 - TRIM)]
"""Where slopes are taken: the middles of even parts of the height. At the line's own points, the last one left in
would change with the least change of the line, and with it lordosis: there the slope turns by a degree per point."""
_UPPER: Final = np.flatnonzero(_FRACTIONS <= UPPER_END)
_MIDDLE: Final = np.flatnonzero((_FRACTIONS >= UPPER_END) & (_FRACTIONS <= LOWER_END))


def spline_through(points_mm: NDArray[np.floating], per_interval: int = 16) -> NDArray[np.float64]:
    """Natural cubic spline through points, parametrised by chord length.

    Args:
        points_mm: (N, D), N >= 3, consecutive points distinct.
        per_interval: samples per interval between two points.

    Returns:
        ((N - 1) * per_interval + 1, D) float64; passes through every point, curvature 0 at both ends.
    """
    p = np.asarray(points_mm, np.float64)
    n = len(p)
    h = np.linalg.norm(np.diff(p, axis=0), axis=1)
    slope = np.diff(p, axis=0) / h[:, None]
    system = np.eye(n)
    right = np.zeros_like(p)
    inner = np.arange(1, n - 1)
    system[inner, inner - 1] = h[:-1]
    system[inner, inner] = 2 * (h[:-1] + h[1:])
    system[inner, inner + 1] = h[1:]
    right[1:-1] = 6 * np.diff(slope, axis=0)
    second = np.linalg.solve(system, right)  # second derivatives at the points
    t = (np.arange(per_interval) / per_interval)[None, :, None]
    step = h[:, None, None]
    a, b = second[:-1, None, :], second[1:, None, :]
    curve = (1 - t) * p[:-1, None, :] + t * p[1:, None, :]
    curve = curve + step**2 / 6 * (((1 - t) ** 3 - (1 - t)) * a + (t**3 - t) * b)
    return np.concatenate([curve.reshape(-1, p.shape[1]), p[-1:]])


def tangent_angles(line_mm: NDArray[np.floating]) -> tuple[float, float]:
    """Kyphosis and lordosis of a line that runs down a spine, as angles between tangents.

    The line is resampled evenly along its sagittal arc, x is fitted over height, and the slope angle is taken along
    the middle 84 % of the height. Kyphosis: the largest (most forward going down) slope between 40 % and 90 % of
    the height minus the smallest in the upper 40 %. Lordosis: that largest minus the smallest below it.

    Args:
        line_mm: (N, 3) any line in the body frame (x anterior, y up), N >= 2, from either end.

    Returns:
        (kyphosis_deg, lordosis_deg).
    """
    line = np.asarray(line_mm, np.float64)
    if line[0, 1] < line[-1, 1]:
        line = line[::-1]
    x, depth = line[:, 0], line[0, 1] - line[:, 1]  # depth grows downwards from the top of the line
    arc = np.concatenate([[0.0], np.cumsum(np.hypot(np.diff(x), np.diff(depth)))])
    even = np.linspace(0.0, arc[-1], SAMPLES)
    depth_even = np.interp(even, arc, depth)
    fit = Chebyshev.fit(depth_even, np.interp(even, arc, x), DEGREE)
    slope_deg = np.degrees(np.arctan(fit.deriv()(depth_even.min() + np.ptp(depth_even) * _FRACTIONS)))
    turn = _MIDDLE[np.argmax(slope_deg[_MIDDLE])]
    steepest = slope_deg[turn]
    return float(steepest - slope_deg[_UPPER].min()), float(steepest - slope_deg[turn:].min())


def vertebral_line_mm(endplates_mm: NDArray[np.floating]) -> NDArray[np.float64]:
    """(19, 3) points down the column: C7-T1 disc, centres of T1..L5, L5-S1 disc.

    The span is that of centrelines marked on radiographs, whose ends are the two junctions.

    Args:
        endplates_mm: (37, 4, 3), body frame, millimetres.
    """
    middles = np.asarray(endplates_mm, np.float64).mean(axis=1)
    upper = 0.5 * (middles[ENDPLATE_INDEX["C7", "inferior"]] + middles[ENDPLATE_INDEX["T1", "superior"]])
    lower = 0.5 * (middles[ENDPLATE_INDEX["L5", "inferior"]] + middles[ENDPLATE_INDEX["S1", "superior"]])
    return np.vstack([upper, vertebral_centres_mm(endplates_mm)[1:], lower])


def centreline_angles(endplates_mm: NDArray[np.floating]) -> dict[str, float]:
    """Centreline kyphosis and lordosis of a smooth line down the vertebral bodies, degrees.

    Args:
        endplates_mm: (37, 4, 3), body frame, millimetres.
    """
    kyphosis, lordosis = tangent_angles(spline_through(vertebral_line_mm(endplates_mm)))
    return {"centreline_kyphosis": kyphosis, "centreline_lordosis": lordosis}

"""The shape of one back by height: what phantom and real backs can be compared by, whoever rendered or scanned them.

Heights are shares of the spine's own height (0 at the C7-T1 junction, 1 at L5-S1), so that tall and short compare.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.lift import midline_skin
from edge.measure.centreline import tangent_angles
from edge.view.back_view import BackView
from edge.view.gates import Refusal
from edge.view.grid import BACK_VIEW
from edge.view.see import see
from export.evaluate.trial import Trial

Values = NDArray[np.float64]

HEIGHTS: Final = (np.arange(10) + 0.5) / 10
"""Shares of the spine's height at which a back is looked at, from above."""
OFFSETS_MM: Final = (40.0, 80.0, 110.0)
"""Distances beside the mid-line at which the flanks are compared with it."""
TURN_OFFSET_MM: Final = 60.0
"""Distance beside the spine at which the turn of the back's surface is read, as a scoliometer would."""
BAND_MM: Final = 9.0
"""Half-height of the strip over which a value is averaged."""
LEAN_REACH_MM: Final = 12.0
"""Half-height over which the mid-line skin's lean is taken."""
PROFILE_DEGREE: Final = 6
"""Polynomial taken off the mid-line profile: what remains is bumps, folds and noise."""
ROUGHNESS_MM: Final = 9.0
"""Sigma of the Gaussian taken off the surface: what remains is finer than the network's first layers see."""

MIN_DEVIATION_MM: Final = 8.0
"""A straighter spine does not tell how its spinous processes follow it."""
_UNKNOWN: Final = (float("nan"), float("nan"))


@dataclass(frozen=True)
class BackShape:
    """One back. Arrays by ``HEIGHTS`` are (10,) float64 mm or degrees, NaN where the back is not seen.

    depth_mm: from the mid-line skin to the line through the vertebral bodies. flanks_mm: (3, 10) how far the skin
    lies in front of the mid-line skin at ``OFFSETS_MM``, mean of both sides. turn_deg: axial turn of the surface about
    the spine (positive: right side stands out backwards). half_width_mm: of the outline. deviation_mm, bow_mm: of the
    centreline to the subject's right, and in front, of the straight line between its ends. lean_deg: of the mid-line
    skin, positive where it rises forwards; nape_deg: the same at the C7-T1 junction. surface_deg, centreline_deg:
    kyphosis, lordosis of skin and spine by one definition. spinous_slope, spinous_r: lateral deviation of the spinous
    line regressed on that of the centreline (NaN where it is not known). inclination_deg: of the spine's chord,
    positive forwards. top_mm, bottom_mm: heights of the spine's ends in the body frame.
    """

    name: str
    depth_mm: Values
    flanks_mm: Values
    turn_deg: Values
    half_width_mm: Values
    deviation_mm: Values
    bow_mm: Values
    lean_deg: Values
    nape_deg: float
    spinous_slope: float
    spinous_r: float
    inclination_deg: float
    surface_deg: tuple[float, float]
    centreline_deg: tuple[float, float]
    cobb_deg: float
    top_mm: float
    bottom_mm: float
    profile_residual_mm: float
    roughness_mm: float
    gates: dict[str, float]


def back_shape(trial: Trial) -> BackShape | None:
    """Shape of the back that a trial's first frame shows; None where it is refused or its spine is not known."""
    with trial.open_camera() as camera:
        frame = camera.read()
    view = see(frame) if frame is not None else None
    if view is None or isinstance(view, Refusal) or trial.line_mm is None:
        return None
    spinous = None if trial.spinous_mm is None else trial.spinous_mm(view)
    return shape_of(trial.name, view, trial.line_mm(view), spinous, trial.true_deg)


def shape_of(name: str, view: BackView, centreline_mm: Values, spinous_mm: Values | None,
             true_deg: Mapping[str, float]) -> BackShape | None:
    """Shape of a back whose spine is known; None where no mid-line is seen.

    Args:
        centreline_mm: (N, 3) C7-T1 to L5-S1 through the vertebral bodies, body frame of ``view``.
        spinous_mm: (M, 3) line of the spinous processes, or None.
        true_deg: angles by name.
    """
    skin = midline_skin(view)
    if skin is None:
        return None
    line = _downwards(centreline_mm)
    top, bottom = float(line[0, 1]), float(line[-1, 1])
    heights = top + HEIGHTS * (bottom - top)
    spine_x, spine_z = (np.interp(-heights, -line[:, 1], line[:, axis]) for axis in (0, 2))
    chord_x, chord_z = (np.interp(-heights, [-top, -bottom], line[[0, -1], axis]) for axis in (0, 2))
    surface = np.where(view.mask, view.surface_x_mm, np.nan).astype(np.float64)
    rows_y, cols_z = BACK_VIEW.rows_y_mm, BACK_VIEW.cols_u_mm
    middle = np.interp(-heights, -rows_y, skin)
    flanks = np.full((len(OFFSETS_MM), len(HEIGHTS)), np.nan)
    turn, half_width = np.full(len(HEIGHTS), np.nan), np.full(len(HEIGHTS), np.nan)
    for i, y in enumerate(heights):
        band = np.abs(rows_y - y) <= BAND_MM
        known = np.isfinite(surface[band])
        row = np.where(known.any(axis=0), np.where(known, surface[band], 0).sum(axis=0) / np.maximum(known.sum(0), 1),
                       np.nan)
        for k, offset in enumerate(OFFSETS_MM):
            flanks[k, i] = np.mean([_at(cols_z, row, side * offset) for side in (-1, 1)]) - middle[i]
        left, right = (_at(cols_z, row, spine_z[i] + side * TURN_OFFSET_MM) for side in (-1, 1))
        turn[i] = np.degrees(np.arctan2(left - right, 2 * TURN_OFFSET_MM))
        seen = cols_z[np.isfinite(row)]
        half_width[i] = (seen.max() - seen.min()) / 2 if len(seen) else np.nan
    span = (rows_y <= top) & (rows_y >= bottom)
    profile = np.stack([skin[span], rows_y[span], np.zeros(int(span.sum()))], axis=1).astype(np.float64)
    fit = np.polynomial.Chebyshev.fit(profile[:, 1], profile[:, 0], PROFILE_DEGREE)
    deviation = spine_z - chord_z
    lean_deg = _lean_deg(view, skin, np.append(top, heights))
    slope, r = _follows(deviation, _deviation(_downwards(spinous_mm), heights)) if spinous_mm is not None else _UNKNOWN
    return BackShape(
        name=name, depth_mm=spine_x - middle, flanks_mm=flanks, turn_deg=turn, half_width_mm=half_width,
        deviation_mm=deviation, bow_mm=spine_x - chord_x, lean_deg=lean_deg[1:], nape_deg=float(lean_deg[0]),
        spinous_slope=slope, spinous_r=r,
        inclination_deg=float(np.degrees(np.arctan2(line[0, 0] - line[-1, 0], top - bottom))),
        surface_deg=tangent_angles(profile),
        centreline_deg=(true_deg.get("centreline_kyphosis", np.nan), true_deg.get("centreline_lordosis", np.nan)),
        cobb_deg=true_deg.get("cobb_major", np.nan), top_mm=top, bottom_mm=bottom,
        profile_residual_mm=float(np.std(profile[:, 0] - fit(profile[:, 1]))),
        roughness_mm=_roughness(view, span), gates=dict(view.gates),
    )


def _downwards(line_mm: Values) -> Values:
    return line_mm[np.argsort(-line_mm[:, 1])]


def _deviation(line_mm: Values, heights: Values) -> Values:
    """z of a descending line at ``heights``, from the straight line between its values at their ends."""
    z = np.interp(-heights, -line_mm[:, 1], line_mm[:, 2])
    return z - np.interp(-heights, [-heights[0], -heights[-1]], [z[0], z[-1]])


def _lean_deg(view: BackView, skin: NDArray[np.float32], heights: Values) -> Values:
    """Angle by which the mid-line ``skin`` rises forwards at ``heights``; NaN within the reach of the view's ends."""
    seen = view.mask.any(axis=1)
    above, below = (np.interp(-(heights + by), -BACK_VIEW.rows_y_mm[seen], skin[seen], left=np.nan, right=np.nan)
                    for by in (LEAN_REACH_MM, -LEAN_REACH_MM))
    return np.asarray(np.degrees(np.arctan2(above - below, 2 * LEAN_REACH_MM)))


def _follows(x: Values, y: Values) -> tuple[float, float]:
    """Slope of y on x, and their r."""
    if np.ptp(x) < MIN_DEVIATION_MM or np.ptp(y) < 1e-9:
        return _UNKNOWN
    return float(np.polyfit(x, y, 1)[0]), float(np.corrcoef(x, y)[0, 1])


def _at(cols_z: Values, row: Values, z: float) -> float:
    """Surface depth at ``z``, NaN where the row is not seen there."""
    nearest = int(np.argmin(np.abs(cols_z - z)))
    known = np.isfinite(row)
    return float(np.interp(z, cols_z[known], row[known])) if known[nearest] else float("nan")


def _roughness(view: BackView, span: NDArray[np.bool_]) -> float:
    """SD of what a masked Gaussian takes off the inner back, mm."""
    sigma = ROUGHNESS_MM / BACK_VIEW.mm_per_px
    mask = view.mask.astype(np.float32)
    weight = cv2.GaussianBlur(mask, (0, 0), sigma)
    smooth = cv2.GaussianBlur(view.surface_x_mm * mask, (0, 0), sigma) / np.maximum(weight, 1e-3)
    inner = view.mask & (weight > 0.99) & span[:, None] & (np.abs(BACK_VIEW.cols_u_mm) < 80.0)[None]
    return float(np.std((view.surface_x_mm - smooth)[inner])) if inner.any() else float("nan")

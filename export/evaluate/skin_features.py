"""What a skilled eye reads off a back, as numbers: profile, flanks, asymmetry, outline and size, by height.

Input of the regressions that an evaluation compares with. Everything comes from one back view, as the device has it.
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.lift import midline_skin
from edge.view.back_view import BackView
from edge.view.grid import BACK_VIEW
from export.evaluate.skin_line import surface_angles
from export.evaluate.surface_tangents import SLOPE_COUNT, tangent_features

Values = NDArray[np.float64]

HEIGHTS_MM: Final = np.arange(20.0, -461.0, -12.0)
"""Heights relative to the shoulders: about C7 to the sacrum."""
OFFSETS_MM: Final = np.array([-110.0, -80.0, -50.0, -25.0, 0.0, 25.0, 50.0, 80.0, 110.0])
SMOOTH_CELLS: Final = 2.0
SYMMETRY_SHIFTS_MM: Final = np.arange(-24.0, 25.0, 4.0)
"""Places about the middle at which the line of symmetry is looked for."""
SYMMETRY_ARM_MM: Final = np.array([12.0, 24.0, 36.0, 48.0, 60.0])

_ROWS: Final = np.clip(np.round(BACK_VIEW.row_of(HEIGHTS_MM)).astype(int), 0, BACK_VIEW.rows - 1)
_SCALARS: Final = 16
FEATURES: Final = len(HEIGHTS_MM) * (len(OFFSETS_MM) + 5) + SLOPE_COUNT + _SCALARS
"""Length of a feature vector."""
TANGENTS: Final = slice(FEATURES - SLOPE_COUNT - _SCALARS, FEATURES - _SCALARS)
"""The surface tangents among the features; after them come the sizes."""


def skin_features(view: BackView) -> Values | None:
    """(``FEATURES``,) float64, all finite; None where no mid-line is seen.

    By height: skin at ``OFFSETS_MM`` against the mid-line, depth and slope of the mid-line, place of the line of
    symmetry, left and right edge of the outline; then the surface tangents; then sizes and spreads that do not change
    when a back is mirrored.
    """
    skin = midline_skin(view)
    if skin is None:
        return None
    surface = _filled(view, skin)
    z = BACK_VIEW.cols_u_mm
    middle = surface[:, np.argmin(np.abs(z))]
    profile = _smooth(skin.astype(np.float64), 4.0)
    slope = np.gradient(profile, -BACK_VIEW.mm_per_px)
    grid = np.stack([_across(surface[r], z, OFFSETS_MM) - middle[r] for r in _ROWS])  # (H, 9)
    symmetry = np.array([_symmetry_mm(surface[r], z) for r in _ROWS])
    left, right = _edges(view)
    turn = np.degrees(np.arctan2(grid[:, 2] - grid[:, 6], 100.0))
    kyphosis, lordosis = surface_angles(view)
    inside = slice(2, -4)
    scalars = [
        kyphosis, lordosis,
        np.ptp(symmetry[inside]), np.std(symmetry[inside]), np.abs(np.diff(_smooth(symmetry, 2.0))).max(),
        np.ptp(turn[inside]), np.std(turn[inside]), np.abs(turn[inside]).max(),
        np.ptp(grid[inside, 1] - grid[inside, 7]), np.ptp(left[inside] + right[inside]),
        *(view.gates.get(name, 0.0) for name in
          ("shoulder_width_mm", "waist_width_mm", "trunk_lean_deg", "trunk_list_deg", "convexity_mm")),
        float(view.mask.sum()) * BACK_VIEW.mm_per_px**2 / 1e4,
    ]
    features = np.concatenate([
        grid.ravel(), profile[_ROWS], slope[_ROWS], symmetry, left, right, tangent_features(skin), np.array(scalars),
    ])
    return np.nan_to_num(features.astype(np.float64), posinf=0.0, neginf=0.0)


def mirrored(view: BackView) -> BackView:
    """The same back seen in a mirror: every sagittal angle and the size of every curve stay."""
    gates = dict(view.gates)
    for name in ("trunk_list_deg", "yaw_deg", "offset_mm"):
        if name in gates:
            gates[name] = -gates[name]
    return BackView(view.surface_x_mm[:, ::-1], view.mask[:, ::-1], None, view.body_from_camera, gates)


def _filled(view: BackView, skin: NDArray[np.float32]) -> Values:
    """(256, 128) smooth surface, held beyond the outline row by row and mid-line where a row is empty."""
    weight = view.mask.astype(np.float32)
    blurred = cv2.GaussianBlur(weight, (0, 0), SMOOTH_CELLS)
    smooth = cv2.GaussianBlur(view.surface_x_mm * weight, (0, 0), SMOOTH_CELLS) / np.maximum(blurred, 1e-3)
    columns = np.arange(BACK_VIEW.cols)
    out = np.empty(smooth.shape)
    for r in range(BACK_VIEW.rows):
        known = np.flatnonzero(view.mask[r])
        out[r] = np.interp(columns, known, smooth[r, known]) if len(known) > 1 else skin[r]
    return out


def _smooth(values: Values, sigma: float) -> Values:
    reach = int(3 * sigma) + 1
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    return np.convolve(np.pad(values, reach, mode="edge"), kernel / kernel.sum(), mode="valid")


def _across(row: Values, z: Values, offsets: Values) -> Values:
    return np.asarray(np.interp(offsets, z, row))


def _symmetry_mm(row: Values, z: Values) -> float:
    """Where the row is most alike on both sides, weighted over the shifts by how alike it is."""
    right = np.interp(SYMMETRY_SHIFTS_MM[:, None] + SYMMETRY_ARM_MM, z, row)
    left = np.interp(SYMMETRY_SHIFTS_MM[:, None] - SYMMETRY_ARM_MM, z, row)
    difference = right - left
    # A turned back is symmetric about its own normal: the slope across is taken off before sides are compared.
    difference = difference - difference @ SYMMETRY_ARM_MM[:, None] / (SYMMETRY_ARM_MM @ SYMMETRY_ARM_MM) \
        * SYMMETRY_ARM_MM
    valley = np.abs(difference).mean(axis=1) - 0.5 * (np.interp(SYMMETRY_SHIFTS_MM, z, row)
                                                      - 0.5 * (right[:, 1] + left[:, 1]))
    weight = np.exp(-(valley - valley.min()) / 0.5)
    return float((weight * SYMMETRY_SHIFTS_MM).sum() / weight.sum())


def _edges(view: BackView) -> tuple[Values, Values]:
    """Left and right edge of the run through the middle, by height, mm (0 where a row is empty)."""
    z = BACK_VIEW.cols_u_mm
    centre = int(np.argmin(np.abs(z)))
    left, right = np.zeros(len(_ROWS)), np.zeros(len(_ROWS))
    for i, r in enumerate(_ROWS):
        row = view.mask[r]
        if row[centre]:
            off_left, off_right = np.flatnonzero(~row[:centre]), np.flatnonzero(~row[centre:])
            left[i] = z[off_left[-1] + 1] if len(off_left) else z[0]
            right[i] = z[centre + off_right[0] - 1] if len(off_right) else z[-1]
    return left, right

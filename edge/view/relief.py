"""Two numbers of the finished surface that tell a bare back from cloth, a board or a chair."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.order import median, median_of_known, quantiles
from edge.view.grid import BACK_VIEW
from edge.view.silhouette import Anchors

FINE_CELLS: Final = 2.5  # sigma, 7.5 mm: below it lies the sensor's noise
COARSE_CELLS: Final = 7.0  # sigma, 21 mm: above it lies the shape of the back
GRAIN_CELLS: Final = 1.5  # sigma, 4.5 mm
NOISE_LEAK: Final = 5.0  # fold-band variance per variance of the grain: 3-7 measured on stereo noise of 2-8 mm rms
MARGIN_MM: Final = 30.0  # of surface around the judged area, for the blur to stand on
FURROW_MM: Final = 25.0  # the mid-line furrow is a fold that a bare back does have
ROWS_MM: Final = (-380.0, -80.0)
STRIP_SHARE: Final = 0.4  # of the waist's width: the flanks are too steep to be read


def fold_mm(surface_mm: NDArray[np.float32], mask: NDArray[np.bool_], found: Anchors) -> float:
    """Relief at 10-60 mm scale between the furrow and the flanks, sensor noise taken off.

    It is half of the range from its 16 to its 84 % quantile (one standard deviation, were it Gaussian).
    Folds of loose cloth are 10-60 mm apart and 5-20 mm deep; skin over muscle is smooth at that scale. What the
    noise of the depth image adds to this band is estimated from the band below it.
    """
    y, z = BACK_VIEW.rows_y_mm, BACK_VIEW.cols_u_mm
    half_width = STRIP_SHARE * found.waist_width_mm
    rows = np.flatnonzero((y >= ROWS_MM[0] - MARGIN_MM) & (y <= ROWS_MM[1] + MARGIN_MM))
    cols = np.flatnonzero(np.abs(z) <= half_width + MARGIN_MM)
    window = np.s_[rows[0] : rows[-1] + 1, cols[0] : cols[-1] + 1]
    strip = (np.abs(z) >= FURROW_MM) & (np.abs(z) <= half_width)
    height = (y >= ROWS_MM[0]) & (y <= ROWS_MM[1])
    inner = cv2.erode(mask[window].astype(np.uint8), np.ones((9, 9), np.uint8)) > 0
    area = inner & (height[:, None] & strip[None, :])[window]
    if int(area.sum()) < 200:
        return 0.0
    surface, weight = surface_mm[window], mask[window].astype(np.float32)
    fine, coarse = (_blurred(surface, weight, sigma) for sigma in (FINE_CELLS, COARSE_CELLS))
    low, high = quantiles((fine - coarse)[area], (0.16, 0.84))
    band = ((high - low) / 2) ** 2  # a standard deviation that one stray reading does not sway
    grain = surface - _blurred(surface, weight, GRAIN_CELLS)
    grain -= _blurred(grain, weight, GRAIN_CELLS)  # twice, so that no fold is taken for noise
    noise = (median(np.abs(grain[area])) * 1.4826) ** 2
    return float(np.sqrt(max(band - NOISE_LEAK * noise, 0.0)))


def convexity_mm(surface_mm: NDArray[np.float32], mask: NDArray[np.bool_], found: Anchors) -> float:
    """How much deeper the flanks lie than the most prominent part of the back between them, mm.

    Taken on the profile across the back, the median over the rows, each against its own mean depth: 8-40 for a
    trunk, with or without a deep furrow; 0 for a board, however noisy.
    """
    y, z = BACK_VIEW.rows_y_mm, BACK_VIEW.cols_u_mm
    share = z / found.waist_width_mm
    cols = np.abs(share) <= 0.5
    inner = mask[:, cols]
    rows = np.flatnonzero((y >= ROWS_MM[0]) & (y <= ROWS_MM[1]) & (inner.mean(axis=1) > 0.5))[::3]
    if rows.size < 5:
        return 0.0
    there, depth = inner[rows], surface_mm[rows][:, cols]
    mean = np.sum(depth, axis=1, where=there) / there.sum(axis=1)
    known = there.sum(axis=0) >= 5
    profile = median_of_known(np.where(there, depth - mean[:, None], np.nan)[:, known])
    where = share[cols][known]
    sides = [profile[(where >= low) & (where <= high)] for low, high in ((-0.5, -0.4), (0.4, 0.5), (-0.35, 0.35))]
    if min(side.size for side in sides) == 0:
        return 0.0
    left, right, middle = sides
    return float((left.mean() + right.mean()) / 2 - middle.min())


def _blurred(values: NDArray[np.float32], weight: NDArray[np.float32], sigma: float) -> NDArray[np.float32]:
    share = np.maximum(cv2.GaussianBlur(weight, (0, 0), sigma), np.float32(1e-3))
    return np.asarray(cv2.GaussianBlur(values * weight, (0, 0), sigma) / share, dtype=np.float32)

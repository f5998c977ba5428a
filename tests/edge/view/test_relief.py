from __future__ import annotations

import cv2
import numpy as np
import pytest

from edge.view.grid import BACK_VIEW
from edge.view.relief import convexity_mm, fold_mm
from edge.view.silhouette import Anchors

Y, Z = np.meshgrid(BACK_VIEW.rows_y_mm, BACK_VIEW.cols_u_mm, indexing="ij")
MASK = (np.abs(Z) < 125) & (Y < 0) & (Y > -450)
FOUND = Anchors(0.0, 0.0, 250.0, 360.0, 450.0)
ROUND = (Z**2 / 500).astype(np.float32)


def noise(rms: float, sigma_cells: float, seed: int = 0) -> np.ndarray:
    field = cv2.GaussianBlur(np.random.default_rng(seed).normal(size=Y.shape), (0, 0), sigma_cells)
    return (field * rms / field.std()).astype(np.float32)


def test_smooth_skin_with_a_furrow_has_no_folds() -> None:
    furrow = 8 * np.exp(-((Z / 12) ** 2))
    assert fold_mm((ROUND + furrow).astype(np.float32), MASK, FOUND) < 0.7


@pytest.mark.parametrize("length_mm", [60.0, 80.0])
def test_folds_of_cloth_are_measured(length_mm: float) -> None:
    folds = 10 * np.sin((0.4 * Y + Z) * 2 * np.pi / length_mm)
    assert fold_mm((ROUND + folds).astype(np.float32), MASK, FOUND) > 3.0


def test_stereo_noise_alone_is_taken_off() -> None:
    assert fold_mm(ROUND + noise(3.0, 1.8), MASK, FOUND) < 1.5


def test_one_stray_patch_does_not_make_a_shirt() -> None:
    spiked = ROUND.copy()
    spiked[150:160, 50:58] -= 80
    assert fold_mm(spiked, MASK, FOUND) < 1.5


def test_a_trunk_is_convex_and_a_board_is_not_however_noisy() -> None:
    assert convexity_mm(ROUND, MASK, FOUND) > 10
    board = noise(4.0, 1.5) + (0.1 * Y).astype(np.float32)
    assert abs(convexity_mm(board, MASK, FOUND)) < 2.5


def test_a_deep_furrow_does_not_hide_the_convexity() -> None:
    furrow = 25 * np.exp(-((Z / 20) ** 2))
    assert convexity_mm((ROUND + furrow).astype(np.float32), MASK, FOUND) > 10


def test_without_skin_both_are_zero() -> None:
    nothing = np.zeros(Y.shape, bool)
    assert fold_mm(ROUND, nothing, FOUND) == 0
    assert convexity_mm(ROUND, nothing, FOUND) == 0

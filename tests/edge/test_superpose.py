from __future__ import annotations

import cv2
import numpy as np
import pytest

from edge.superpose import superposed
from edge.view.grid import RADIOGRAPH


def film_with_a_body_at(x_mm: float, y_mm: float) -> np.ndarray:
    """One bright vertebral body of 30 x 25 mm on a soft background."""
    rows, cols = np.mgrid[: RADIOGRAPH.rows, : RADIOGRAPH.cols]
    x, y = RADIOGRAPH.u_of(cols.astype(float)), RADIOGRAPH.y_of(rows.astype(float))
    body = (np.abs(x - x_mm) < 15.0) & (np.abs(y - y_mm) < 12.5)
    return cv2.GaussianBlur((1.0 + body).astype(np.float32), (0, 0), 1.0)


def test_pictures_are_laid_bone_on_bone() -> None:
    off_mm = np.array([[0.0, 6.0], [3.0, -6.0], [-3.0, 0.0]])
    films = np.stack([film_with_a_body_at(60.0 + dx, -200.0 + dy) for dx, dy in off_mm])
    laid = superposed(films, off_mm, np.full(3, 1 / 3))
    assert laid.dtype == np.float32
    assert np.abs(laid - film_with_a_body_at(60.0, -200.0)).max() < 0.05
    assert np.abs(films.mean(axis=0) - film_with_a_body_at(60.0, -200.0)).max() > 0.5  # where nobody moves them


def test_weights_say_how_much_of_a_picture_is_seen() -> None:
    films = np.stack([np.full((RADIOGRAPH.rows, RADIOGRAPH.cols), value, np.float32) for value in (1.0, 5.0)])
    assert superposed(films, np.zeros((2, 2)), np.array([0.75, 0.25])) == pytest.approx(2.0)
    assert np.array_equal(superposed(films[:1], np.zeros((1, 2)), np.ones(1)), films[0])

"""Bodies are drawn where the endplates are."""

from __future__ import annotations

import numpy as np
import torch

from edge.anatomy import ENDPLATE_INDEX, VERTEBRAE
from edge.view.grid import LATERAL_VIEW
from export.model.landmark_map import LandmarkMap, body_corners


def pixel(x_mm: float, y_mm: float) -> tuple[int, int]:
    return (round(float(LATERAL_VIEW.row_of(np.array(y_mm)))), round(float(LATERAL_VIEW.col_of(np.array(x_mm)))))


def test_every_body_is_filled_at_its_centre_and_nothing_is_far_from_the_spine(made) -> None:
    endplates = made(20.0).endplates_mm
    drawn = LandmarkMap()(torch.from_numpy(endplates)[None])[0, 0]
    for vertebra in VERTEBRAE:
        pair = endplates[[ENDPLATE_INDEX[vertebra, s] for s in ("superior", "inferior")]]
        assert drawn[pixel(*pair.reshape(-1, 3).mean(0)[:2])] > 0.8
    assert drawn[:, :20].max() < 1e-3


def test_the_ridge_lies_on_the_outline(made) -> None:
    endplates = made(10.0).endplates_mm
    ridge = LandmarkMap()(torch.from_numpy(endplates)[None])[0, 1]
    x, y = endplates[-1, :2, :2].mean(0)
    assert ridge[pixel(x, y)] > 0.7
    assert ridge[pixel(x + 100, y)] < 1e-3


def test_the_sacrum_goes_down_and_back_from_its_endplate(made) -> None:
    corners = body_corners(torch.from_numpy(made(25.0).endplates_mm)[None])[0, -1]
    assert corners[2, 1] < corners[1, 1]
    assert corners[3, 1] < corners[0, 1]


def test_a_body_turned_inside_out_would_not_be_drawn(made) -> None:
    endplates = made(20.0).endplates_mm
    drawn = LandmarkMap()(torch.from_numpy(endplates[:, [1, 0, 2, 3]].copy())[None])[0, 0]
    assert drawn[pixel(*endplates[10:12].reshape(-1, 3).mean(0)[:2])] < 0.1

from __future__ import annotations

import numpy as np
import pytest

from edge.view.silhouette import anchors, fill_pores, outline

CELL = 3.0


def draw(half_width_of_y: dict[float, float], middle_mm: float = 0.0) -> np.ndarray:
    """A filled figure, 768 x 480 mm, from half widths by height (the top of the image is y = 144)."""
    y = 144.0 - (np.arange(256) + 0.5) * CELL
    z = -240.0 + (np.arange(160) + 0.5) * CELL
    heights = sorted(half_width_of_y)
    half = np.interp(y, heights, [half_width_of_y[h] for h in heights], left=0, right=0)
    share = (half[:, None] - np.abs(z[None, :] - middle_mm)) / CELL + 0.5
    return np.clip(share, 0, 1).astype(np.float32) * 4


PERSON = {-600: 140, -330: 120, -150: 150, -60: 170, -20: 165, 50: 70, 70: 55, 90: 55, 91: 72, 143: 72}


def test_the_outline_is_found_between_cells() -> None:
    shape = outline(draw({-600: 100.8, 143: 100.8}), 144.0, -240.0, CELL, 0.0)
    assert shape.left_mm[100] == pytest.approx(-100.8, abs=0.5)
    assert shape.right_mm[100] == pytest.approx(100.8, abs=0.5)


def test_shoulders_are_found_below_neck_and_head() -> None:
    found = anchors(outline(draw(PERSON), 144.0, -240.0, CELL, 0.0), waist_width_mm=250.0)
    assert found is not None
    truth = np.interp(100.0, [70, 165], [50, -20])  # where the trapezius is 200 mm wide
    assert found.shoulder_y_mm == pytest.approx(truth, abs=3.0)


def test_without_head_and_arms_the_same_shoulders_are_found() -> None:
    cut = {h: w for h, w in PERSON.items() if -500 < h < 60}
    whole = anchors(outline(draw(PERSON), 144.0, -240.0, CELL, 0.0), 250.0)
    scan = anchors(outline(draw(cut), 144.0, -240.0, CELL, 0.0), 250.0)
    assert whole is not None
    assert scan is not None
    assert scan.shoulder_y_mm == pytest.approx(whole.shoulder_y_mm, abs=1.0)
    assert scan.visible_height_mm < whole.visible_height_mm


def test_a_shift_by_a_fraction_of_a_cell_shifts_the_anchors_by_as_much() -> None:
    still = anchors(outline(draw(PERSON), 144.0, -240.0, CELL, 0.0), 250.0)
    moved = anchors(outline(draw(PERSON, middle_mm=1.2), 144.0, -240.0, CELL, 0.0), 250.0)
    assert still is not None
    assert moved is not None
    assert moved.middle_z_mm - still.middle_z_mm == pytest.approx(1.2, abs=0.2)


def test_hanging_arms_are_not_part_of_the_trunk() -> None:
    figure = draw(PERSON)
    alone = anchors(outline(figure, 144.0, -240.0, CELL, 0.0))
    z = -240.0 + (np.arange(160) + 0.5) * CELL
    figure[100:230, (z > 185)] = 4.0
    armed = anchors(outline(figure, 144.0, -240.0, CELL, 0.0))
    assert alone is not None
    assert armed is not None
    assert armed.waist_width_mm == pytest.approx(alone.waist_width_mm, abs=0.1)
    assert armed.middle_z_mm == pytest.approx(alone.middle_z_mm, abs=0.1)


def test_a_narrow_or_short_thing_has_no_anchors() -> None:
    assert anchors(outline(draw({-600: 60, 100: 60}), 144.0, -240.0, CELL, 0.0)) is None
    assert anchors(outline(draw({-100: 120, 50: 120}), 144.0, -240.0, CELL, 0.0)) is None
    assert anchors(outline(np.zeros((256, 160), np.float32), 144.0, -240.0, CELL, 0.0)) is None


def test_small_enclosed_holes_are_filled_and_the_gap_beside_an_arm_is_not() -> None:
    figure = draw({-600: 150, 143: 150})
    figure[100:105, 70:75] = 0
    figure[120:220, 100:110] = 0
    filled = fill_pores(figure, CELL)
    assert (filled[100:105, 70:75] > 0).all()
    assert (filled[120:220, 100:110] == 0).all()

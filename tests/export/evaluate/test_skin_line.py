"""The skin line is read by the same formula as a centreline, on the mid-line alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from edge.view.back_view import BackView
from edge.view.grid import BACK_VIEW
from export.evaluate.skin_line import SPAN_MM, skin_line, surface_angles


def back_with(slope_deg_at: dict[float, float]) -> BackView:
    """A back whose mid-line has the given forward slopes (degrees) at heights, linear in between."""
    y = BACK_VIEW.rows_y_mm
    heights = sorted(slope_deg_at)
    slope = np.interp(y, heights, [slope_deg_at[h] for h in heights])
    x = np.cumsum(np.tan(np.radians(slope))) * BACK_VIEW.mm_per_px
    mask = np.zeros((BACK_VIEW.rows, BACK_VIEW.cols), bool)
    mask[(y < 60) & (y > -500), 20:-20] = True
    surface = np.where(mask, (x - x[100])[:, None], 0).astype(np.float32)
    return BackView(surface, mask, None, np.eye(4))


def test_the_slopes_of_a_made_back_are_found() -> None:
    view = back_with({60: -20.0, -20: -20.0, -230: 15.0, -290: 15.0, -420: -10.0, -500: -10.0})

    kyphosis, lordosis = surface_angles(view)

    # The formula reads within the middle 84 % of the height, and a polynomial rounds the corner at the turn.
    assert kyphosis == pytest.approx(35.0, abs=4.0)
    assert lordosis == pytest.approx(25.0, abs=4.0)


def test_a_straight_back_has_no_angles() -> None:
    assert surface_angles(back_with({0: 3.0})) == pytest.approx((0.0, 0.0), abs=0.1)


def test_what_lies_beside_the_midline_does_not_matter() -> None:
    view = back_with({0: -20.0, -270: 15.0, -450: -10.0})
    humped = view.surface_x_mm.copy()
    humped[:, :50] -= 30.0

    assert surface_angles(replace(view, surface_x_mm=humped)) == surface_angles(view)


def test_the_line_runs_down_the_stated_span() -> None:
    line = skin_line(back_with({0: 3.0}))

    assert line is not None
    assert SPAN_MM[0] >= line[0, 1] > line[-1, 1] >= SPAN_MM[1]


def test_a_back_without_skin_has_no_line() -> None:
    view = back_with({0: 3.0})
    empty = replace(view, mask=np.zeros_like(view.mask))

    assert skin_line(empty) is None
    assert np.isnan(surface_angles(empty)).all()

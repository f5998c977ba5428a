from __future__ import annotations

import numpy as np
import pytest

from edge.lift import BACK_CHANNELS, LIFT_CHANNELS, back_tensor, lateral_lift, midline_skin
from edge.view.back_view import BackView
from edge.view.grid import BACK_VIEW, LATERAL_VIEW

Y, Z = np.meshgrid(BACK_VIEW.rows_y_mm, BACK_VIEW.cols_u_mm, indexing="ij")


def view_of(surface: np.ndarray, mask: np.ndarray | None = None, colour: np.ndarray | None = None) -> BackView:
    mask = np.abs(Z) < 130 if mask is None else mask
    return BackView(np.where(mask, surface, 0).astype(np.float32), mask, colour, np.eye(4))


def channel(tensor: np.ndarray, name: str) -> np.ndarray:
    return tensor[(BACK_CHANNELS if tensor.shape[0] == 8 else LIFT_CHANNELS).index(name)]


def test_slopes_of_a_plane_are_exact_within_and_bounded_at_the_edge_of_the_mask() -> None:
    tensor = back_tensor(view_of(0.2 * Y - 0.3 * Z))
    inner = (np.abs(Z) < 108) & (np.abs(Y + 240) < 360)
    np.testing.assert_allclose(channel(tensor, "slope_y")[inner], 0.4, atol=1e-3)
    np.testing.assert_allclose(channel(tensor, "slope_z")[inner], -0.6, atol=1e-3)
    rim = (np.abs(Z) < 130) & (np.abs(Y + 240) < 360)
    assert np.abs(channel(tensor, "slope_z")[rim] + 0.6).max() < 0.4


def test_nothing_shows_outside_the_mask_and_values_are_clipped() -> None:
    tensor = back_tensor(view_of(500.0 + 0 * Y, colour=np.full((256, 128, 3), 255, np.uint8)))
    outside = np.abs(Z) >= 130
    assert (tensor[:7, outside] == 0).all()
    assert tensor.shape == (8, 256, 128)
    assert tensor.dtype == np.float32
    assert channel(tensor, "surface").max() == 3.0
    assert channel(tensor, "red")[128, 64] == pytest.approx(0.5)


def test_colour_present_tells_black_skin_from_no_colour() -> None:
    assert channel(back_tensor(view_of(0 * Y)), "colour_present").max() == 0
    black = back_tensor(view_of(0 * Y, colour=np.zeros((256, 128, 3), np.uint8)))
    assert channel(black, "colour_present").min() == 1


def test_the_strips_are_drawn_at_their_depth_with_weights_that_sum_to_one() -> None:
    surface = np.where(Z < -20, 61.0, np.where(Z > 20, -31.0, 10.0))
    lift = lateral_lift(view_of(surface))
    assert lift.shape == (4, 256, 128)
    x = LATERAL_VIEW.cols_u_mm
    for name, depth in (("midline", 10.0), ("left", 61.0), ("right", -31.0)):
        image = channel(lift, name)
        np.testing.assert_allclose(image.sum(axis=1), 1, atol=1e-5)
        np.testing.assert_allclose(image @ x, depth, atol=1e-2)
        assert ((image > 0).sum(axis=1) <= 2).all()


def test_depth_below_the_skin_is_zero_on_it_and_bridges_missing_rows() -> None:
    mask = (np.abs(Z) < 130) & (Y < 50) & (Y > -450) & ~((Y < -200) & (Y > -230))
    view = view_of(0.1 * Y, mask)
    lift = lateral_lift(view)
    skin = midline_skin(view)
    assert skin is not None
    row = int(BACK_VIEW.row_of(np.array(-215.0)))
    assert skin[row] == pytest.approx(0.1 * BACK_VIEW.rows_y_mm[row], abs=0.01)
    assert skin[0] == pytest.approx(5.0, abs=0.3)  # held above the neck
    depth = channel(lift, "depth_below_skin")
    np.testing.assert_allclose(depth[row], np.clip((LATERAL_VIEW.cols_u_mm - skin[row]) / 100, -1, 3), atol=1e-5)
    assert channel(lift, "midline")[row].sum() == 0  # no skin is made up in the picture itself


def test_a_view_without_skin_lifts_to_nothing() -> None:
    empty = view_of(0 * Y, np.zeros(Y.shape, bool))
    assert midline_skin(empty) is None
    assert not lateral_lift(empty).any()
    assert not back_tensor(empty).any()


def test_skin_beyond_the_lateral_grid_is_left_out_not_wrapped() -> None:
    lift = lateral_lift(view_of(-200.0 + 0 * Y))
    assert not channel(lift, "midline").any()

from __future__ import annotations

import numpy as np
import pytest

from edge.draw.overlay import DRAWN, PANEL_PX, STRIP_PX, UPSCALE, overlay_picture
from edge.draw.radiograph import notice_strip
from edge.view.grid import RADIOGRAPH


@pytest.fixture
def drawn(finished_scan):
    r = finished_scan.result

    def draw(**changes):
        values = {
            "log_attenuation": np.zeros((512, 256), np.float32), "endplates_mm": r.endplates_mm, "angles": r.angles,
            "cobb": r.cobb, "cobb_curve": r.cobb_curve,
        }
        return overlay_picture(**(values | changes))

    return draw


def reddish(picture, colour):
    return (np.abs(picture.astype(int) - np.array(colour)).max(axis=2) < 40)


def test_the_overlay_is_the_radiograph_at_twice_its_size_with_a_panel(drawn):
    picture = drawn()
    assert picture.shape == (RADIOGRAPH.rows * UPSCALE, RADIOGRAPH.cols * UPSCALE + PANEL_PX, 3)
    assert picture.dtype == np.uint8


def test_the_notice_is_burned_in(drawn):
    strip = drawn()[-STRIP_PX:]
    np.testing.assert_array_equal(strip[..., 1], notice_strip(strip.shape[1], STRIP_PX))


@pytest.mark.parametrize("row", DRAWN, ids=lambda r: r.short)
def test_every_drawn_angle_has_its_lines_on_the_picture(drawn, row):
    left = drawn()[:-STRIP_PX, : RADIOGRAPH.cols * UPSCALE]
    assert reddish(left, row.colour).sum() > 100


def test_lines_lie_on_the_endplates_that_were_measured(drawn, finished_scan):
    low = drawn()
    moved = drawn(endplates_mm=finished_scan.result.endplates_mm - np.array([0, 30.0, 0]))
    colour = DRAWN[2].colour  # the sacral slope's

    def height(picture):
        rows = np.flatnonzero(reddish(picture[:-STRIP_PX, : RADIOGRAPH.cols * UPSCALE], colour).any(axis=1))
        return rows.min()

    assert height(moved) - height(low) == pytest.approx(30.0 / RADIOGRAPH.mm_per_px * UPSCALE, abs=2)


def test_a_spine_outside_the_picture_draws_without_failing(drawn, finished_scan):
    drawn(endplates_mm=finished_scan.result.endplates_mm + np.array([2000.0, 900.0, 0]))

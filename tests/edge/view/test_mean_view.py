"""Several views of one back become one with less noise, and nothing is made up where none knows the skin."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from edge.view.gates import Refusal
from edge.view.mean_view import mean_view
from edge.view.see import see


@pytest.fixture(scope="module")
def views(phantom_frames):
    seen = [see(frame) for frame in phantom_frames]
    assert not any(isinstance(view, Refusal) for view in seen)
    return seen


def test_the_mean_of_four_views_has_half_the_noise(views) -> None:
    inner = np.logical_and.reduce([view.mask for view in views])

    def roughness(view) -> float:
        step = np.diff(view.surface_x_mm.astype(float), n=2, axis=0)[inner[1:-1]]
        return float(np.median(np.abs(step)))

    alone = np.mean([roughness(view) for view in views])
    assert roughness(mean_view(views)) < 0.65 * alone


def test_one_view_is_its_own_mean(views) -> None:
    mean = mean_view(views[:1])
    np.testing.assert_array_equal(mean.surface_x_mm, views[0].surface_x_mm)
    np.testing.assert_array_equal(mean.mask, views[0].mask)
    np.testing.assert_array_equal(mean.colour, views[0].colour)


def test_a_cell_is_known_where_half_of_the_views_know_it_and_is_the_mean_of_those(views) -> None:
    row, col = 150, 64
    parts = []
    for number, view in enumerate(views):
        mask, surface = view.mask.copy(), view.surface_x_mm.copy()
        surface[row, col] = 10.0 * number
        mask[row, col] = number >= 2
        mask[row + 1, col] = number >= 3
        parts.append(dataclasses.replace(view, mask=mask, surface_x_mm=np.where(mask, surface, 0)))
    mean = mean_view(parts)
    assert mean.mask[row, col]
    assert mean.surface_x_mm[row, col] == 25.0
    assert not mean.mask[row + 1, col]
    assert mean.surface_x_mm[row + 1, col] == 0.0
    assert (mean.colour[row + 1, col] == 0).all()


def test_colour_is_known_only_where_every_view_has_it(views) -> None:
    grey = dataclasses.replace(views[0], colour=None)
    assert mean_view([grey, *views[1:]]).colour is None
    assert mean_view(views).colour.dtype == np.uint8

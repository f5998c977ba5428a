"""The warp keeps to one coordinate convention and never folds."""

from __future__ import annotations

import numpy as np
import torch
from torch.nn import functional

from edge.view.grid import LATERAL_VIEW
from export.model.config import IMAGE_COLS, IMAGE_ROWS, ModelConfig
from export.model.sdn import (
    FIELD_COLS,
    FIELD_ROWS,
    SpatialDeformation,
    identity_grid,
    integrate,
    lateral_normalised,
    warp,
)


def jacobian_determinant(flow: torch.Tensor) -> torch.Tensor:
    place = identity_grid(FIELD_ROWS, FIELD_COLS) + flow[0].permute(1, 2, 0)
    down = (place[1:, :-1] - place[:-1, :-1]) * FIELD_ROWS / 2
    across = (place[:-1, 1:] - place[:-1, :-1]) * FIELD_COLS / 2
    return across[..., 0] * down[..., 1] - across[..., 1] * down[..., 0]


def rough_velocity(size: float) -> torch.Tensor:
    coarse = torch.randn(1, 2, 8, 4, generator=torch.Generator().manual_seed(3)) * size
    return functional.interpolate(coarse, (FIELD_ROWS, FIELD_COLS), mode="bicubic", align_corners=False)


def test_a_warp_by_no_flow_gives_the_image_back_exactly_in_the_middle_and_at_the_border() -> None:
    image = torch.randn(1, 2, IMAGE_ROWS, IMAGE_COLS)
    grid = identity_grid(IMAGE_ROWS, IMAGE_COLS)
    torch.testing.assert_close(warp(image, torch.zeros(1, IMAGE_ROWS, IMAGE_COLS, 2), grid), image, atol=1e-4, rtol=0)


def test_a_flow_of_one_pixel_moves_by_one_pixel_at_both_resolutions() -> None:
    image = torch.randn(1, 1, IMAGE_ROWS, IMAGE_COLS)
    coarse = torch.zeros(1, 2, FIELD_ROWS, FIELD_COLS)
    coarse[:, 1] = 2.0 / IMAGE_ROWS  # one fine row in normalised units
    dense = functional.interpolate(coarse, (IMAGE_ROWS, IMAGE_COLS), mode="bilinear", align_corners=False)
    moved = warp(image, dense.permute(0, 2, 3, 1), identity_grid(IMAGE_ROWS, IMAGE_COLS))
    torch.testing.assert_close(moved[:, :, :-1], image[:, :, 1:], atol=1e-3, rtol=0)


def test_six_squarings_never_fold_where_the_plain_velocity_would() -> None:
    velocity = rough_velocity(0.16)
    assert jacobian_determinant(velocity).min() < 0
    assert jacobian_determinant(integrate(velocity, identity_grid(FIELD_ROWS, FIELD_COLS), 6)).min() > 0


def test_normalised_points_are_where_the_grid_puts_them() -> None:
    col, row = 10.0, 200.0
    x, y = (float(v) for v in (LATERAL_VIEW.u_of(np.array(col)), LATERAL_VIEW.y_of(np.array(row))))
    got = lateral_normalised(torch.tensor([[x, y, 0.0]]))[0]
    want = identity_grid(IMAGE_ROWS, IMAGE_COLS)[int(row), int(col)]
    torch.testing.assert_close(got, want, atol=1e-6, rtol=0)


def test_the_first_guess_leads_predicted_landmarks_to_the_template() -> None:
    deform = SpatialDeformation(ModelConfig(), 3)
    own = torch.tensor([[[0.0, -0.5], [0.0, 0.0], [0.0, 0.5]]])
    deform.template_points.copy_(own[0] + torch.tensor([0.1, 0.0]))
    shift, mass = deform.guess(own)
    here = functional.grid_sample(shift, own.unsqueeze(1), align_corners=False)[0, :, 0]
    torch.testing.assert_close(here[0], torch.full((3,), 0.1), atol=0.02, rtol=0)
    assert here[1].abs().max() < 0.01
    assert mass.min() >= 0

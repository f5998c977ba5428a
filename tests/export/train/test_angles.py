"""Losses and device measure the same angles."""

from __future__ import annotations

import numpy as np
import torch

from edge.anatomy import ENDPLATE_INDEX, SAGITTAL_ANGLES
from edge.measure.tilts import coronal_tilts_deg, sagittal_tilts_deg
from export.model.config import SD_NAMES
from export.train.angles import (
    centreline_slopes,
    cobb_angle,
    coronal_tilts,
    endplate_angles,
    measured_angles,
    sagittal_tilts,
)


def test_the_losses_measure_what_the_device_measures(made) -> None:
    endplates = made(20.0, 15.0).endplates_mm
    batch = torch.from_numpy(endplates)[None]
    np.testing.assert_allclose(sagittal_tilts(batch)[0].numpy(), sagittal_tilts_deg(endplates), atol=1e-3)
    np.testing.assert_allclose(coronal_tilts(batch)[0].numpy(), coronal_tilts_deg(endplates), atol=1e-3)
    measured = dict(zip(SD_NAMES, measured_angles(endplates), strict=True))
    got = endplate_angles(sagittal_tilts(batch))[0].numpy()
    np.testing.assert_allclose(got, [measured[a.name] for a in SAGITTAL_ANGLES], atol=1e-3)
    np.testing.assert_allclose(cobb_angle(coronal_tilts(batch))[0].numpy(), measured["cobb_major"], atol=1e-3)


def test_an_unknown_endplate_leaves_the_cobb_angle_unknown(made) -> None:
    tilts = coronal_tilts(torch.from_numpy(made(20.0, 15.0).endplates_mm)[None])
    tilts[:, ENDPLATE_INDEX["T8", "superior"]] = float("nan")
    assert torch.isnan(cobb_angle(tilts)).all()


def test_the_centreline_slope_is_the_forward_lean_of_the_way_down(made) -> None:
    slopes = centreline_slopes(torch.from_numpy(made(20.0).endplates_mm)[None])[0]
    assert slopes.shape == (17,)
    assert slopes[0] > 5
    assert slopes[8] < -5


def test_degenerate_endplates_give_finite_gradients() -> None:
    flat = torch.zeros(1, 37, 4, 3, requires_grad=True)
    sagittal_tilts(flat).sum().backward()
    assert torch.isfinite(flat.grad).all()

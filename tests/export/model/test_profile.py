"""The profiles inside the network are exact masked means."""

from __future__ import annotations

import numpy as np
import torch

from edge.lift import BACK_CHANNELS, back_tensor
from export.model.profile import BANDS_MM, MASK, NARROW_MM, SLOPE_Y, SLOPE_Z, SURFACE, SkinProfile


def test_the_channels_are_those_that_the_lift_writes() -> None:
    names = ("surface", "slope_y", "slope_z", "mask")
    assert [BACK_CHANNELS.index(n) for n in names] == [SURFACE, SLOPE_Y, SLOPE_Z, MASK]


def test_the_band_mean_is_the_masked_mean_of_the_surface(made) -> None:
    back = back_tensor(made(20.0).view)
    row = 150
    got = SkinProfile()(torch.from_numpy(back)[None])[0, 0, row]
    z = (np.arange(128) + 0.5) * 3 - 192
    inside = (z >= BANDS_MM[0][0]) & (z < BANDS_MM[0][1]) & (back[MASK, row] > 0)
    assert inside.any()
    np.testing.assert_allclose(float(got), back[SURFACE, row, inside].mean(), rtol=1e-5)


def test_narrow_bands_tell_where_the_slope_to_the_side_passes_through_zero() -> None:
    z = (torch.arange(128) + 0.5) * 3 - 192
    back = torch.zeros(1, 8, 256, 128)
    back[:, MASK] = 1.0
    furrow_mm = torch.linspace(-20.0, 20.0, 256)
    back[0, SLOPE_Z] = 0.01 * (z[None, :] - furrow_mm[:, None])
    aside = SkinProfile()(back)[0, -len(NARROW_MM) :]

    middle = torch.tensor([(low + high) / 2 for low, high in NARROW_MM])
    torch.testing.assert_close(aside, 0.01 * (middle[:, None] - furrow_mm[None, :]), atol=1e-5, rtol=0)


def test_rows_without_skin_give_zeros(made) -> None:
    back = torch.from_numpy(back_tensor(made(20.0).view))[None]
    assert SkinProfile()(back)[0, :, 0].abs().max() == 0.0

"""The global branch is global, and the export lowering means the same."""

from __future__ import annotations

import torch

from export.model.dft import set_lowering
from export.model.ffc import FFC


def test_one_layer_sees_the_whole_image_through_its_global_branch() -> None:
    x = torch.zeros(1, 32, 32, 16)
    layer = FFC(32, 32, 16, 0.5, use_ffc=True).eval()
    touched = x.clone()
    touched[0, :, :6, :5] = torch.randn(32, 6, 5)
    assert (layer(touched) - layer(x))[0, :, 31, 15].abs().max() > 1e-6


def test_without_the_fourier_branch_the_far_corner_is_not_seen() -> None:
    x = torch.zeros(1, 32, 32, 16)
    layer = FFC(32, 32, 16, 0.5, use_ffc=False).eval()
    touched = x.clone()
    touched[0, :, :6, :5] = torch.randn(32, 6, 5)
    assert (layer(touched) - layer(x))[0, :, 31, 15].abs().max() == 0.0


def test_both_lowerings_give_the_same_layer() -> None:
    layer = FFC(8, 32, 16, 0.5, use_ffc=True).eval()
    x = torch.randn(2, 8, 32, 16)
    by_fft = layer(x)
    set_lowering(layer, "matmul")
    torch.testing.assert_close(layer(x), by_fft, atol=1e-5, rtol=1e-4)

"""The global branch is global."""

from __future__ import annotations

import torch

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

"""The transform of the networks is numpy's, and it leaves one neutral node in a traced graph."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from export.model.dft import SpectralTransform2d, traced_transforms

SIZES = [(32, 16), (31, 16), (32, 15), (7, 9), (1, 4), (2, 2)]


@pytest.mark.parametrize(("height", "width"), SIZES)
def test_the_spectrum_equals_numpy(height: int, width: int) -> None:
    x = np.random.default_rng(1).normal(size=(2, 3, height, width)).astype(np.float32)
    got = SpectralTransform2d(height, width).analyse(torch.from_numpy(x)).numpy()
    want = np.fft.rfft2(x, norm="ortho")
    np.testing.assert_allclose(got, np.concatenate([want.real, want.imag], 1), atol=2e-5)


@pytest.mark.parametrize(("height", "width"), SIZES)
def test_the_inverse_equals_numpy_for_spectra_without_conjugate_symmetry(height: int, width: int) -> None:
    rng = np.random.default_rng(2)
    shape = (2, 3, height, width // 2 + 1)
    spectrum = rng.normal(size=shape) + 1j * rng.normal(size=shape)
    stacked = torch.from_numpy(np.concatenate([spectrum.real, spectrum.imag], 1)).float()
    got = SpectralTransform2d(height, width).synthesise(stacked).numpy()
    np.testing.assert_allclose(got, np.fft.irfft2(spectrum, s=(height, width), norm="ortho"), atol=2e-5)


def test_tracing_is_over_when_its_block_is_even_after_a_failure() -> None:
    net = nn.Sequential(nn.Identity(), SpectralTransform2d(4, 6))
    x = torch.ones(1, 2, 4, 6)

    def fail() -> None:
        with traced_transforms(net) as count:
            assert count == 1
            assert net[1].analyse(x).shape == (1, 4, 4, 4)
            raise RuntimeError("export failed")

    with pytest.raises(RuntimeError, match="export failed"):
        fail()
    assert net[1].analyse(x)[0, 0, 0, 0] == pytest.approx(24 / 24**0.5)

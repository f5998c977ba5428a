"""The matmul lowering means what numpy.fft means."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from export.model.dft import SpectralTransform2d, inverse_width_basis, set_lowering

SIZES = [(32, 16), (31, 16), (32, 15), (7, 9), (1, 4), (2, 2)]


@pytest.mark.parametrize("lowering", ["fft", "matmul"])
@pytest.mark.parametrize(("height", "width"), SIZES)
def test_the_spectrum_equals_numpy(height: int, width: int, lowering: str) -> None:
    x = np.random.default_rng(1).normal(size=(2, 3, height, width)).astype(np.float32)
    got = SpectralTransform2d(height, width, lowering).analyse(torch.from_numpy(x)).numpy()
    want = np.fft.rfft2(x, norm="ortho")
    np.testing.assert_allclose(got, np.concatenate([want.real, want.imag], 1), atol=2e-5)


@pytest.mark.parametrize("lowering", ["fft", "matmul"])
@pytest.mark.parametrize(("height", "width"), SIZES)
def test_the_inverse_equals_numpy_for_spectra_without_conjugate_symmetry(
    height: int, width: int, lowering: str
) -> None:
    rng = np.random.default_rng(2)
    shape = (2, 3, height, width // 2 + 1)
    spectrum = rng.normal(size=shape) + 1j * rng.normal(size=shape)
    stacked = torch.from_numpy(np.concatenate([spectrum.real, spectrum.imag], 1)).float()
    got = SpectralTransform2d(height, width, lowering).synthesise(stacked).numpy()
    np.testing.assert_allclose(got, np.fft.irfft2(spectrum, s=(height, width), norm="ortho"), atol=2e-5)


def test_without_the_self_conjugate_weights_the_inverse_would_be_wrong() -> None:
    basis = inverse_width_basis(16)
    spectrum = np.random.default_rng(3).normal(size=(1, 9)) + 0j
    want = np.fft.irfft(spectrum, 16, norm="ortho")
    row = np.concatenate([spectrum.real, spectrum.imag], 1)
    np.testing.assert_allclose(row @ basis.numpy(), want, atol=1e-6)
    naive = basis.clone()
    naive[0] *= 2
    assert np.abs(row @ naive.numpy() - want).max() > 1e-2


def test_an_unknown_lowering_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown lowering"):
        set_lowering(SpectralTransform2d(4, 4), "magic")

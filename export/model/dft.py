"""The 2-D real Fourier transform and its inverse (orthonormal), two ways with one meaning.

Training uses ``torch.fft``. For export the same module runs as two matrix products with constant real bases, since
no TensorRT parses the ONNX ``DFT`` node and ONNX Runtime runs it several times slower than plain GEMMs.
Derivation: X = F_H x F_W with F = C - iS. For the inverse over the last axis only W//2+1 bins are kept, so each
bin k carries weight w_k (1 at k = 0 and, for even W, at k = W/2; else 2) and the imaginary part of the two
self-conjugate bins drops out, as in ``numpy.fft.irfft2``. This is exact for odd widths and for spectra that are
not conjugate-symmetric, where a mirrored inverse is not.
"""

from __future__ import annotations

import math
from typing import Final

import torch
from torch import Tensor, nn

LOWERINGS: Final = ("fft", "matmul")
"""How a transform runs: ``torch.fft`` (the ONNX ``DFT`` node when exported) or constant matrix products."""


def _angles(rows: int, cols: int, size: int) -> Tensor:
    # The product is reduced modulo the period in integers: the bases stay accurate for any size.
    product = torch.outer(torch.arange(rows), torch.arange(cols)) % size
    return product.to(torch.float64) * (2 * math.pi / size)


def forward_width_basis(width: int) -> Tensor:
    """(W, 2*(W//2+1)) float32: x @ basis gives [real | imaginary] of the orthonormal rfft over the last axis."""
    angle = _angles(width, width // 2 + 1, width)
    return (torch.cat([angle.cos(), -angle.sin()], dim=1) / math.sqrt(width)).float()


def forward_height_basis(height: int) -> Tensor:
    """(2H, 2H) float32 acting on stacked [real; imaginary] rows: the orthonormal complex DFT over the rows."""
    angle = _angles(height, height, height)
    c, s = angle.cos(), angle.sin()
    return (torch.cat([torch.cat([c, s], 1), torch.cat([-s, c], 1)], 0) / math.sqrt(height)).float()


def inverse_height_basis(height: int) -> Tensor:
    """(2H, 2H) float32: the inverse of ``forward_height_basis`` (its transpose, the transform being unitary)."""
    return forward_height_basis(height).T.contiguous()


def inverse_width_basis(width: int) -> Tensor:
    """(2*(W//2+1), W) float32: [real | imaginary] @ basis gives the orthonormal irfft over the last axis."""
    bins = width // 2 + 1
    angle = _angles(bins, width, width)
    weight = torch.full((bins, 1), 2.0, dtype=torch.float64)
    weight[0] = 1.0
    if width % 2 == 0:
        weight[-1] = 1.0
    real = weight * angle.cos()
    imag = -weight * angle.sin()
    return (torch.cat([real, imag], dim=0) / math.sqrt(width)).float()


class SpectralTransform2d(nn.Module):
    """rfft2 and irfft2 (``norm="ortho"``) of a fixed image size.

    ``analyse``: (B, C, H, W) float32 -> (B, 2C, H, W//2+1), the C real parts before the C imaginary parts.
    ``synthesise``: the inverse. ``lowering`` may be switched at any time; it never changes the values.
    """

    to_bins: Tensor
    rows_forward: Tensor
    rows_inverse: Tensor
    from_bins: Tensor

    def __init__(self, height: int, width: int, lowering: str = "fft") -> None:
        super().__init__()
        self.height, self.width, self.bins = height, width, width // 2 + 1
        self.lowering = lowering
        self.register_buffer("to_bins", forward_width_basis(width), persistent=False)
        self.register_buffer("rows_forward", forward_height_basis(height), persistent=False)
        self.register_buffer("rows_inverse", inverse_height_basis(height), persistent=False)
        self.register_buffer("from_bins", inverse_width_basis(width), persistent=False)

    def analyse(self, x: Tensor) -> Tensor:
        """Spectrum of ``x`` (see class)."""
        x = x.float()
        if self.lowering == "fft":
            spectrum = torch.fft.rfft2(x, norm="ortho")
            return torch.cat([spectrum.real, spectrum.imag], dim=1)
        half = torch.matmul(x, self.to_bins)
        stacked = torch.cat([half[..., : self.bins], half[..., self.bins :]], dim=2)
        full = torch.matmul(self.rows_forward, stacked)
        return torch.cat([full[:, :, : self.height], full[:, :, self.height :]], dim=1)

    def synthesise(self, spectrum: Tensor) -> Tensor:
        """Image of ``spectrum`` (see class)."""
        spectrum = spectrum.float()
        channels = spectrum.shape[1] // 2
        real, imag = spectrum[:, :channels], spectrum[:, channels:]
        if self.lowering == "fft":
            return torch.fft.irfft2(torch.complex(real, imag), s=(self.height, self.width), norm="ortho")
        rows = torch.matmul(self.rows_inverse, torch.cat([real, imag], dim=2))
        pair = torch.cat([rows[:, :, : self.height], rows[:, :, self.height :]], dim=3)
        return torch.matmul(pair, self.from_bins)


def set_lowering(module: nn.Module, lowering: str) -> None:
    """Switch every transform below ``module`` to one of ``LOWERINGS``."""
    if lowering not in LOWERINGS:
        raise ValueError(f"unknown lowering {lowering!r}, expected one of {LOWERINGS}")
    for part in module.modules():
        if isinstance(part, SpectralTransform2d):
            part.lowering = lowering

"""The 2-D real Fourier transform and its inverse (orthonormal) as the networks use them.

Training and checks run ``torch.fft``. While a graph is traced for export, each transform is left in it as one neutral
node (``export.model.spectral_node``), which a pass of ``export.onnx.passes`` then writes as its bundle asks.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from export.model.spectral_node import DOMAIN, FORWARD, INVERSE, VERSION


class SpectralTransform2d(nn.Module):
    """rfft2 and irfft2 (``norm="ortho"``) of a fixed image size.

    ``analyse``: (B, C, H, W) float32 -> (B, 2C, H, W//2+1), the C real parts before the C imaginary parts.
    ``synthesise``: the inverse, for any spectrum, as ``numpy.fft.irfft2`` defines it.
    """

    def __init__(self, height: int, width: int) -> None:
        super().__init__()
        self.height, self.width, self.bins = height, width, width // 2 + 1
        self.traced = False

    def analyse(self, x: Tensor) -> Tensor:
        """Spectrum of ``x`` (see class)."""
        x = x.float()
        if self.traced:
            return self._node(FORWARD, x, (x.shape[0], 2 * x.shape[1], self.height, self.bins))
        spectrum = torch.fft.rfft2(x, norm="ortho")
        return torch.cat([spectrum.real, spectrum.imag], dim=1)

    def synthesise(self, spectrum: Tensor) -> Tensor:
        """Image of ``spectrum`` (see class)."""
        spectrum = spectrum.float()
        channels = spectrum.shape[1] // 2
        if self.traced:
            return self._node(INVERSE, spectrum, (spectrum.shape[0], channels, self.height, self.width))
        pairs = torch.complex(spectrum[:, :channels], spectrum[:, channels:])
        return torch.fft.irfft2(pairs, s=(self.height, self.width), norm="ortho")

    def _node(self, kind: str, x: Tensor, shape: tuple[int, ...]) -> Tensor:
        size: dict[str, Any] = {"height": self.height, "width": self.width}
        return torch.onnx.ops.symbolic(f"{DOMAIN}::{kind}", (x,), size, dtype=x.dtype, shape=shape, version=VERSION)


@contextlib.contextmanager
def traced_transforms(module: nn.Module) -> Iterator[int]:
    """While it lasts, every transform below ``module`` traces to its neutral node; gives their number.

    Nothing can be computed meanwhile: a traced transform returns a tensor of the right shape without meaning.
    """
    parts = [part for part in module.modules() if isinstance(part, SpectralTransform2d)]
    try:
        for part in parts:
            part.traced = True
        yield len(parts)
    finally:
        for part in parts:
            part.traced = False

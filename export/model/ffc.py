"""Fast Fourier Convolution: a convolution with a local branch and a global branch that works on the spectrum.

Chi, Jiang, Mu, "Fast Fourier Convolution", NeurIPS 2020. The local Fourier unit is left out, as LaMa does
(Suvorov et al., WACV 2022). The l2l and l2g convolutions share one kernel call, since both read the local branch.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from export.model.dft import SpectralTransform2d
from export.model.precision import full_precision


class FourierUnit(nn.Module):
    """rfft2 -> 1x1 convolution over real and imaginary channels -> irfft2, on a fixed image size."""

    def __init__(self, channels: int, height: int, width: int) -> None:
        super().__init__()
        self.transform = SpectralTransform2d(height, width)
        self.mix = nn.Conv2d(2 * channels, 2 * channels, 1, bias=False)
        self.norm = nn.BatchNorm2d(2 * channels)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C, H, W) float32."""
        with full_precision(x.device.type):
            spectrum = functional.relu(self.norm(self.mix(self.transform.analyse(x))))
            return self.transform.synthesise(spectrum)


class GlobalBranch(nn.Module):
    """The g2g path: 1x1 to half the channels, Fourier unit with a shortcut, 1x1 back."""

    def __init__(self, channels: int, height: int, width: int) -> None:
        super().__init__()
        inner = channels // 2
        self.enter = nn.Conv2d(channels, inner, 1, bias=False)
        self.norm = nn.BatchNorm2d(inner)
        self.fourier = FourierUnit(inner, height, width)
        self.leave = nn.Conv2d(inner, channels, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C, H, W)."""
        x = functional.relu(self.norm(self.enter(x)))
        return self.leave(x + self.fourier(x).to(x.dtype))


class FFC(nn.Module):
    """3x3 Fast Fourier Convolution with normalisation, on channels ordered local before global.

    With ``use_ffc`` off it is one plain 3x3 convolution of the same width.
    """

    def __init__(self, channels: int, height: int, width: int, global_ratio: float, use_ffc: bool) -> None:
        super().__init__()
        self.global_channels = int(channels * global_ratio) if use_ffc else 0
        self.local_channels = channels - self.global_channels
        self.from_local = nn.Conv2d(self.local_channels, channels, 3, padding=1, bias=False)
        if self.global_channels:
            self.global_to_local = nn.Conv2d(self.global_channels, self.local_channels, 3, padding=1, bias=False)
            self.global_to_global = GlobalBranch(self.global_channels, height, width)
        self.norm = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C, H, W), normalised, not yet activated."""
        if not self.global_channels:
            return self.norm(self.from_local(x))
        parts = [self.local_channels, self.global_channels]
        local, far = torch.split(x, parts, dim=1)
        spread_local, spread_global = torch.split(self.from_local(local), parts, dim=1)
        to_local = spread_local + self.global_to_local(far)
        to_global = spread_global + self.global_to_global(far)
        return self.norm(torch.cat([to_local, to_global], dim=1))

"""The plain baseline: a U-Net from the back view straight to the radiograph, as pix2pix has it.

Isola et al., "Image-to-Image Translation with Conditional Adversarial Networks", CVPR 2017: strided 4 x 4 convolutions
down, transposed ones up, skips between. No Fourier convolution, no landmarks, no deformation, no lateral lift: what a
picture says of the picture beside it, and nothing of the spine. It never leaves evaluation.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from export.model.config import BACK_CHANNEL_COUNT


@dataclass(frozen=True)
class UNetConfig:
    """Channels of the halvings of the 256 x 128 view, from the first to the narrowest."""

    widths: tuple[int, ...] = (32, 64, 128, 256, 256, 256)
    fine_width: int = 16  # of the doubling from the view's 3 mm to the radiograph's 1.5 mm

    def to_json(self) -> dict[str, Any]:
        """Plain values, for checkpoints."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> UNetConfig:
        """Inverse of ``to_json``."""
        return cls(tuple(int(w) for w in values["widths"]), int(values["fine_width"]))


class _Down(nn.Module):
    def __init__(self, inside: int, outside: int, normalised: bool) -> None:
        super().__init__()
        self.step = nn.Conv2d(inside, outside, 4, stride=2, padding=1, bias=not normalised)
        self.norm = nn.BatchNorm2d(outside) if normalised else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        return functional.leaky_relu(self.norm(self.step(x)), 0.2)


class _Up(nn.Module):
    def __init__(self, inside: int, outside: int) -> None:
        super().__init__()
        self.step = nn.ConvTranspose2d(inside, outside, 4, stride=2, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(outside)

    def forward(self, x: Tensor) -> Tensor:
        return functional.relu(self.norm(self.step(x)))


class PlainUNet(nn.Module):
    """back_view (B, 8, 256, 128) -> log-attenuation (B, 1, 512, 256) float32 (see module)."""

    def __init__(self, config: UNetConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or UNetConfig()
        widths = (BACK_CHANNEL_COUNT, *config.widths)
        self.down = nn.ModuleList(_Down(a, b, k > 0) for k, (a, b) in enumerate(pairwise(widths)))
        # Every doubling but the first is given the picture of its own size from the way down as well.
        sizes = list(config.widths)
        self.up = nn.ModuleList(
            _Up(sizes[k] * (1 if k == len(sizes) - 1 else 2), sizes[k - 1]) for k in range(len(sizes) - 1, 0, -1)
        )
        self.leave = _Up(2 * sizes[0], sizes[0])
        self.fine = _Up(sizes[0] + BACK_CHANNEL_COUNT, config.fine_width)
        self.last = nn.Conv2d(config.fine_width, 1, 3, padding=1)

    def forward(self, back_view: Tensor) -> Tensor:
        """See class."""
        seen = [back_view]
        for down in self.down:
            seen.append(down(seen[-1]))
        x = seen.pop()
        for up in self.up:
            x = torch.cat([up(x), seen.pop()], dim=1)
        x = torch.cat([self.leave(x), seen.pop()], dim=1)
        return self.last(self.fine(x)).float()

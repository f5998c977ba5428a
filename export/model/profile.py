"""Exact skin profiles along the trunk, and the 1-D branch that reads them.

Most of what the skin says about sagittal angles is in the mid-line's depth and slope by height. Averaging over
bands of columns is done by constant matrix products inside the network, so the device needs no other input.
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from edge.view.grid import BACK_VIEW
from export.model.config import IMAGE_COLS
from export.model.precision import full_precision

SURFACE, SLOPE_Y, SLOPE_Z, MASK = 0, 1, 2, 3
"""Channels of the back tensor (``edge.lift.BACK_CHANNELS``) that the profiles are made of."""

BANDS_MM: Final = (
    (-9.0, 9.0), (-24.0, 24.0), (-48.0, -24.0), (24.0, 48.0),
    (-84.0, -48.0), (48.0, 84.0), (-132.0, -84.0), (84.0, 132.0),
)
"""Bands of z, left to right of the subject's mid-line, over which the surface is averaged per row."""
PROFILE_CHANNELS: Final = 3 * len(BANDS_MM) + 2


def band_matrix() -> Tensor:
    """(128, bands) zeros and ones: which columns of the back view fall into which band."""
    z = torch.from_numpy(BACK_VIEW.u_of(torch.arange(IMAGE_COLS).numpy())).float()
    return torch.stack([((z >= low) & (z < high)).float() for low, high in BANDS_MM], dim=1)


class SkinProfile(nn.Module):
    """Back tensor (B, 8, 256, 128) -> (B, PROFILE_CHANNELS, 256) float32.

    Per band the masked mean of depth and of slope, and how much of the band is skin; then the trunk's width and
    centre per row. Rows without skin give zeros.
    """

    bands: Tensor
    per_band: Tensor
    columns: Tensor

    def __init__(self) -> None:
        super().__init__()
        bands = band_matrix()
        self.register_buffer("bands", bands, persistent=False)
        self.register_buffer("per_band", bands.sum(0), persistent=False)
        columns = (torch.arange(IMAGE_COLS).float() + 0.5) / IMAGE_COLS * 2 - 1
        self.register_buffer("columns", columns[:, None], persistent=False)

    def forward(self, back: Tensor) -> Tensor:
        """See class."""
        back = back.float()
        mask = back[:, MASK]
        count = torch.matmul(mask, self.bands)
        depth = torch.matmul(back[:, SURFACE] * mask, self.bands) / count.clamp(min=1.0)
        slope = torch.matmul(back[:, SLOPE_Y] * mask, self.bands) / count.clamp(min=1.0)
        width = mask.sum(-1, keepdim=True)
        centre = torch.matmul(mask, self.columns) / width.clamp(min=1.0)
        parts = [depth, slope, count / self.per_band, width / IMAGE_COLS, centre]
        return torch.cat(parts, dim=-1).transpose(1, 2)


class ProfileResidual(nn.Module):
    """Two 1-D convolutions with a shortcut."""

    def __init__(self, width: int, dilation: int) -> None:
        super().__init__()
        self.first = nn.Conv1d(width, width, 3, padding=dilation, dilation=dilation, bias=False)
        self.norm_first = nn.BatchNorm1d(width)
        self.second = nn.Conv1d(width, width, 3, padding=1, bias=False)
        self.norm_second = nn.BatchNorm1d(width)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, N) -> (B, C, N)."""
        y = functional.relu(self.norm_first(self.first(x)))
        return functional.relu(x + self.norm_second(self.second(y)))


class ProfileBranch(nn.Module):
    """Reads the profiles: features (B, C, 32) by row, and the first estimate of the landmark coefficients (B, K)."""

    def __init__(self, width: int, modes: int) -> None:
        super().__init__()
        self.profile = SkinProfile()
        self.scale = nn.BatchNorm1d(PROFILE_CHANNELS)
        self.enter = nn.Sequential(
            nn.Conv1d(PROFILE_CHANNELS, width, 9, stride=2, padding=4, bias=False), nn.BatchNorm1d(width), nn.ReLU(),
            nn.Conv1d(width, width, 5, stride=2, padding=2, bias=False), nn.BatchNorm1d(width), nn.ReLU(),
            ProfileResidual(width, 1), ProfileResidual(width, 2),
            nn.Conv1d(width, width, 5, stride=2, padding=2, bias=False), nn.BatchNorm1d(width), nn.ReLU(),
            ProfileResidual(width, 1), ProfileResidual(width, 2),
        )
        self.narrow = nn.Conv1d(width, 16, 1)
        self.coefficients = nn.Linear(16 * 32, modes)
        # The direct path: the angles are close to linear in the slopes of a smoothed profile.
        self.direct = nn.Linear(PROFILE_CHANNELS * 64, modes)
        nn.init.normal_(self.direct.weight, std=1e-3)
        nn.init.zeros_(self.direct.bias)

    def forward(self, back: Tensor) -> tuple[Tensor, Tensor]:
        """Back tensor (B, 8, 256, 128) -> features (B, C, 32) and coefficients (B, K), both float32."""
        with full_precision(back.device.type):
            profile = self.scale(self.profile(back))
            features = self.enter(profile)
            smooth = functional.avg_pool1d(profile, 4)
            coefficients = self.coefficients(self.narrow(features).flatten(1)) + self.direct(smooth.flatten(1))
            return features, coefficients

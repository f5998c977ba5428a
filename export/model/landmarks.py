"""The landmark head: endplates as mean plus whitened principal modes plus a small free part per vertebra.

A statistical shape model makes the head sample-efficient (40-60 numbers instead of 444) and keeps vertebrae
plausible; the free part lets a vertebra leave the span of the modes. Mean and modes are buffers fitted on training
subjects by ``export.train.template``.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from edge.view.grid import LATERAL_VIEW
from export.model.config import COARSE_ROWS, ENDPLATE_COUNT, EXPERTS, SD_NAMES, TOKEN_COUNT, ModelConfig
from export.model.experts import LinearExperts

PER_TOKEN = 2 * 4 * 3
"""Numbers of one vertebra: two endplates of four points in three coordinates."""


def by_token(endplates: Tensor) -> Tensor:
    """(B, 37, 4, 3) -> (B, 19, 24): the two endplates of each vertebra; S1 has its only one twice."""
    last = endplates[:, -1:]
    return torch.cat([endplates, last], dim=1).reshape(endplates.shape[0], TOKEN_COUNT, PER_TOKEN)


def from_tokens(values: Tensor) -> Tensor:
    """(B, 19, 24) -> (B, 37, 4, 3): inverse of ``by_token``, dropping the doubled endplate."""
    return values.reshape(values.shape[0], 2 * TOKEN_COUNT, 4, 3)[:, :ENDPLATE_COUNT]


def token_rows(endplates_mm: Tensor) -> Tensor:
    """(B, 37, 4, 3) -> (B, 19): continuous row of each vertebra on the 1/8 scale grid."""
    height = by_token(endplates_mm).reshape(-1, TOKEN_COUNT, 8, 3)[..., 1].mean(dim=2)
    return (LATERAL_VIEW.top_mm - height) / (LATERAL_VIEW.mm_per_px * 8) - 0.5


class ShapeModel(nn.Module):
    """Mean and whitened modes of the endplates, as buffers. Coefficients have unit variance on training subjects."""

    mean_mm: Tensor
    modes_mm: Tensor

    def __init__(self, modes: int) -> None:
        super().__init__()
        self.register_buffer("mean_mm", torch.zeros(ENDPLATE_COUNT * 12))
        self.register_buffer("modes_mm", torch.zeros(modes, ENDPLATE_COUNT * 12))

    def forward(self, coefficients: Tensor) -> Tensor:
        """(B, K) -> (B, 37, 4, 3) mm, body frame."""
        flat = self.mean_mm + torch.matmul(coefficients, self.modes_mm)
        return flat.reshape(-1, ENDPLATE_COUNT, 4, 3)


class TokenStart(nn.Module):
    """Landmark tokens from a first estimate of the endplates and the profile features at their heights."""

    rows: Tensor

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.name = nn.Parameter(0.02 * torch.randn(TOKEN_COUNT, config.token_width))
        self.shape = nn.Sequential(
            nn.Linear(PER_TOKEN, config.token_width), nn.ReLU(), nn.Linear(config.token_width, config.token_width)
        )
        self.skin = nn.Linear(config.profile_width, config.token_width)
        self.register_buffer("rows", torch.arange(COARSE_ROWS).float(), persistent=False)
        self.token_width = config.token_width

    def forward(self, endplates_mm: Tensor, mean_mm: Tensor, profile: Tensor) -> tuple[Tensor, Tensor]:
        """(B, 37, 4, 3), (37, 4, 3), (B, C, 32) -> tokens (B, 19, D) and their coarse rows (B, 19)."""
        by_vertebra = by_token(endplates_mm)
        offset = (by_vertebra - by_token(mean_mm[None])) / 20.0
        row = token_rows(endplates_mm)
        near = torch.softmax(-0.5 * (self.rows - row.unsqueeze(-1)) ** 2, dim=-1)
        skin = torch.matmul(near, profile.transpose(1, 2))
        return self.name + self.shape(offset) + self.skin(skin), row


class LandmarkHead(nn.Module):
    """Final coefficients and free parts from tokens, and the standard deviations of everything reported."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.squeeze = nn.Linear(config.token_width, 16)
        self.coefficients = LinearExperts(16 * TOKEN_COUNT + config.width, config.landmark_modes)
        self.free = nn.Linear(config.token_width, PER_TOKEN)
        for layer in (self.coefficients, self.free):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)
        self.point_sd = nn.Sequential(
            nn.Linear(config.token_width, 32), nn.ReLU(), nn.Linear(32, PER_TOKEN)
        )
        self.angle_sd = nn.Sequential(
            nn.Linear(16 * TOKEN_COUNT + config.width + len(EXPERTS), 48), nn.ReLU(), nn.Linear(48, len(SD_NAMES))
        )

    def forward(self, tokens: Tensor, pooled: Tensor, share: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """tokens (B, 19, D), pooled image (B, C), share of the experts (B, experts).

        Returns the change of the coefficients (B, K), the free part (B, 37, 4, 3) mm, endplate sd (B, 37, 4, 3) mm
        and angle sd (B, 9) degrees. The sd heads read detached features: doubt must not bend the estimate.
        """
        summary = torch.cat([functional.relu(self.squeeze(tokens)).flatten(1), pooled], dim=1)
        free = from_tokens(self.free(tokens))
        point_sd = 0.3 + functional.softplus(self.point_sd(tokens.detach()) + 4.0)
        angle_sd = 0.3 + functional.softplus(self.angle_sd(torch.cat([summary, share], dim=1).detach()) + 5.0)
        return self.coefficients(summary, share), free, from_tokens(point_sd), angle_sd



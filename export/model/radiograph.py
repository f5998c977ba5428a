"""Stage 2: the lateral radiograph from the warped template, the lift, back features, tokens and endplates.

An attention-FFC generator after LaMa's shape (encoder, residual blocks at 1/8 scale, decoder) with skips. The
endplates are drawn into a map inside the network, so that bodies come out crisp where stage 1 saw them; the output
is the warped template plus a learnt difference.
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from export.model.attention import AttentionFFCBlock, token_positions
from export.model.config import (
    COARSE_COLS,
    COARSE_ROWS,
    ENDPLATE_COUNT,
    FILM_COLS,
    FILM_ROWS,
    IMAGE_COLS,
    IMAGE_ROWS,
    LIFT_CHANNEL_COUNT,
    TOKEN_COUNT,
    ModelConfig,
)
from export.model.landmark_map import MAP_CHANNELS, LandmarkMap
from export.model.landmarks import PER_TOKEN, by_token, token_rows
from export.model.precision import full_precision

RADIOGRAPH_INPUTS: Final = ("warped_template", "lateral_lift", "back_features", "landmark_tokens", "endplates_mm")
RADIOGRAPH_OUTPUTS: Final = ("log_attenuation",)


def radiograph_input_shapes(config: ModelConfig) -> dict[str, tuple[int, ...]]:
    """Static shapes of the ONNX inputs, batch 1."""
    return {
        "warped_template": (1, 2, FILM_ROWS, FILM_COLS),
        "lateral_lift": (1, LIFT_CHANNEL_COUNT, IMAGE_ROWS, IMAGE_COLS),
        "back_features": (1, config.width, COARSE_ROWS, COARSE_COLS),
        "landmark_tokens": (1, TOKEN_COUNT, config.token_width),
        "endplates_mm": (1, ENDPLATE_COUNT, 4, 3),
    }


def _convolution(inside: int, outside: int, kernel: int = 3, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inside, outside, kernel, stride=stride, padding=kernel // 2, bias=False),
        nn.BatchNorm2d(outside), nn.ReLU(),
    )


class _Up(nn.Module):
    """Doubles the size by pixel shuffle, adds the skip, one convolution."""

    def __init__(self, inside: int, skip: int, outside: int) -> None:
        super().__init__()
        self.spread = nn.Conv2d(inside, 4 * outside, 1, bias=False)
        self.skip = nn.Conv2d(skip, outside, 1, bias=False)
        self.norm = nn.BatchNorm2d(outside)
        self.mix = _convolution(outside, outside)

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        up = functional.pixel_shuffle(self.spread(x), 2)
        return self.mix(functional.relu(self.norm(up + self.skip(skip))))


class RadiographNet(nn.Module):
    """Stage 2 (see module)."""

    def __init__(self, config: ModelConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or ModelConfig()
        base, width = config.decoder_width, config.width
        self.draw = LandmarkMap()
        channels = 2 + LIFT_CHANNEL_COUNT + MAP_CHANNELS
        self.encode_2 = _convolution(channels, base, 5, 2)
        self.encode_4 = _convolution(base, 2 * base, 3, 2)
        self.encode_8 = _convolution(2 * base, width, 3, 2)
        self.join = nn.Conv2d(width, width, 1)
        self.shape = nn.Linear(PER_TOKEN, config.token_width)
        self.blocks = nn.ModuleList(
            AttentionFFCBlock(config, COARSE_ROWS, COARSE_COLS) for _ in range(config.radiograph_blocks)
        )
        self.decode_4 = _Up(width, 2 * base, 2 * base)
        self.decode_2 = _Up(2 * base, base, base)
        self.decode_1 = _Up(base, channels, base // 2)
        self.fine = nn.Conv2d(base // 2, 4, 3, padding=1)
        nn.init.normal_(self.fine.weight, std=1e-2)
        nn.init.zeros_(self.fine.bias)  # type: ignore[arg-type]

    def forward(
        self, warped_template: Tensor, lateral_lift: Tensor, back_features: Tensor, landmark_tokens: Tensor,
        endplates_mm: Tensor, drawn: Tensor | None = None,
    ) -> Tensor:
        """Inputs as ``radiograph_input_shapes`` with any batch -> log-attenuation (B, 1, 512, 256) float32.

        drawn: ``LandmarkMap`` of ``endplates_mm``, where the caller (training) has it already.
        """
        device = warped_template.device.type
        if not self.config.use_lift:
            lateral_lift = torch.zeros_like(lateral_lift)
        with full_precision(device):
            if drawn is None:
                drawn = self.draw(endplates_mm)
            row = token_rows(endplates_mm)
            place = token_positions(row, self.config.token_width, COARSE_ROWS)
            tokens = landmark_tokens + self.shape(self._relative(endplates_mm))
        full = torch.cat([functional.avg_pool2d(warped_template, 2), lateral_lift, drawn], dim=1)
        half = self.encode_2(full)
        quarter = self.encode_4(half)
        image = self.encode_8(quarter)
        image = image + self.join(back_features.to(image.dtype))
        tokens = tokens.to(image.dtype)
        for block in self.blocks:
            image, tokens = block(image, tokens, place)
        x = self.decode_4(image, quarter)
        x = self.decode_2(x, half)
        x = self.decode_1(x, full.to(x.dtype))
        with full_precision(device):
            detail = functional.pixel_shuffle(self.fine(x.float()), 2)
            return warped_template[:, :1] + detail

    @staticmethod
    def _relative(endplates_mm: Tensor) -> Tensor:
        tokens = by_token(endplates_mm)
        points = tokens.reshape(tokens.shape[0], TOKEN_COUNT, 8, 3)
        return ((points - points.mean(dim=2, keepdim=True)) / 20.0).reshape(tokens.shape)

"""Stage 1: from the back view and its lateral lift to 3-D endplates, their doubt, and the warped lateral template.

Two passes over the landmarks: the 1-D profile branch gives a first estimate, which becomes 19 landmark tokens; the
attention-FFC blocks exchange tokens and image features; the tokens give the correction. Sizes, and the choice of
this form, are ours: the paper's internals are not public.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import torch
from torch import Tensor, nn

from export.model.attention import AttentionFFCBlock, token_positions
from export.model.config import (
    BACK_CHANNEL_COUNT,
    COARSE_COLS,
    COARSE_ROWS,
    ENDPLATE_COUNT,
    FILM_COLS,
    FILM_ROWS,
    IMAGE_COLS,
    IMAGE_ROWS,
    LIFT_CHANNEL_COUNT,
    ModelConfig,
)
from export.model.experts import Gate
from export.model.landmarks import LandmarkHead, ShapeModel, TokenStart
from export.model.precision import full_precision
from export.model.profile import ProfileBranch
from export.model.sdn import SpatialDeformation, lateral_normalised

STRUCTURE_INPUTS: Final = {
    "back_view": (1, BACK_CHANNEL_COUNT, IMAGE_ROWS, IMAGE_COLS),
    "lateral_lift": (1, LIFT_CHANNEL_COUNT, IMAGE_ROWS, IMAGE_COLS),
}
STRUCTURE_OUTPUTS: Final = (
    "endplates_mm", "endplates_sd_mm", "angle_sd_deg", "warped_template", "back_features", "landmark_tokens",
)


class Structure(NamedTuple):
    """What stage 1 gives. The first six are the ONNX outputs; the rest is for the losses."""

    endplates_mm: Tensor  # (B, 37, 4, 3) body frame
    endplates_sd_mm: Tensor  # (B, 37, 4, 3)
    angle_sd_deg: Tensor  # (B, 9), order of SD_NAMES
    warped_template: Tensor  # (B, 2, 512, 256): log-attenuation, vertebral structure
    back_features: Tensor  # (B, C, 32, 16)
    landmark_tokens: Tensor  # (B, 19, D)
    first_endplates_mm: Tensor  # (B, 37, 4, 3) of the profile branch alone
    free_mm: Tensor  # (B, 37, 4, 3) departure from the shape model
    flow: Tensor  # (B, 2, 64, 32) normalised
    gate: Tensor  # (B, experts) logits


def stem(channels: int, widths: tuple[int, int, int]) -> nn.Sequential:
    """Three strided convolutions: 256 x 128 -> 32 x 16."""
    a, b, c = widths
    return nn.Sequential(
        nn.Conv2d(channels, a, 5, stride=2, padding=2, bias=False), nn.BatchNorm2d(a), nn.ReLU(),
        nn.Conv2d(a, b, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(b), nn.ReLU(),
        nn.Conv2d(b, b, 3, padding=1, bias=False), nn.BatchNorm2d(b), nn.ReLU(),
        nn.Conv2d(b, c, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(c), nn.ReLU(),
    )


class StructureNet(nn.Module):
    """Stage 1 (see module). ``template`` and the shape model are buffers, set by ``load_prior``."""

    template: Tensor

    def __init__(self, config: ModelConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or ModelConfig()
        lift_width = config.width // 3
        self.back_stem = stem(BACK_CHANNEL_COUNT, (16, 32, config.width - lift_width))
        self.lift_stem = stem(LIFT_CHANNEL_COUNT, (8, 16, lift_width))
        self.gate = Gate(config.width)
        self.profile = ProfileBranch(config.profile_width, config.landmark_modes)
        self.profile_to_image = nn.Linear(config.profile_width, config.width)
        self.shape = ShapeModel(config.landmark_modes)
        self.start = TokenStart(config)
        self.blocks = nn.ModuleList(
            AttentionFFCBlock(config, COARSE_ROWS, COARSE_COLS) for _ in range(config.structure_blocks)
        )
        self.head = LandmarkHead(config)
        self.deform = SpatialDeformation(config, ENDPLATE_COUNT * 4)
        self.register_buffer("template", torch.zeros(1, 2, FILM_ROWS, FILM_COLS))

    @torch.no_grad()
    def load_prior(self, mean_mm: Tensor, modes_mm: Tensor, template: Tensor) -> None:
        """Set the shape model (37, 4, 3), (K, 37, 4, 3) and the template (2, 512, 256)."""
        count = self.config.landmark_modes
        self.shape.mean_mm.copy_(mean_mm.reshape(-1))
        self.shape.modes_mm.zero_()
        kept = min(count, modes_mm.shape[0])
        self.shape.modes_mm[:kept] = modes_mm[:kept].reshape(kept, -1)
        self.template.copy_(template[None])
        self.deform.template_points.copy_(lateral_normalised(mean_mm.reshape(-1, 3)))

    def forward(self, back_view: Tensor, lateral_lift: Tensor) -> Structure:
        """back_view (B, 8, 256, 128), lateral_lift (B, 4, 256, 128), float32 -> ``Structure``."""
        device = back_view.device.type
        if not self.config.use_lift:
            lateral_lift = torch.zeros_like(lateral_lift)
        image = torch.cat([self.back_stem(back_view), self.lift_stem(lateral_lift)], dim=1)
        gate = self.gate(image)
        share = gate.softmax(dim=1)
        profile, first_coefficients = self.profile(back_view, share)
        with full_precision(device):
            first = self.shape(first_coefficients)
            mean = self.shape.mean_mm.reshape(ENDPLATE_COUNT, 4, 3)
            tokens, row = self.start(first.detach(), mean, profile)
            token_place = token_positions(row, self.config.token_width, COARSE_ROWS)
        by_row = self.profile_to_image(profile.transpose(1, 2)).transpose(1, 2).unsqueeze(-1)
        image = image + by_row.to(image.dtype)
        tokens = tokens.to(image.dtype)
        for block in self.blocks:
            image, tokens = block(image, tokens, token_place)
        with full_precision(device):
            tokens, pooled = tokens.float(), image.float().mean(dim=(2, 3))
            change, free, endplates_sd, angle_sd = self.head(tokens, pooled, share)
            endplates = self.shape(first_coefficients + change) + free
        batch = back_view.shape[0]
        if self.config.use_sdn:
            points = lateral_normalised(endplates.detach()).reshape(batch, -1, 2)
            warped, flow = self.deform(image, points, self.template)
        else:
            warped = self.template.expand(batch, -1, -1, -1) + 0.0 * pooled[:, :1, None, None]
            flow = endplates.new_zeros(batch, 2, 64, 32)
        return Structure(endplates, endplates_sd, angle_sd, warped, image.float(), tokens, first, free, flow, gate)


class StructureGraph(nn.Module):
    """``StructureNet`` with the six ONNX outputs only."""

    def __init__(self, net: StructureNet) -> None:
        super().__init__()
        self.net = net

    def forward(self, back_view: Tensor, lateral_lift: Tensor) -> tuple[Tensor, ...]:
        """The first six fields of ``Structure``, in order of ``STRUCTURE_OUTPUTS``."""
        return tuple(self.net(back_view, lateral_lift))[: len(STRUCTURE_OUTPUTS)]

"""Spatial Deformation Network: warps the lateral template by a stationary velocity field.

The field is integrated by scaling and squaring (Arsigny et al., MICCAI 2006), so the warp is a diffeomorphism: it
cannot fold, and vertebrae can neither swap nor overlap. Coordinates are normalised with ``align_corners=False``
throughout: -1 and 1 are the outer edges of the area, so one flow has the same meaning at every resolution and needs
no rescaling when it is resized (a mix of the two conventions costs half a pixel).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from edge.view.grid import LATERAL_VIEW
from export.model.config import FILM_COLS, FILM_ROWS, ModelConfig
from export.model.precision import full_precision

FIELD_ROWS, FIELD_COLS = 64, 32
"""The velocity field lives at 12 mm/pixel: about half the height of a vertebra."""
SPREAD_MM = 30.0
"""Standard deviation of the kernel that spreads landmark displacements into the field."""


def identity_grid(rows: int, cols: int) -> Tensor:
    """(rows, cols, 2) normalised (x, y) of the pixel centres, ``align_corners=False``."""
    y = (2 * torch.arange(rows).float() + 1) / rows - 1
    x = (2 * torch.arange(cols).float() + 1) / cols - 1
    return torch.stack([x[None, :].expand(rows, cols), y[:, None].expand(rows, cols)], dim=-1)


def lateral_normalised(points_mm: Tensor) -> Tensor:
    """(..., 3) body-frame points -> (..., 2) normalised (x, y) on the lateral view."""
    grid = LATERAL_VIEW
    col = grid.right_sign * (points_mm[..., 0] - grid.left_mm) / grid.mm_per_px
    row = (grid.top_mm - points_mm[..., 1]) / grid.mm_per_px
    return torch.stack([2 * col / grid.cols - 1, 2 * row / grid.rows - 1], dim=-1)


def warp(image: Tensor, flow: Tensor, identity: Tensor) -> Tensor:
    """Sample ``image`` (B, C, h, w) at ``identity + flow`` (B, H, W, 2): bilinear, border values outside."""
    return functional.grid_sample(image, identity + flow, mode="bilinear", padding_mode="border", align_corners=False)


def integrate(velocity: Tensor, identity: Tensor, squarings: int) -> Tensor:
    """exp(velocity) by scaling and squaring. velocity and result: (B, 2, h, w), normalised units."""
    flow = velocity / float(2**squarings)
    for _ in range(squarings):
        flow = flow + warp(flow, flow.permute(0, 2, 3, 1), identity)
    return flow


class SpatialDeformation(nn.Module):
    """Predicts the velocity field and warps the template.

    The displacement of the predicted landmarks against the template's own, spread over the field by a normalised
    Gaussian kernel, is the first guess; convolutions over the image features add to it.
    """

    field_grid: Tensor
    image_grid: Tensor
    mm_per_unit: Tensor
    col_mm: Tensor
    row_mm: Tensor
    template_points: Tensor

    def __init__(self, config: ModelConfig, template_points: int) -> None:
        super().__init__()
        self.squarings = config.squarings
        self.reduce = nn.Conv2d(config.width, 32, 1)
        self.mix = nn.Conv2d(32 + 3, 32, 3, padding=1)
        self.velocity = nn.Conv2d(32, 2, 3, padding=1)
        nn.init.zeros_(self.velocity.weight)
        nn.init.zeros_(self.velocity.bias)  # type: ignore[arg-type]
        self.register_buffer("field_grid", identity_grid(FIELD_ROWS, FIELD_COLS), persistent=False)
        self.register_buffer("image_grid", identity_grid(FILM_ROWS, FILM_COLS), persistent=False)
        scale = torch.tensor([LATERAL_VIEW.cols, LATERAL_VIEW.rows]) * LATERAL_VIEW.mm_per_px / 2
        self.register_buffer("mm_per_unit", scale.float(), persistent=False)
        self.register_buffer("col_mm", self.field_grid[0, :, 0, None] * scale[0], persistent=False)
        self.register_buffer("row_mm", self.field_grid[:, 0, 1, None] * scale[1], persistent=False)
        self.register_buffer("template_points", torch.zeros(template_points, 2))

    def guess(self, points: Tensor) -> tuple[Tensor, Tensor]:
        """Landmarks (B, P, 2) normalised -> spread displacement (B, 2, h, w) and kernel mass (B, 1, h, w)."""
        # A Gaussian is separable: one narrow matrix per axis instead of a kernel over every pixel and landmark.
        here = points * self.mm_per_unit
        scale = -0.5 / SPREAD_MM**2
        by_col = torch.exp(scale * (self.col_mm - here[..., 0].unsqueeze(1)) ** 2)
        by_row = torch.exp(scale * (self.row_mm - here[..., 1].unsqueeze(1)) ** 2).unsqueeze(1)
        carried = torch.cat([self.template_points - points, torch.ones_like(points[..., :1])], dim=-1)
        rows = by_row * carried.transpose(1, 2).unsqueeze(2)
        spread = torch.matmul(rows, by_col.transpose(1, 2).unsqueeze(1))
        return spread[:, :2] / (spread[:, 2:] + 0.05), spread[:, 2:]

    def forward(self, image: Tensor, points: Tensor, template: Tensor) -> tuple[Tensor, Tensor]:
        """Image features (B, C, 32, 16), predicted points (B, P, 2) normalised, template (1, 2, 512, 256).

        Returns the warped template (B, 2, 512, 256) and the flow (B, 2, 64, 32): the template is read at p + flow(p).
        """
        reduced = self.reduce(image)
        with full_precision(image.device.type):
            shift, mass = self.guess(points)
            wide = functional.interpolate(
                reduced.float(), (FIELD_ROWS, FIELD_COLS), mode="bilinear", align_corners=False
            )
            hidden = functional.relu(self.mix(torch.cat([wide, 4 * shift, 0.1 * mass], dim=1)))
            velocity = shift + 0.1 * self.velocity(hidden)
            flow = integrate(velocity, self.field_grid, self.squarings)
            return self.carry(template, flow), flow

    def carry(self, template: Tensor, flow: Tensor) -> Tensor:
        """Template (1 or B, C, 512, 256) read at p + flow(p), flow (B, 2, 64, 32) -> (B, C, 512, 256)."""
        dense = functional.interpolate(flow, (FILM_ROWS, FILM_COLS), mode="bilinear", align_corners=False)
        still = template.expand(flow.shape[0], -1, -1, -1)
        return warp(still, dense.permute(0, 2, 3, 1), self.image_grid)

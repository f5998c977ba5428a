"""Vertebral bodies drawn from endplates, inside the network: where stage 2 must put crisp bodies.

Each body is the quadrilateral of its sagittal rim points. The signed distance to its four edges is one matrix
product over a band of pixels, the smallest of the four is the distance to the body, and the largest over the bodies
wins. No scatter and no loop but that over the bands: the graph runs in ONNX Runtime and in TensorRT as it is.
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn

from edge.anatomy import ENDPLATE_POINTS
from edge.view.grid import LATERAL_VIEW
from export.model.config import IMAGE_COLS, IMAGE_ROWS

ANTERIOR, POSTERIOR = ENDPLATE_POINTS.index("anterior"), ENDPLATE_POINTS.index("posterior")
SACRUM_HEIGHT_MM: Final = 26.0
"""S1 has one endplate: its body is drawn this far down along the endplate's normal."""
SOFTNESS_MM: Final = 1.5
EDGE_MM: Final = 3.0
MAP_CHANNELS: Final = 2
BANDS: Final = 8
"""Of rows. All edges' distances to one band, 1.2 MB, stay in a core's cache until they are reduced."""


def body_corners(endplates_mm: Tensor) -> Tensor:
    """(B, 37, 4, 3) -> (B, 19, 4, 2): sagittal (x, y) corners, from superior anterior round to inferior anterior."""
    plane = endplates_mm[..., :2]
    superior, inferior = plane[:, 0::2], plane[:, 1::2]
    line = superior[:, -1:, ANTERIOR] - superior[:, -1:, POSTERIOR]
    length = torch.sqrt((line * line).sum(-1, keepdim=True) + 1e-6)
    down = torch.cat([line[..., 1:], -line[..., :1]], dim=-1) / length * SACRUM_HEIGHT_MM
    last = superior[:, -1:] + down.unsqueeze(2)
    inferior = torch.cat([inferior, last], dim=1)
    return torch.stack(
        [superior[:, :, ANTERIOR], superior[:, :, POSTERIOR], inferior[:, :, POSTERIOR], inferior[:, :, ANTERIOR]],
        dim=2,
    )


class LandmarkMap(nn.Module):
    """endplates_mm (B, 37, 4, 3) -> (B, 2, 256, 128): soft body mask, and a ridge along the bodies' outlines."""

    pixels: Tensor

    def __init__(self) -> None:
        super().__init__()
        rows, cols = torch.arange(IMAGE_ROWS).numpy(), torch.arange(IMAGE_COLS).numpy()
        y = torch.from_numpy(LATERAL_VIEW.y_of(rows)).float()[:, None].expand(IMAGE_ROWS, IMAGE_COLS)
        x = torch.from_numpy(LATERAL_VIEW.u_of(cols)).float()[None].expand(IMAGE_ROWS, IMAGE_COLS)
        pixels = torch.stack([x, y, torch.ones_like(x)]).reshape(3, -1)
        self.register_buffer("pixels", pixels, persistent=False)

    def distance_mm(self, endplates_mm: Tensor) -> Tensor:
        """(B, 256, 128) distance inside (positive) or outside (negative) of the nearest body, along edge normals."""
        corners = body_corners(endplates_mm)
        after = torch.cat([corners[:, :, 1:], corners[:, :, :1]], dim=2)
        edge = after - corners
        length = torch.sqrt((edge * edge).sum(-1) + 1e-6)
        # Corners run anterior -> posterior -> down -> back: with x to the front and y up the inside is on the left.
        a, b = -edge[..., 1] / length, edge[..., 0] / length
        c = -(a * corners[..., 0] + b * corners[..., 1])
        lines = torch.stack([a, b, c], dim=-1).reshape(corners.shape[0], -1, 3)
        bands = []
        for pixels in self.pixels.chunk(BANDS, dim=1):
            signed = torch.matmul(lines, pixels).reshape(corners.shape[0], -1, 4, pixels.shape[1])
            bands.append(signed.amin(dim=2).amax(dim=1))
        return torch.cat(bands, dim=1).reshape(-1, IMAGE_ROWS, IMAGE_COLS)

    def forward(self, endplates_mm: Tensor) -> Tensor:
        """See class."""
        distance = self.distance_mm(endplates_mm)
        return torch.stack(
            [torch.sigmoid(distance / SOFTNESS_MM), torch.exp(-((distance / EDGE_MM) ** 2))], dim=1
        )

"""The reader: where each endplate lies on a radiograph and how it is tilted.

Every endplate looks at the picture through an attention map of its own; at each place, two small fields (upper and
lower endplates) say how far the endplate's middle is, its tilt and its half length. So an endplate's tilt is read where
the endplate is, and not guessed from the spine as a whole.
"""

from __future__ import annotations

import math
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from edge.anatomy import ENDPLATES
from edge.view.grid import RADIOGRAPH

STRIDE: Final = 8
"""Radiograph pixels per cell of the maps: 12 mm."""
ROWS, COLS = RADIOGRAPH.rows // STRIDE, RADIOGRAPH.cols // STRIDE
CELL_MM: Final = RADIOGRAPH.mm_per_px * STRIDE
FIELDS: Final = ("forward_mm", "up_mm", "tilt_deg", "half_length_mm")
TILT_SCALE_DEG: Final = 20.0
HALF_LENGTH_MM: Final = 15.0
_DILATIONS: Final = (1, 2, 4, 8, 1, 2, 4, 8, 1)
_CONTRAST_MIN: Final = 0.05


class _Block(nn.Module):
    """Depthwise 3x3 with a dilation, then 1x1, added on."""

    def __init__(self, width: int, dilation: int) -> None:
        super().__init__()
        self.depth = nn.Conv2d(width, width, 3, padding=dilation, dilation=dilation, groups=width)
        self.mix = nn.Conv2d(width, width, 1)
        self.norm = nn.BatchNorm2d(width)

    def forward(self, x: Tensor) -> Tensor:
        return x + functional.relu(self.norm(self.mix(functional.relu(self.depth(x)))))


class Reader(nn.Module):
    """log_attenuation (B, 1, 512, 256) -> endplates (B, 37, 4): forward x mm, up y mm, tilt degrees, half length mm."""

    forward_mm: Tensor
    up_mm: Tensor
    sides: Tensor

    def __init__(self, width: int = 64) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(2, 16, 5, stride=2, padding=2), nn.ReLU(),
            nn.Conv2d(16, 32, 3, stride=2, padding=1), nn.BatchNorm2d(32), nn.ReLU(),
            nn.Conv2d(32, width, 1), nn.ReLU(),
        )
        self.place = nn.Conv2d(2, width, 1)
        self.blocks = nn.Sequential(*(_Block(width, d) for d in _DILATIONS))
        self.heads = nn.Conv2d(width, len(ENDPLATES) + 2 * len(FIELDS), 1)
        rows, cols = torch.arange(ROWS).float(), torch.arange(COLS).float()
        x = RADIOGRAPH.left_mm - (cols + 0.5) * CELL_MM
        y = RADIOGRAPH.top_mm - (rows + 0.5) * CELL_MM
        self.register_buffer("forward_mm", x[None].expand(ROWS, COLS).reshape(-1).contiguous(), persistent=False)
        self.register_buffer("up_mm", y[:, None].expand(ROWS, COLS).reshape(-1).contiguous(), persistent=False)
        upper = torch.tensor([side == "superior" for _, side in ENDPLATES]).float()
        self.register_buffer("sides", torch.stack([upper, 1 - upper], dim=1), persistent=False)  # (37, 2)

    def maps(self, log_attenuation: Tensor) -> tuple[Tensor, Tensor]:
        """Attention logits (B, 37, cells) and fields (B, 2, 4, cells)."""
        half = functional.avg_pool2d(log_attenuation, 2)
        coarse = functional.avg_pool2d(half, (33, 1), stride=1, padding=(16, 0), count_include_pad=False)
        coarse = functional.avg_pool2d(coarse, (1, 33), stride=1, padding=(0, 16), count_include_pad=False)
        detail = half - coarse
        size = torch.sqrt((detail * detail).mean(dim=(1, 2, 3), keepdim=True)) + _CONTRAST_MIN
        x = self.stem(torch.cat([detail / size, coarse * 0.3], dim=1))
        where = torch.stack([self.forward_mm, self.up_mm]).reshape(1, 2, ROWS, COLS) * 0.005
        x = self.blocks(x + self.place(where))
        out = self.heads(x).flatten(2)
        fields = out[:, len(ENDPLATES) :].reshape(out.shape[0], 2, len(FIELDS), ROWS * COLS)
        return out[:, : len(ENDPLATES)], fields

    def forward(self, log_attenuation: Tensor) -> Tensor:
        """See class."""
        return self.read(*self.maps(log_attenuation))

    def read(self, logits: Tensor, fields: Tensor) -> Tensor:
        """(B, 37, 4) from what ``maps`` gives."""
        weights = torch.softmax(logits, dim=-1)  # (B, 37, cells)
        both = torch.einsum("bkc,bsfc->bksf", weights, fields)
        own = (both * self.sides[None, :, :, None]).sum(dim=2)  # (B, 37, 4)
        x = weights @ self.forward_mm + own[..., 0] * CELL_MM
        y = weights @ self.up_mm + own[..., 1] * CELL_MM
        return torch.stack([x, y, own[..., 2] * TILT_SCALE_DEG, (1 + own[..., 3]) * HALF_LENGTH_MM], dim=-1)


def sagittal_truth(endplates_mm: Tensor) -> Tensor:
    """(B, 37, 4, 3) endplates -> (B, 37, 4) as ``Reader`` answers."""
    front, rear = endplates_mm[:, :, 0, :2], endplates_mm[:, :, 1, :2]
    middle, line = (front + rear) / 2, front - rear
    tilt = torch.atan2(line[..., 1], line[..., 0]) * (180 / math.pi)
    return torch.cat([middle, tilt[..., None], torch.linalg.vector_norm(line, dim=-1)[..., None] / 2], dim=-1)

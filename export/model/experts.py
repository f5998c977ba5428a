"""A mixture of linear experts, and the gate that tells from the image which kind of back each of them answers for.

What the skin says about the spine depends on the back: on a lean, evenly built one its furrow follows the column
closely, on another it is to be believed by half. One linear reading is a compromise that is wrong for both; the gate
(Jacobs et al., Adaptive mixtures of local experts, 1991) weighs one reading per kind. In training the phantom's tier
names the kind; a back of unknown kind teaches the experts alone.
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from export.model.config import COARSE_COLS, COARSE_ROWS, EXPERTS

GATE_WIDTHS: Final = (24, 16)


class Gate(nn.Module):
    """Stem image (B, width, 32, 16) -> logits (B, experts) float32."""

    def __init__(self, width: int) -> None:
        super().__init__()
        a, b = GATE_WIDTHS
        self.look = nn.Sequential(
            nn.Conv2d(width, a, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(a), nn.ReLU(),
            nn.Conv2d(a, b, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(b), nn.ReLU(),
        )
        self.tell = nn.Linear(b * (COARSE_ROWS // 4) * (COARSE_COLS // 4), len(EXPERTS))

    def forward(self, image: Tensor) -> Tensor:
        """See class."""
        return self.tell(self.look(image).float().flatten(1))


class LinearExperts(nn.Module):
    """The share-weighted sum of one linear layer per expert, as one product: every expert's features side by side.

    The last columns of the weight are the experts' own offsets.
    """

    def __init__(self, features: int, outputs: int) -> None:
        super().__init__()
        layer = nn.Linear((features + 1) * len(EXPERTS), outputs)
        self.weight, self.bias = layer.weight, layer.bias

    def forward(self, features: Tensor, share: Tensor) -> Tensor:
        """features (B, F), share (B, experts) summing to one -> (B, outputs)."""
        each = (share.unsqueeze(2) * features.unsqueeze(1)).flatten(1)
        return functional.linear(torch.cat([each, share], dim=1), self.weight, self.bias)


def expert_weights(net: nn.Module) -> list[str]:
    """Names of the weights of every ``LinearExperts`` in ``net``."""
    return [f"{name}.weight" for name, module in net.named_modules() if isinstance(module, LinearExperts)]


def by_expert(weight: Tensor) -> tuple[list[Tensor], Tensor]:
    """Weight of a ``LinearExperts`` -> (outputs, F) of every expert, and their offsets (outputs, experts)."""
    count = len(EXPERTS)
    return list(weight[:, :-count].chunk(count, dim=1)), weight[:, -count:].clone()


def side_by_side(experts: list[Tensor], offsets: Tensor) -> Tensor:
    """Inverse of ``by_expert``."""
    return torch.cat([*experts, offsets], dim=1)

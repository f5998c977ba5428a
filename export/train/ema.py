"""A running average of the weights: steadier than the last step, and what is validated and exported."""

from __future__ import annotations

import copy
from typing import Generic

import torch
from torch import nn

from export.train.layout import Net


class Average(Generic[Net]):
    """Exponential moving average of parameters and statistics, with a warm-up so that early steps fade fast."""

    def __init__(self, net: Net, decay: float = 0.998) -> None:
        self.net: Net = copy.deepcopy(net).eval()
        for parameter in self.net.parameters():
            parameter.requires_grad_(False)
        self.decay, self.updates = decay, 0

    @torch.no_grad()
    def update(self, net: nn.Module) -> None:
        """Move towards ``net`` by one step."""
        self.updates += 1
        decay = min(self.decay, (1 + self.updates) / (10 + self.updates))
        own, other = self.net.state_dict(), net.state_dict()
        floats = [name for name, value in own.items() if value.is_floating_point()]
        torch._foreach_lerp_([own[n] for n in floats], [other[n] for n in floats], 1 - decay)
        for name, value in own.items():
            if not value.is_floating_point():
                value.copy_(other[name])

"""Channels-last memory layout: on CPUs with matrix units and on tensor cores alike the faster one for convolutions."""

from __future__ import annotations

from typing import TypeVar

import torch
from torch import nn

Net = TypeVar("Net", bound=nn.Module)


def laid_out(net: Net, device: str) -> Net:
    """``net`` on ``device`` with channels-last weights."""
    return net.to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]

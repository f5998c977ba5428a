"""Full precision islands inside an autocast region: geometry in millimetres does not survive eight bits of mantissa."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import torch


def full_precision(device_type: str) -> AbstractContextManager[object]:
    """Context that turns autocast off where it is on; nothing at all otherwise, so an exported graph stays clean."""
    if torch.is_autocast_enabled(device_type):
        return torch.autocast(device_type, enabled=False)
    return nullcontext()

"""Begins a training with the weights of an earlier one that was less deep, saw fewer profiles or had no experts.

Added blocks start as identities, added profiles unread, experts alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import torch
from torch import Tensor, nn

from edge.errors import BundleError
from export.model.attention import AttentionFFCBlock
from export.model.config import EXPERTS
from export.model.experts import expert_weights, side_by_side
from export.train.loop import load_checkpoint

GROWING: Final = ("profile.scale.", "profile.enter.0.", "head.angle_sd.0.")
"""Weights one of whose dimensions runs over the profiles, in order, or ends with the experts' shares: new come last."""
GATE: Final = "gate"


@torch.no_grad()
def warm_start(net: nn.Module, path: Path) -> list[str]:
    """Copy the weights of ``path`` (a ``<stage>.pt``) into ``net``; returns the names of the blocks that it lacks.

    Raises:
        BundleError: the file is damaged, or its layers have other shapes.
    """
    own, given = net.state_dict(), grown(net, load_checkpoint(path)["net"])
    blocks = {name: module for name, module in net.named_modules() if isinstance(module, AttentionFFCBlock)}
    absent = [name for name in (*blocks, GATE) if not any(key.startswith(f"{name}.") for key in given)]
    added = [name for name in absent if name in blocks]
    lacking = [key for key in own if key not in given and not key.startswith(tuple(f"{name}." for name in absent))]
    other = [key for key in given if key not in own or own[key].shape != given[key].shape]
    if lacking or other:
        found = f"{len(lacking)} missing, {len(other)} other: {(lacking + other)[:3]}"
        raise BundleError("the weights do not fit this network", where=str(path), found=found,
                          expected="the same layers, fewer blocks at most",
                          mend="start from weights of the same widths")
    net.load_state_dict(given, strict=False)
    for name in added:
        blocks[name].make_identity()
    return added


def grown(net: nn.Module, given: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """``given`` weights in the shapes of ``net``, where it reads more profiles or has experts and they do not."""
    own, experts = net.state_dict(), expert_weights(net)
    return {
        key: _shared(value, own[key]) if key in experts else _grown(key, value, own.get(key))
        for key, value in given.items()
    }


def _shared(given: Tensor, own: Tensor) -> Tensor:
    """One linear layer as every expert's, without offsets of their own."""
    if (given.shape[1] + 1) * len(EXPERTS) != own.shape[1]:
        return given
    return side_by_side([given] * len(EXPERTS), given.new_zeros(len(given), len(EXPERTS)))


def _grown(key: str, given: Tensor, own: Tensor | None) -> Tensor:
    """``given`` with zeros for what it does not know of its last inputs, or with what a fresh normalisation has."""
    if own is None or not key.startswith(GROWING) or given.dim() == 0 or given.dim() != own.dim():
        return given
    dim = min(1, given.dim() - 1)
    known = given.shape[dim]
    if known >= own.shape[dim]:
        return given
    grown = own.clone() if own.dim() == 1 else torch.zeros_like(own)
    grown.narrow(dim, 0, known).copy_(given)
    return grown

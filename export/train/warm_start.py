"""Begins a training with the weights of an earlier one, deeper if so configured: added blocks start as identities."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from edge.errors import BundleError
from export.model.attention import AttentionFFCBlock
from export.train.loop import load_checkpoint


@torch.no_grad()
def warm_start(net: nn.Module, path: Path) -> list[str]:
    """Copy the weights of ``path`` (a ``<stage>.pt``) into ``net``; returns the names of the blocks that it lacks.

    Raises:
        BundleError: the file is damaged, or its layers have other shapes.
    """
    given = load_checkpoint(path)["net"]
    own = net.state_dict()
    blocks = {name: module for name, module in net.named_modules() if isinstance(module, AttentionFFCBlock)}
    added = [name for name in blocks if not any(key.startswith(f"{name}.") for key in given)]
    lacking = [key for key in own if key not in given and not key.startswith(tuple(f"{name}." for name in added))]
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

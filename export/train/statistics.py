"""Statistics of the normalisations, measured anew on training subjects, and what each stage is shown for that."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from export.model.radiograph import RADIOGRAPH_INPUTS
from export.model.structure import STRUCTURE_INPUTS, StructureNet

Inputs = tuple[Tensor, ...]


@torch.no_grad()
def renew_statistics(net: nn.Module, runs: Iterable[Inputs]) -> None:
    """Give every normalisation of ``net`` the mean statistics of these batches; leaves it in evaluation mode.

    Weights that were averaged make other activations than either part did: with averaged statistics every layer is a
    little off, and the angles with them (Izmailov et al., Averaging weights leads to wider optima, UAI 2018).

    Args:
        runs: positional inputs of ``net``, in batches as large as those of training.
    """
    net.eval()
    norms = [module for module in net.modules() if isinstance(module, _BatchNorm)]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # the mean over all batches
        norm.train()
    for inputs in runs:
        net(*inputs)
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
    net.eval()


def seen_views(batches: Iterable[dict[str, Tensor]]) -> Iterator[Inputs]:
    """What stage 1 gets of each batch, in the order of its inputs."""
    for batch in batches:
        yield tuple(batch[name] for name in STRUCTURE_INPUTS)


def drawn_from(structure: StructureNet, batches: Iterable[dict[str, Tensor]]) -> Iterator[Inputs]:
    """What stage 2 gets of each batch behind ``structure``, in the order of its inputs."""
    for batch in batches:
        with torch.no_grad():
            seen = structure(*(batch[name] for name in STRUCTURE_INPUTS))._asdict()
        seen["lateral_lift"] = batch["lateral_lift"]
        yield tuple(seen[name] for name in RADIOGRAPH_INPUTS)

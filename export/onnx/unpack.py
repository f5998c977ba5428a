"""Trained weights back out of a bundle's FP32 file, so that a training can begin where the shipped weights are.

Most weights keep their names in the file. The exporter transposes some and folds normalisations into the convolutions
before them; where each of those went is found by exporting the same network with numbered weights. A folded
normalisation comes back as the shift that is left of it, and its statistics, which training needs, are measured anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import numpy_helper
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from edge.errors import BundleError
from export.model.attention import CrossAttention
from export.model.structure import StructureGraph
from export.onnx.graph import StageGraph, lower, trace

Constants = dict[str, NDArray[Any]]
_OFF: Final = 0.3
"""What a number may have lost where a factor of nearly one was multiplied in: 0.25 beyond 2**22."""


def unpack(graph: StageGraph, net: nn.Module, path: Path) -> list[str]:
    """Fill ``net``, which ``graph`` exports, with the weights of the file ``path``.

    Returns the names of the normalisations that were folded away. The network then computes what the file does in
    evaluation; before it is trained, ``measure_statistics`` has to see some subjects.

    Raises:
        BundleError: the file is of another architecture, lowering or exporter.
    """
    given = constants(onnx.load(path))
    prefix = "net." if isinstance(graph.module, StructureGraph) else ""
    norms = {name: module for name, module in net.named_modules() if isinstance(module, _BatchNorm)}
    folded = [name for name in norms if f"{prefix}{name}.running_mean" not in given]
    filled = {key: value for key, value in net.state_dict().items() if not value.is_floating_point()}
    for name in folded:
        norm = norms[name]
        filled |= {f"{name}.weight": torch.ones_like(norm.weight), f"{name}.running_mean": torch.zeros_like(norm.bias),
                   f"{name}.running_var": torch.full_like(norm.bias, 1.0 - norm.eps)}
    net.load_state_dict(filled | _located(graph, net, filled, given, path))
    return folded


def constants(model: onnx.ModelProto) -> Constants:
    """Floating-point initialisers of a file, by name."""
    arrays = {i.name: numpy_helper.to_array(i) for i in model.graph.initializer}
    return {name: value for name, value in arrays.items() if value.dtype == np.float32}


def _located(
    graph: StageGraph, net: nn.Module, known: Mapping[str, Tensor], given: Constants, path: Path
) -> dict[str, Tensor]:
    """All other tensors of ``net``, which may lie transposed, reordered, repeated or divided in the file."""
    numbered, shapes = dict(known), {}
    end = 1
    for key, like in net.state_dict().items():
        if key not in known:
            shapes[key] = like.shape
            numbered[key] = torch.arange(end, end + like.numel(), dtype=torch.float32).reshape(like.shape)
            end += like.numel()
    net.load_state_dict(numbered)
    values = np.full(end, np.nan, np.float32)
    for name, places in constants(lower(trace(graph), "matmul")).items():
        if name not in given or given[name].shape != places.shape or np.array_equal(given[name], places):
            continue  # of another architecture, or a constant that no weight has a part in
        for factor in _factors(graph):
            index = np.rint(places * factor)
            if index.min(initial=end) >= 1 and index.max() < end and np.abs(index - places * factor).max() < _OFF:
                values[index.astype(np.int64)] = given[name] * factor
                break
    found = {}
    for key, shape in shapes.items():
        numbers = numbered[key].long().numpy()
        if not np.isfinite(values[numbers]).all():
            raise BundleError("a weight is not to be found in the bundle's file", where=f"{path}: {key}",
                              expected=f"{tuple(shape)} of this version's exporter, FFT as matmul",
                              found="not all of it", mend="unpack it with the version that exported it")
        found[key] = torch.from_numpy(values[numbers])
    return found


def _factors(graph: StageGraph) -> tuple[float, ...]:
    """What a weight may have been divided by on the way: attention shares a bias among its heads."""
    heads = {float(m.heads) for m in graph.module.modules() if isinstance(m, CrossAttention)}
    return (1.0, *sorted(heads))


@torch.no_grad()
def measure_statistics(net: nn.Module, folded: list[str], runs: Iterable[tuple[Tensor, ...]]) -> None:
    """Give folded normalisations the statistics that training expects; what ``net`` computes stays the same.

    Args:
        folded: what ``unpack`` returned. runs: positional inputs of ``net``, some dozens of subjects in all.
    """
    sums: dict[str, list[Tensor]] = {name: [] for name in folded}

    def watch(name: str) -> Any:
        def hook(_module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
            x = inputs[0].float()
            over = [d for d in range(x.dim()) if d != 1]
            sums[name].append(torch.stack([x.mean(over), x.square().mean(over)]))

        return hook

    modules = dict(net.named_modules())
    hooks = [modules[name].register_forward_pre_hook(watch(name)) for name in folded]
    try:
        net.eval()
        for inputs in runs:
            net(*inputs)
    finally:
        for hook in hooks:
            hook.remove()
    for name, seen in sums.items():
        mean, square = torch.stack(seen).mean(0)
        variance = (square - mean.square()).clamp(min=1e-6)
        norm = modules[name]
        assert isinstance(norm, _BatchNorm)
        assert norm.running_mean is not None
        assert norm.running_var is not None
        norm.running_mean.copy_(mean)
        norm.running_var.copy_(variance)
        norm.weight.copy_((variance + norm.eps).sqrt())
        norm.bias.add_(mean)

"""Graph pass: batch normalisation goes into the convolutions before it, also through sums and rearrangements.

An exporter folds a normalisation that follows a convolution directly. Here the ones are left that follow a sum of
convolutions, a concatenation, a split or a pixel shuffle: an affine map per channel can be handed on through all of
them. In integers this matters twice: the chain stays in 8 bits, and nothing is dequantised only to be scaled.
"""

from __future__ import annotations

import numpy as np
import onnx_graphsurgeon as gs
from numpy.typing import NDArray

Channels = NDArray[np.float64]


def apply(graph: gs.Graph) -> int:
    """Fold every ``BatchNormalization`` that can be handed on to convolutions; returns how many went away.

    A normalisation whose inputs are read by anybody else stays: its convolutions must keep their meaning there.
    """
    folded = 0
    for node in [n for n in graph.nodes if n.op == "BatchNormalization"]:
        gamma, beta, mean, variance = (np.asarray(c.values, np.float64) for c in node.inputs[1:5])
        scale = gamma / np.sqrt(variance + node.attrs.get("epsilon", 1e-5))
        shift = beta - mean * scale
        source = node.inputs[0]
        if not _takes(source, node):
            continue
        _hand_on(source, scale, shift)
        _redirect(graph, node.outputs[0], source)
        node.outputs.clear()
        folded += 1
    graph.cleanup().toposort()
    return folded


def _takes(tensor: gs.Tensor, reader: gs.Node) -> bool:
    """Whether an affine map on ``tensor`` can be handed on to convolutions and changes nothing for others."""
    if len(tensor.outputs) != 1 or tensor.outputs[0] is not reader or len(tensor.inputs) != 1:
        return False
    node = tensor.inputs[0]
    if node.op == "Conv":
        return all(isinstance(w, gs.Constant) and len(w.outputs) == 1 for w in node.inputs[1:])
    if node.op == "Add" or (node.op == "Concat" and node.attrs["axis"] == 1):
        return all(_takes(source, node) for source in node.inputs)
    if node.op == "DepthToSpace" and node.attrs.get("mode", b"DCR") in ("CRD", b"CRD"):
        return _takes(node.inputs[0], node)
    if node.op == "Split" and node.attrs.get("axis", 0) == 1:
        return _takes(node.inputs[0], node)
    return False


def _hand_on(tensor: gs.Tensor, scale: Channels, shift: Channels) -> None:
    node = tensor.inputs[0]
    if node.op == "Conv":
        _scale_convolution(node, scale, shift)
    elif node.op == "Add":
        first, *others = node.inputs
        _hand_on(first, scale, shift)
        for other in others:
            _hand_on(other, scale, np.zeros_like(shift))
    elif node.op == "Concat":
        start = 0
        for source in node.inputs:
            end = start + source.shape[1]
            _hand_on(source, scale[start:end], shift[start:end])
            start = end
    elif node.op == "DepthToSpace":
        times = int(node.attrs["blocksize"]) ** 2
        _hand_on(node.inputs[0], np.repeat(scale, times), np.repeat(shift, times))
    else:  # Split: the other outputs keep their channels as they are
        whole = node.inputs[0]
        start = sum(out.shape[1] for out in node.outputs[: node.outputs.index(tensor)])
        part = slice(start, start + tensor.shape[1])
        wide_scale, wide_shift = np.ones(whole.shape[1]), np.zeros(whole.shape[1])
        wide_scale[part], wide_shift[part] = scale, shift
        _hand_on(whole, wide_scale, wide_shift)


def _scale_convolution(node: gs.Node, scale: Channels, shift: Channels) -> None:
    weight = node.inputs[1]
    values = np.asarray(weight.values, np.float64)
    bias = np.asarray(node.inputs[2].values, np.float64) if len(node.inputs) > 2 else np.zeros(values.shape[0])
    shape = (-1, *[1] * (values.ndim - 1))
    node.inputs[1] = gs.Constant(weight.name, (values * scale.reshape(shape)).astype(np.float32))
    new_bias = gs.Constant(f"{weight.name}_bias", (bias * scale + shift).astype(np.float32))
    if len(node.inputs) > 2:
        node.inputs[2] = new_bias
    else:
        node.inputs.append(new_bias)


def _redirect(graph: gs.Graph, old: gs.Tensor, new: gs.Tensor) -> None:
    """Everybody who read ``old`` reads ``new``."""
    for reader in list(old.outputs):
        reader.inputs = [new if tensor is old else tensor for tensor in reader.inputs]
    graph.outputs = [new if tensor is old else tensor for tensor in graph.outputs]

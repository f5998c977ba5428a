"""Graph pass: a 1x1 convolution reads and writes its channels in whatever order its neighbours have them.

A Fourier transform wants the real parts of all channels before the imaginary ones, and its products give them channel
by channel. Where the only reader or maker of that order is a convolution, its weights are reordered instead, once.
"""

from __future__ import annotations

import numpy as np
import onnx_graphsurgeon as gs

ONE_BY_ONE_OPS = ("Relu",)
"""What may stand between the convolution and the transposition: it acts on every value alone."""


def apply(graph: gs.Graph) -> int:
    """Let convolutions swallow transpositions of their channels; returns how many went away."""
    made = 0
    for node in [n for n in graph.nodes if n.op == "Transpose" and n.attrs.get("perm") == [0, 2, 1, 3, 4]]:
        made += _into_reader(graph, node) or _into_maker(graph, node)
    if made:
        _join_reshapes(graph)
    graph.cleanup().toposort()
    return made


def _into_reader(graph: gs.Graph, transpose: gs.Node) -> bool:
    """Reshape(Transpose(x)) -> Conv becomes Reshape(x) -> Conv with its input channels reordered."""
    join = _only_reader(graph, transpose.outputs[0])
    conv = _only_reader(graph, join.outputs[0]) if join is not None and join.op == "Reshape" else None
    x = transpose.inputs[0]
    if conv is None or join is None or not _plain(conv) or not _splits_channels(x, join.outputs[0]):
        return False
    _, outer, inner, *_ = x.shape  # the convolution read them as (inner, outer)
    weight = conv.inputs[1]
    old = np.asarray(weight.values)
    new = old.reshape(old.shape[0], inner, outer, *old.shape[2:]).swapaxes(1, 2).reshape(old.shape)
    conv.inputs[1] = gs.Constant(weight.name, np.ascontiguousarray(new))
    transpose.outputs.clear()
    transpose.inputs.clear()
    join.inputs[0] = x
    return True


def _into_maker(graph: gs.Graph, transpose: gs.Node) -> bool:
    """Conv -> Reshape -> Transpose becomes Conv with its output channels reordered -> Reshape."""
    split = _maker(graph, transpose.inputs[0])
    if split is None or split.op != "Reshape" or not _splits_channels(split.outputs[0], split.inputs[0]):
        return False
    conv = _maker(graph, split.inputs[0])
    while conv is not None and conv.op in ONE_BY_ONE_OPS:
        conv = _maker(graph, conv.inputs[0])
    if conv is None or not _plain(conv):
        return False
    _, outer, inner, *_ = split.outputs[0].shape
    for index in range(1, len(conv.inputs)):
        old = np.asarray(conv.inputs[index].values)
        new = old.reshape(outer, inner, *old.shape[1:]).swapaxes(0, 1).reshape(old.shape)
        conv.inputs[index] = gs.Constant(conv.inputs[index].name, np.ascontiguousarray(new))
    out = transpose.outputs[0]
    transpose.outputs.clear()
    split.inputs[1] = gs.Constant(f"{split.name}.shape", np.array(out.shape, np.int64))
    split.outputs[0] = out
    return True


def _join_reshapes(graph: gs.Graph) -> None:
    """Reshape(Reshape(x)) becomes Reshape(x), where the last shape says every size."""
    for node in [n for n in graph.nodes if n.op == "Reshape" and isinstance(n.inputs[1], gs.Constant)]:
        first = _maker(graph, node.inputs[0])
        if first is not None and first.op == "Reshape" and (node.inputs[1].values > 0).all():
            node.inputs[0] = first.inputs[0]


def _splits_channels(five: gs.Tensor, four: gs.Tensor) -> bool:
    return len(five.shape) == 5 and len(four.shape) == 4 and five.shape[3:] == four.shape[2:]


def _plain(node: gs.Node) -> bool:
    return (node.op == "Conv" and node.attrs.get("group", 1) == 1
            and all(isinstance(t, gs.Constant) and len(t.outputs) == 1 for t in node.inputs[1:]))


def _only_reader(graph: gs.Graph, tensor: gs.Tensor) -> gs.Node | None:
    alone = len(tensor.outputs) == 1 and not any(tensor is out for out in graph.outputs)
    return tensor.outputs[0] if alone else None


def _maker(graph: gs.Graph, tensor: gs.Tensor) -> gs.Node | None:
    """The node that makes ``tensor``, if nobody else reads it."""
    return tensor.inputs[0] if len(tensor.inputs) == 1 and _only_reader(graph, tensor) is not None else None

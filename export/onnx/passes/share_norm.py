"""Graph pass: what reads the same vectors through layer normalisations reads one normalisation.

Two attentions normalise the same pixels, each with a scale and shift of its own before its projections. Scale and
shift go into the projections' weights; the rest is the same computation, which is then made once. Projections whose
result is only split are two projections.
"""

from __future__ import annotations

import numpy as np
import onnx_graphsurgeon as gs

from export.onnx.passes.emit import Emitter


def apply(graph: gs.Graph) -> int:
    """Fold scales and shifts, share what is equal then, split projections; returns how many nodes went away."""
    before = len(graph.nodes)
    for norm in [n for n in graph.nodes if n.op == "LayerNormalization"]:
        _fold(graph, norm)
    _share(graph)
    for split in [n for n in graph.nodes if n.op == "Split"]:
        _split_weights(graph, split)
    graph.cleanup().toposort()
    return before - len(graph.nodes)


def _fold(graph: gs.Graph, norm: gs.Node) -> None:
    """LayerNorm(x; scale, shift) -> MatMul(w) -> Add(b): scale and shift into w and b of every reader."""
    out, width = norm.outputs[0], norm.outputs[0].shape[-1]
    constants = [t for t in norm.inputs[1:] if isinstance(t, gs.Constant) and t.values.shape == (width,)]
    readers = [_projection(graph, node, out) for node in out.outputs]
    if len(constants) != 2 or not readers or any(r is None for r in readers) or norm.attrs.get("axis", -1) != -1:
        return
    scale, shift = (np.asarray(t.values, np.float64) for t in constants)
    for reader in readers:
        assert reader is not None
        product, add, bias = reader
        weight = product.inputs[1]
        old = np.asarray(weight.values, np.float64)
        product.inputs[1] = gs.Constant(weight.name, (scale[:, None] * old).astype(np.float32))
        new = (np.asarray(bias.values, np.float64) + shift @ old).astype(np.float32)
        add.inputs = [gs.Constant(bias.name, new) if t is bias else t for t in add.inputs]
    emit = Emitter(graph, norm.name)
    norm.inputs[1] = emit.constant(f"norm/scale_{width}", np.ones(width, np.float32))
    norm.inputs[2] = emit.constant(f"norm/shift_{width}", np.zeros(width, np.float32))


def _projection(graph: gs.Graph, node: gs.Node, x: gs.Tensor) -> tuple[gs.Node, gs.Node, gs.Constant] | None:
    """(MatMul, Add, bias) where ``node`` is a product of ``x`` with weights of its own, followed by a bias."""
    if node.op != "MatMul" or node.inputs[0] is not x or not _own(node.inputs[1]) or node.inputs[1].values.ndim != 2:
        return None
    out = node.outputs[0]
    if len(out.outputs) != 1 or out.outputs[0].op != "Add" or any(out is t for t in graph.outputs):
        return None
    add = out.outputs[0]
    bias = next((t for t in add.inputs if _own(t) and t.values.shape == (out.shape[-1],)), None)
    return (node, add, bias) if bias is not None else None


def _own(tensor: gs.Tensor) -> bool:
    return isinstance(tensor, gs.Constant) and len(tensor.outputs) == 1


def _share(graph: gs.Graph) -> None:
    """Normalisations of one tensor with one scale and shift are one."""
    first: dict[tuple[int, ...], gs.Node] = {}
    for norm in [n for n in graph.nodes if n.op == "LayerNormalization"]:
        kept = first.setdefault(tuple(id(t) for t in norm.inputs), norm)
        if kept is norm or kept.attrs != norm.attrs or any(norm.outputs[0] is t for t in graph.outputs):
            continue
        for reader in list(norm.outputs[0].outputs):
            reader.inputs = [kept.outputs[0] if t is norm.outputs[0] else t for t in reader.inputs]


def _split_weights(graph: gs.Graph, split: gs.Node) -> None:
    """Split(x @ w + b) along the last axis becomes x @ w1 + b1 and x @ w2 + b2."""
    total = split.inputs[0]
    add = total.inputs[0] if len(total.inputs) == 1 and len(total.outputs) == 1 else None
    if add is None or add.op != "Add" or any(total is t for t in graph.outputs):
        return
    found = [_projection(graph, t.inputs[0], t.inputs[0].inputs[0]) for t in add.inputs if len(t.inputs) == 1]
    if len(found) != 1 or found[0] is None or split.attrs.get("axis", 0) not in (-1, len(total.shape) - 1):
        return
    product, _, bias = found[0]
    weight, start = product.inputs[1], 0
    for number, out in enumerate(list(split.outputs)):
        end = start + out.shape[-1]
        emit = Emitter(graph, f"{product.name}/part_{number}")
        stem, _, kind = bias.name.rpartition(".")
        part = emit.matmul("product", product.inputs[0], emit.constant(
            f"{weight.name}/{number}", np.ascontiguousarray(weight.values[:, start:end])))
        share = emit.constant(f"{stem}.{number}.{kind}", np.ascontiguousarray(bias.values[start:end]))
        total_part = emit.node("sum", "Add", [part, share], out.shape)
        writer = total_part.inputs[0]
        split.outputs[split.outputs.index(out)] = gs.Variable(f"{out.name}.gone", out.dtype, out.shape)
        writer.outputs[0] = out
        start = end

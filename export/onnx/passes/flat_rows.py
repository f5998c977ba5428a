"""Graph pass: a batch of one is left out where vectors stand in rows.

ONNX Runtime computes a product with a bias in one node if both are matrices; with a batch before them it puts a
reshaping on either side, hundreds in a network whose attentions are that small. Without the batch there are none, and
a mean over the rows is a product like any other.
"""

from __future__ import annotations

import numpy as np
import onnx_graphsurgeon as gs

from export.onnx.passes.emit import Emitter

ROW_OPS = frozenset({"LayerNormalization", "MatMul", "Add", "Mul", "Div", "Erf", "Relu", "Sigmoid", "Softmax",
                     "Transpose", "ReduceMean"})
"""Operators that mean the same on (N, C) as on (1, N, C)."""
LAST = (-1, 2)


def apply(graph: gs.Graph) -> int:
    """Rewrite every node of ``ROW_OPS`` on (1, N, C); returns how many."""
    graph.toposort()
    rows = _Rows(graph)
    made = sum(rows.flatten(node) for node in list(graph.nodes))
    for reshape in [n for n in graph.nodes if n.op == "Reshape"]:
        rows.read_flat(reshape)
    graph.cleanup().toposort()
    return made


class _Rows:
    """The flat form of every tensor that has one."""

    def __init__(self, graph: gs.Graph) -> None:
        self._graph, self._emit = graph, Emitter(graph, "rows")
        self._flat: dict[int, gs.Variable] = {}
        self._alive: list[gs.Tensor] = []  # ids stay unique as long as these live

    def flatten(self, node: gs.Node) -> bool:
        """Let the node work on matrices, with its old output reshaped from the new one, if it can."""
        if node.op not in ROW_OPS or len(node.outputs) != 1 or not all(self._fits(t) for t in node.inputs):
            return False
        if _beside_convolution(node):
            return False
        axis_free = node.attrs.get("axis", -1) in LAST and node.attrs.get("perm", [0, 2, 1]) == [0, 2, 1]
        if not axis_free or not any(_batch_of_one(t) for t in node.inputs):
            return False
        if node.op == "ReduceMean":
            return self._mean(node)
        out = node.outputs[0]
        if not _batch_of_one(out):
            return False
        node.inputs = [self._flat_of(t) for t in node.inputs]
        if "axis" in node.attrs:
            node.attrs["axis"] = -1
        if node.op == "Transpose":
            node.attrs["perm"] = [1, 0]
        flat = gs.Variable(f"{out.name}.rows", out.dtype, list(out.shape[1:]))
        node.outputs = [flat]
        self._know(out, flat)
        self._graph.nodes.append(gs.Node("Reshape", f"{out.name}.batch", {}, [flat, self._shape(out.shape)], [out]))
        return True

    def read_flat(self, reshape: gs.Node) -> None:
        """Let a reshaping read the flat form of what it reads."""
        source = self._flat.get(id(reshape.inputs[0]))
        if source is not None and reshape.outputs[0] is not source:
            reshape.inputs[0] = source

    def _mean(self, node: gs.Node) -> bool:
        """The mean over the rows of (1, N, C), as (1, C)."""
        x, axes = node.inputs[0], node.inputs[1] if len(node.inputs) > 1 else None
        over = axes.values.tolist() if isinstance(axes, gs.Constant) else None
        if over != [1] or node.attrs.get("keepdims", 1) or node.attrs.get("noop_with_empty_axes", 0):
            return False
        count = x.shape[1]
        share = self._emit.constant(f"rows/mean_{count}", np.full((1, count), 1 / count, np.float32))
        node.op, node.attrs, node.inputs = "MatMul", {}, [share, self._flat_of(x)]
        return True

    def _fits(self, tensor: gs.Tensor) -> bool:
        if isinstance(tensor, gs.Constant):
            return tensor.values.ndim <= 2
        return tensor.shape is not None and (_batch_of_one(tensor) or len(tensor.shape) < 2)

    def _flat_of(self, tensor: gs.Tensor) -> gs.Tensor:
        if not _batch_of_one(tensor):
            return tensor
        if id(tensor) not in self._flat:
            shape = list(tensor.shape[1:])
            flat = gs.Variable(f"{tensor.name}.rows", tensor.dtype, shape)
            source = tensor.inputs[0].inputs[0] if tensor.inputs and tensor.inputs[0].op == "Reshape" else tensor
            self._graph.nodes.append(gs.Node("Reshape", flat.name, {}, [source, self._shape(shape)], [flat]))
            self._know(tensor, flat)
        return self._flat[id(tensor)]

    def _know(self, tensor: gs.Tensor, flat: gs.Variable) -> None:
        self._alive.append(tensor)
        self._flat[id(tensor)] = flat

    def _shape(self, shape: list[int]) -> gs.Constant:
        return self._emit.constant("shape/" + "x".join(map(str, shape)), np.asarray(shape, np.int64))


def _beside_convolution(node: gs.Node) -> bool:
    """A convolution over a line keeps its batch, and with it what is fused with it."""
    around = [maker for t in node.inputs for maker in t.inputs] + [reader for t in node.outputs for reader in t.outputs]
    return node.op != "Transpose" and any(other.op == "Conv" for other in around)


def _batch_of_one(tensor: gs.Tensor) -> bool:
    return (isinstance(tensor, gs.Variable) and tensor.shape is not None and len(tensor.shape) == 3
            and tensor.shape[0] == 1)

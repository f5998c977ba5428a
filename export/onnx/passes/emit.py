"""What passes build with: nodes that carry a name, a static shape and a type, and constants that are shared."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx_graphsurgeon as gs
from numpy.typing import NDArray


class Emitter:
    """Adds nodes to ``graph`` whose names and outputs begin with ``prefix``."""

    def __init__(self, graph: gs.Graph, prefix: str) -> None:
        self._graph, self._prefix = graph, prefix
        self._constants = {c.name: c for c in graph.tensors().values() if isinstance(c, gs.Constant)}

    def constant(self, name: str, values: NDArray[Any]) -> gs.Constant:
        """The constant called ``name``, made from ``values`` the first time; equal names mean equal values."""
        if name not in self._constants:
            self._constants[name] = gs.Constant(name, np.array(values, order="C"))
        return self._constants[name]

    def node(
        self, name: str, op: str, inputs: Sequence[gs.Tensor], shape: Sequence[int], dtype: Any = np.float32,
        domain: str | None = None, **attributes: Any,
    ) -> gs.Variable:
        """Output of a new node ``<prefix>/<name>`` with one output of that shape and type."""
        full = f"{self._prefix}/{name}"
        output = gs.Variable(f"{full}:0", dtype=np.dtype(dtype), shape=list(shape))
        self._graph.nodes.append(
            gs.Node(op, full, attributes, inputs=list(inputs), outputs=[output], domain=domain)
        )
        return output

    def reshape(self, name: str, x: gs.Tensor, shape: Sequence[int]) -> gs.Variable:
        """``x`` with another shape of as many elements."""
        target = self.constant("shape/" + "x".join(map(str, shape)), np.asarray(shape, dtype=np.int64))
        return self.node(name, "Reshape", [x, target], shape, x.dtype)

    def transpose(self, name: str, x: gs.Tensor, order: Sequence[int]) -> gs.Variable:
        """``x`` with its axes in another order."""
        return self.node(name, "Transpose", [x], [x.shape[axis] for axis in order], x.dtype, perm=list(order))

    def matmul(self, name: str, left: gs.Tensor, right: gs.Tensor) -> gs.Variable:
        """Matrix product over the last two axes; the other axes are the longer operand's."""
        batch = max(left.shape[:-2], right.shape[:-2], key=len)
        return self.node(name, "MatMul", [left, right], [*batch, left.shape[-2], right.shape[-1]])

    def multiply(self, name: str, x: gs.Tensor, by: gs.Tensor) -> gs.Variable:
        """``x * by``, where ``by`` broadcasts to the shape of ``x``."""
        return self.node(name, "Mul", [x, by], x.shape, x.dtype)


def replace(node: gs.Node, by: gs.Variable) -> None:
    """Let ``by`` take the place of the only output of ``node``, under that output's name, and unhook ``node``."""
    old = node.outputs[0]
    producer = by.inputs[0]
    old.shape, old.dtype = by.shape, by.dtype
    node.outputs.clear()
    node.inputs.clear()
    producer.outputs[0] = old

"""Graph pass: a convolution with few output channels gets zero ones, up to what one integer kernel writes at once.

ONNX Runtime's convolution kernels for signed weights start at 16 channels; below, it copies every neighbourhood first.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import onnx_graphsurgeon as gs

from export.onnx.passes.emit import Emitter

LEAST = 16


def apply(graph: gs.Graph, leave: Collection[str] = ()) -> int:
    """Pad every convolution over neighbourhoods that writes less than ``LEAST`` channels; returns how many.

    Args:
        leave: names of nodes that stay in floating point, where there is nothing to gain.
    """
    made = 0
    for node in [n for n in graph.nodes if n.op == "Conv" and n.attrs.get("group", 1) == 1 and n.name not in leave]:
        weight = node.inputs[1]
        if not all(isinstance(t, gs.Constant) for t in node.inputs[1:]) or weight.values.ndim != 4:
            continue
        outside = weight.values.shape[0]
        if outside >= LEAST or weight.values[0, 0].size == 1:
            continue
        for index in range(1, len(node.inputs)):
            old = np.asarray(node.inputs[index].values)
            wide = np.zeros((LEAST, *old.shape[1:]), old.dtype)
            wide[:outside] = old
            node.inputs[index] = gs.Constant(node.inputs[index].name, wide)
        out = node.outputs[0]
        padded = gs.Variable(f"{out.name}.padded", out.dtype, [out.shape[0], LEAST, *out.shape[2:]])
        emit = Emitter(graph, f"{node.name}/written")
        ends = [emit.constant(f"{node.name}/{n}", np.array([v], np.int64))
                for n, v in (("start", 0), ("end", outside), ("axis", 1))]
        sliced = emit.node("slice", "Slice", [padded, *ends], out.shape, out.dtype)
        writer = sliced.inputs[0]
        node.outputs[0] = padded
        writer.outputs[0] = out
        made += 1
    graph.cleanup().toposort()
    return made

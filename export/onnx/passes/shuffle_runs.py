"""Graph pass: a pixel shuffle behind a convolution becomes one move of runs of channels, with pixels last.

``DepthToSpace`` moves single values, and ONNX Runtime's kernel does it slowly. With the convolution's channels in the
order (row, column, channel) and the map turned to (H, W, C), which is how integer kernels write it anyway, half of the
shuffle is no move at all and the other half moves runs of 2C values.
"""

from __future__ import annotations

import numpy as np
import onnx_graphsurgeon as gs

from export.onnx.passes.emit import Emitter, replace

BLOCK = 2
SHORTEST = 16
"""Values in a run: shorter ones are moved one by one, and nothing is gained."""


def apply(graph: gs.Graph) -> int:
    """Rewrite every shuffle by two behind a convolution that nothing else reads; returns how many."""
    made = 0
    for node in [n for n in graph.nodes if n.op == "DepthToSpace"]:
        conv = node.inputs[0].inputs[0] if len(node.inputs[0].inputs) == 1 else None
        if not _fits(graph, node, conv):
            continue
        assert conv is not None
        batch, channels, height, width = node.inputs[0].shape
        out = channels // BLOCK**2
        if node.attrs.get("mode", "DCR") in ("CRD", b"CRD"):
            _rows_columns_channels(conv, out)
        emit = Emitter(graph, node.name)
        last = emit.transpose("pixels_last", conv.outputs[0], [0, 2, 3, 1])
        runs = emit.reshape("runs", last, [batch, height, width, BLOCK, BLOCK * out])
        rows = emit.transpose("rows", runs, [0, 1, 3, 2, 4])
        wide = emit.reshape("wide", rows, [batch, BLOCK * height, BLOCK * width, out])
        replace(node, emit.transpose("channels_first", wide, [0, 3, 1, 2]))
        made += 1
    graph.cleanup().toposort()
    return made


def _fits(graph: gs.Graph, node: gs.Node, conv: gs.Node | None) -> bool:
    return (conv is not None and conv.op == "Conv" and conv.attrs.get("group", 1) == 1
            and int(node.attrs["blocksize"]) == BLOCK and node.outputs[0].shape[1] * BLOCK >= SHORTEST
            and len(node.inputs[0].outputs) == 1
            and not any(node.inputs[0] is out for out in graph.outputs)
            and all(isinstance(t, gs.Constant) and len(t.outputs) == 1 for t in conv.inputs[1:]))


def _rows_columns_channels(conv: gs.Node, out: int) -> None:
    """Output channels (channel, row, column) to (row, column, channel)."""
    for index in range(1, len(conv.inputs)):
        old = np.asarray(conv.inputs[index].values)
        new = np.moveaxis(old.reshape(out, BLOCK**2, *old.shape[1:]), 0, 1).reshape(old.shape)
        conv.inputs[index] = gs.Constant(conv.inputs[index].name, np.ascontiguousarray(new))

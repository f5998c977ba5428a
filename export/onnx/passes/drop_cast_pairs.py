"""Graph pass: a cast to 16 bits and straight back to 32 goes away, and with it the rounding.

ONNX Runtime's FP16 converter puts a cast before and after every node that stays in FP32, also between two of them and
before an output: what was to keep its 32 bits would be rounded at every step.
"""

from __future__ import annotations

import numpy as np
import onnx_graphsurgeon as gs
from onnx import TensorProto

HALF = {int(TensorProto.FLOAT16), np.float16, np.dtype(np.float16)}
FULL = {int(TensorProto.FLOAT), np.float32, np.dtype(np.float32)}


def apply(graph: gs.Graph) -> int:
    """Let whoever reads Cast32(Cast16(x)) read x, where x is in 32 bits; returns how many pairs went away."""
    dropped = 0
    outputs = {id(t) for t in graph.outputs}
    for back in [n for n in graph.nodes if n.op == "Cast" and n.attrs["to"] in FULL]:
        there = back.inputs[0].inputs[0] if back.inputs[0].inputs else None
        if there is None or there.op != "Cast" or there.attrs["to"] not in HALF:
            continue
        source, result = there.inputs[0], back.outputs[0]
        if source.dtype not in FULL:
            continue
        if id(result) in outputs:
            if not source.inputs or id(source) in outputs:
                continue
            _take_over(source, result)
        else:
            for reader in list(result.outputs):
                reader.inputs = [source if tensor is result else tensor for tensor in reader.inputs]
            back.outputs.clear()
        dropped += 1
    graph.cleanup().toposort()
    return dropped


def _take_over(source: gs.Tensor, output: gs.Tensor) -> None:
    """The maker of ``source`` makes the graph's ``output`` itself, and everybody else reads that."""
    output.inputs.clear()
    maker = source.inputs[0]
    maker.outputs = [output if tensor is source else tensor for tensor in maker.outputs]
    for reader in list(source.outputs):
        reader.inputs = [output if tensor is source else tensor for tensor in reader.inputs]

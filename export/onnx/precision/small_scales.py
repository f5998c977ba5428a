"""Scales that 16 bits cannot hold, lifted to the smallest that they can.

A channel whose weights died in training has a scale of next to nothing. Its integers shrink by as much as its scale
grows, so what it stands for moves by less than the smallest FP16 number.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import onnx
from onnx import numpy_helper

SMALLEST: Final = float(np.finfo(np.float16).tiny)
"""6.1e-5: the smallest normal FP16 number; below it precision goes."""


def lift_small_scales(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy of an INT8 ``model`` with every scale of its Q and DQ nodes at least ``SMALLEST``.

    Weights are (..., channel, ...) int8 initialisers in front of a DequantizeLinear, scaled along its ``axis``.
    """
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    constants = {tensor.name: tensor for tensor in copy.graph.initializer}
    lifted: dict[str, np.ndarray] = {}
    for node in copy.graph.node:
        if node.op_type not in ("QuantizeLinear", "DequantizeLinear") or node.input[1] not in constants:
            continue
        name = node.input[1]
        if name not in lifted:
            old = numpy_helper.to_array(constants[name])
            new = np.maximum(old, np.float32(SMALLEST)).astype(old.dtype)
            lifted[name] = old / new
            if (old < new).any():
                constants[name].CopyFrom(numpy_helper.from_array(new, name))
        weights = constants.get(node.input[0])
        if weights is not None and (lifted[name] < 1).any():
            values = numpy_helper.to_array(weights)
            axis = next((a.i for a in node.attribute if a.name == "axis"), 1)
            share = lifted[name]
            if share.ndim:
                share = share.reshape([-1 if i == axis % values.ndim else 1 for i in range(values.ndim)])
            shrunk = np.rint(values * share).astype(values.dtype)
            weights.CopyFrom(numpy_helper.from_array(shrunk, weights.name))
    return copy

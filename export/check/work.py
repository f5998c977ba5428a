"""How much arithmetic a graph is: its multiply-adds, counted from the shapes of its products and convolutions.

Additions, activations, normalisations and resampling are left out, as is usual: they are not what a processor is slow
at for their number.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import Final

import onnx
from onnx import ModelProto, NodeProto

Shape = Sequence[int]

# Which input holds the weights (or the right-hand side of a product): the quantised forms have scales in between.
_CONVOLUTIONS: Final = {"Conv": 1, "ConvInteger": 1, "QLinearConv": 3, "FusedConv": 1, "NhwcFusedConv": 1}
_PRODUCTS: Final = {"MatMul": 0, "MatMulInteger": 0, "QLinearMatMul": 0, "FusedMatMul": 0, "Gemm": 0}


def multiply_adds(model: ModelProto) -> int | None:
    """Multiply-adds of one run of ``model``; None where a shape that is needed is not known."""
    try:
        graph = onnx.shape_inference.infer_shapes(model, data_prop=True).graph
    except onnx.shape_inference.InferenceError:
        return None
    shapes: dict[str, Shape] = {tensor.name: tuple(tensor.dims) for tensor in graph.initializer}
    for value in (*graph.input, *graph.output, *graph.value_info):
        sizes = [d.dim_value for d in value.type.tensor_type.shape.dim]
        if value.type.tensor_type.HasField("shape") and all(sizes):
            shapes[value.name] = tuple(sizes)
    counts = [_of_node(node, shapes) for node in graph.node]
    return None if None in counts else sum(count for count in counts if count)


def _of_node(node: NodeProto, shapes: Mapping[str, Shape]) -> int | None:
    if node.op_type in _CONVOLUTIONS:
        weights, out = shapes.get(node.input[_CONVOLUTIONS[node.op_type]]), shapes.get(node.output[0])
        # Every output value is a product over the weights of its own channel: (inside / groups) x kernel.
        return None if weights is None or out is None else prod(out) * prod(weights[1:])
    if node.op_type == "ConvTranspose":
        weights, given = shapes.get(node.input[1]), shapes.get(node.input[0])
        return None if weights is None or given is None else prod(given) * prod(weights[1:])
    if node.op_type in _PRODUCTS:
        left, out = shapes.get(node.input[_PRODUCTS[node.op_type]]), shapes.get(node.output[0])
        turned = any(a.name == "transA" and a.i for a in node.attribute)
        return None if not left or out is None else prod(out) * left[-2 if turned else -1]
    return 0

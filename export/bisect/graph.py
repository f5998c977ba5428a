"""Two ONNX files as lists of tensors that can be compared: those that a node of each produces under one name.

Passes and quantisers keep the names of the tensors that they leave in place, so these are cuts through both graphs.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import onnx

from edge.errors import BundleError, UsageError
from edge.runtime.stages import STAGES

_FLOATS: Final = {onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16, onnx.TensorProto.DOUBLE, onnx.TensorProto.BFLOAT16}
_PLUMBING: Final = frozenset({"Constant", "Cast", "QuantizeLinear", "DequantizeLinear", "Identity", "Shape"})
"""Nodes that compute nothing of their own; what they cost shows at the next one."""


@dataclass(frozen=True)
class Point:
    """A tensor of both files. index: of the node in A's order; node, op: of A. bytes: of one value of it in FP32."""

    index: int
    node: str
    op: str
    tensor: str
    bytes: int


def load_stage(path: Path) -> tuple[onnx.ModelProto, str]:
    """An ONNX file and the stage that it is.

    Raises:
        BundleError: no ONNX file, or of no stage.
    """
    try:
        model = onnx.load(path)
    except Exception as failure:  # protobuf and the file system have no common base class
        raise BundleError("the ONNX file cannot be read", where=str(path), expected="an ONNX model",
                          found=" ".join(str(failure).split())[:120] or type(failure).__name__,
                          mend="give a file that latx-export wrote") from None
    names = {value.name for value in model.graph.input}
    for stage, rule in STAGES.items():
        if names == {tensor.name for tensor in rule.inputs}:
            return model, stage
    raise BundleError("the ONNX file is no stage of the model", where=str(path),
                      expected=" or ".join(", ".join(t.name for t in rule.inputs) for rule in STAGES.values()),
                      found=", ".join(sorted(names)) or "no inputs", mend="give a file that latx-export wrote")


def shared_points(a: onnx.ModelProto, b: onnx.ModelProto) -> list[Point]:
    """Every point of both files, in the order of A's nodes.

    Raises:
        UsageError: the files have no tensor name in common.
    """
    types = _types(a)
    in_b = {name for node in b.graph.node for name in node.output}
    points = [
        Point(index, node.name or f"#{index}", node.op_type, name, types[name][1])
        for index, node in enumerate(a.graph.node) if node.op_type not in _PLUMBING
        for name in node.output if name in in_b and name in types and types[name][0] in _FLOATS
    ]
    if not points:
        raise UsageError("the two files have no tensor in common", expected="two forms of one export",
                         found="no shared name", mend="compare files that were made from each other")
    return points


def expose(model: onnx.ModelProto, tensors: list[str]) -> bytes:
    """The model with ``tensors`` as its only outputs."""
    exposed = onnx.ModelProto()
    exposed.CopyFrom(model)
    known = {value.name: value for value in (*model.graph.value_info, *model.graph.output)}
    del exposed.graph.output[:]
    exposed.graph.output.extend(known.get(name, onnx.ValueInfoProto(name=name)) for name in tensors)
    return bytes(exposed.SerializeToString())


def spliced(model: onnx.ModelProto, tensor: str, shape: tuple[int, ...]) -> bytes:
    """The model with ``tensor`` (float32 here) as one more input in place of what its node computes."""
    changed = onnx.ModelProto()
    changed.CopyFrom(model)
    for node in changed.graph.node:
        for i, name in enumerate(node.output):
            if name == tensor:
                node.output[i] = f"{tensor}__own"
    wanted = {value.name for value in changed.graph.output}
    changed.graph.input.append(onnx.helper.make_tensor_value_info(tensor, onnx.TensorProto.FLOAT, shape))
    if tensor in wanted:  # an output that is now an input is handed through
        for value in changed.graph.output:
            if value.name == tensor:
                value.name = f"{tensor}__out"
        changed.graph.node.append(onnx.helper.make_node("Identity", [tensor], [f"{tensor}__out"]))
    return bytes(changed.SerializeToString())


def _types(model: onnx.ModelProto) -> dict[str, tuple[int, int]]:
    """Element type and bytes in FP32 of every tensor whose shape can be inferred."""
    inferred = onnx.shape_inference.infer_shapes(model)
    types = {}
    for value in (*inferred.graph.value_info, *inferred.graph.output):
        tensor = value.type.tensor_type
        sizes = [d.dim_value for d in tensor.shape.dim]
        types[value.name] = (tensor.elem_type, 4 * int(np.prod(sizes, dtype=np.int64)))
    return types

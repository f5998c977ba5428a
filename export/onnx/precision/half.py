"""The FP16 form of a stage: casts written into the graph by ONNX Runtime's converter, inputs and outputs in FP32."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from typing import Final

import onnx
import onnx_graphsurgeon as gs

from export.onnx.passes import drop_cast_pairs
from export.onnx.precision.prepare import graph_of, model_of, with_shapes

FULL_OPS: Final = ("GridSample", "Resize")
"""Operators that always stay in FP32: 16 bits cannot name a column to a thousandth."""


def write_half(model: onnx.ModelProto, keep: Iterable[str] = ()) -> onnx.ModelProto:
    """A copy of ``model`` in FP16 except for ``FULL_OPS`` and the nodes named in ``keep``."""
    from onnxruntime.transformers.float16 import DEFAULT_OP_BLOCK_LIST, convert_float_to_float16

    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # one line for every weight too small for 16 bits
        half = convert_float_to_float16(
            copy, keep_io_types=True, op_block_list=[*DEFAULT_OP_BLOCK_LIST, *FULL_OPS], node_block_list=list(keep),
        )
    del half.graph.value_info[:]  # shapes stay true, but the converter leaves some types behind
    in_order = model_of(gs.import_onnx(half).toposort(), model)  # the converter appends its casts at the end
    graph = graph_of(in_order)
    drop_cast_pairs.apply(graph)
    return with_shapes(model_of(graph, model))

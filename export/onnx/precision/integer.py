"""The INT8 forms of a stage, written by ONNX Runtime's quantiser from one set of ranges.

Two forms, since no graph is fast in both runtimes: ONNX Runtime's CPU kernels want unsigned activations and whole
chains in integers (U8S8); TensorRT takes signed symmetric pairs without zero points, before the layers that it runs
in INT8 and nowhere else (S8S8).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import onnx

if TYPE_CHECKING:
    from onnxruntime.quantization.calibrate import TensorsData

CHAIN_OPS: Final = ("Add", "Relu", "Concat", "DepthToSpace", "Transpose", "Reshape", "Slice")
"""Operators that ONNX Runtime runs in integers between integer layers; the last four only move values."""
IMAGE_RANKS: Final = (4, 5)
"""A map, and a map whose pixels stand in runs (``export.onnx.passes.shuffle_runs``)."""


@dataclass(frozen=True)
class IntegerForm:
    """How a runtime wants its integers. ``chains``: also what lies between two integer layers."""

    activations: str
    chains: bool
    options: dict[str, Any] = field(default_factory=dict)


FORMS: Final = {
    "int8-cpu": IntegerForm("QUInt8", chains=True),
    "int8": IntegerForm("QInt8", chains=False, options={
        "ActivationSymmetric": True, "WeightSymmetric": True, "QuantizeBias": False, "DedicatedQDQPair": True,
        "AddQDQPairToWeight": False, "OpTypesToExcludeOutputQuantization": ["Conv", "MatMul", "Gemm"],
    }),
}
"""By the name that the manifest gives the precision."""


def write_integer(model: onnx.ModelProto, nodes: Iterable[str], ranges: TensorsData, form: str) -> onnx.ModelProto:
    """A copy of ``model`` in which the layers ``nodes`` (names) run in INT8, per-channel weights.

    Args:
        ranges: of ``calib.quantize.ranges`` for this very model.
        form: a key of ``FORMS``.
    """
    from onnxruntime.quantization import QuantType
    from onnxruntime.quantization.qdq_quantizer import QDQQuantizer

    rules, chosen = FORMS[form], set(nodes)
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    if not chosen:
        return copy
    if rules.chains:
        chosen |= chain_between(copy, chosen)
    ops = sorted({node.op_type for node in copy.graph.node if node.name in chosen})
    quantiser = QDQQuantizer(
        copy, per_channel=True, reduce_range=False, weight_qType=QuantType.QInt8,
        activation_qType=QuantType[rules.activations], tensors_range=ranges, nodes_to_quantize=sorted(chosen),
        nodes_to_exclude=[], op_types_to_quantize=ops, extra_options=dict(rules.options),
    )
    quantiser.quantize_model()
    quantiser.model.topological_sort()  # its pairs are appended at the end, which ONNX's checker refuses
    quantiser.model.topological_sort()  # the quantiser appends what it inserts
    written = quantiser.model.model
    _spare_float_readers(written, chosen)
    written.producer_name = model.producer_name
    return written


def _spare_float_readers(model: onnx.ModelProto, integer: set[str]) -> None:
    """Let what stays in floating point read what was written in floating point, not what an integer layer made of it.

    The quantiser puts its pair before every reader of a tensor. A skin profile or a residual sum beside an integer
    convolution would get 8 bits, too, and pay for being given them.
    """
    maker = {name: node for node in model.graph.node for name in node.output}
    unread: list[onnx.NodeProto] = []
    for node in [n for n in model.graph.node if n.op_type == "DequantizeLinear"]:
        pair = maker.get(node.input[0])
        if pair is None or pair.op_type != "QuantizeLinear":
            continue
        source = pair.input[0]
        if source in maker and maker[source].name in integer:
            continue
        readers = [n for n in model.graph.node if node.output[0] in n.input]
        for reader in (n for n in readers if n.name not in integer):
            reader.input[:] = [source if name == node.output[0] else name for name in reader.input]
        if all(n.name not in integer for n in readers):
            unread.append(node)
    for node in unread:
        model.graph.node.remove(node)


def chain_between(model: onnx.ModelProto, layers: set[str]) -> set[str]:
    """Names of the ``CHAIN_OPS`` nodes on images whose makers and readers all are integer layers or of the chain.

    Args:
        model: with the shape of every tensor, see ``export.onnx.precision.prepare``.
    """
    ranks = {v.name: len(v.type.tensor_type.shape.dim) for v in model.graph.value_info}
    outputs = {v.name for v in model.graph.output}
    constants = {i.name for i in model.graph.initializer}
    maker = {name: node.name for node in model.graph.node for name in node.output}
    readers: dict[str, set[str]] = {}
    for node in model.graph.node:
        for name in node.input:
            readers.setdefault(name, set()).add(node.name)
    chain = {n.name: n for n in model.graph.node if n.op_type in CHAIN_OPS and ranks.get(n.output[0]) in IMAGE_RANKS}
    while True:
        inside = layers | set(chain)
        broken = [
            name for name, node in chain.items()
            if node.output[0] in outputs
            or not readers.get(node.output[0], set()) or not readers[node.output[0]] <= inside
            or not all(maker.get(source) in inside for source in node.input if source not in constants)
        ]
        if not broken:
            return set(chain)
        for name in broken:
            del chain[name]

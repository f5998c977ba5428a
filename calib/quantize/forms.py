"""The files that one bundle gets: FP16, INT8 for the CPU, INT8 for TensorRT; and what a manifest says of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import onnx

from calib.quantize.decide import Decision, StageDecider
from calib.quantize.drift import Drift
from edge.errors import BundleError
from export.onnx.precision.half import FULL_OPS, write_half
from export.onnx.precision.layers import head_nodes, layers_of
from export.onnx.precision.prepare import graph_of
from export.onnx.precision.small_scales import lift_small_scales

HALF_LIMITS = {"structure": (0.1, 1.0), "radiograph": (0.01, 0.5)}
"""Drift that FP16 may cause: mean and worst degrees; root mean square and largest share of the picture's range."""
QDQ_OPSET = 19
"""The first in which QuantizeLinear and DequantizeLinear take FP16 scales."""


@dataclass(frozen=True)
class StageFile:
    """One stage in one precision. wider: layer -> (precision, reason)."""

    stage: str
    precision: str
    model: onnx.ModelProto = field(repr=False)
    narrow_layers: int
    wider: dict[str, tuple[str, str]]
    drift: Drift


def half_file(decider: StageDecider, model: onnx.ModelProto) -> StageFile:
    """The FP16 file: landmark heads and grid samples stay in FP32.

    Raises:
        BundleError: FP16 moves the angles or the picture too far all the same.
    """
    graph = graph_of(model)
    keep, layers = head_nodes(graph), layers_of(graph)
    half = write_half(model, keep)
    drift = decider.meter.measure(half)
    mean, worst = HALF_LIMITS[decider.stage]
    if drift.mean > mean or drift.worst > worst:
        raise BundleError(f"stage {decider.stage} does not bear FP16", expected=f"drift within {mean:g} ({worst:g})",
                          found=f"{drift.mean:.3g} ({drift.worst:.3g})", mend="report the bundle")
    reason = "landmark head: 16 bits round positions to a quarter of a millimetre"
    wider = {layer.name: ("fp32", reason) for layer in layers if layer.node in keep}
    wider |= {n.name: ("fp32", "16 bits are too coarse for coordinates") for n in graph.nodes if n.op in FULL_OPS}
    narrow = sum(layer.node not in keep for layer in layers)
    return StageFile(decider.stage, "fp16", half, narrow, wider, drift)


def cpu_file(decision: Decision) -> StageFile:
    """The U8S8 file of a decision: what is not INT8 is FP32."""
    wider = {layer: ("fp32", reason) for layer, reason in decision.wider.items()}
    return StageFile(decision.stage, "int8-cpu", decision.model, len(decision.narrow), wider, decision.drift)


def tensorrt_file(decision: Decision, decider: StageDecider) -> StageFile:
    """The S8S8 file of a decision: what is not INT8 is FP16, except for landmark heads and grid samples."""
    newer = onnx.version_converter.convert_version(lift_small_scales(decision.model), QDQ_OPSET)
    onnx.helper.set_model_props(newer, {p.key: p.value for p in decision.model.metadata_props})
    keep = head_nodes(graph_of(newer))
    model = write_half(newer, keep)
    kept = {layer.name for layer in layers_of(graph_of(newer)) if layer.node in keep}
    wider = {layer: ("fp32" if layer in kept else "fp16", why) for layer, why in decision.wider.items()}
    return StageFile(decision.stage, "int8", model, len(decision.narrow), wider, decider.meter.measure(model))


def drift_of(files: Sequence[StageFile], views: int) -> dict[str, float]:
    """For the manifest, of both stages' files of one precision."""
    drift = {file.stage: file.drift for file in files}
    angles, picture = drift["structure"], drift["radiograph"]
    return {
        "angles_mean_deg": round(angles.mean, 5), "angles_worst_deg": round(angles.worst, 5),
        "picture_rms_of_range": round(picture.mean, 6), "picture_worst_of_range": round(picture.worst, 6),
        "views": float(views),
    }

"""What a layer costs alone in FP32 and in INT8 on this machine's CPU, so that only layers that gain are narrowed.

Processor time on one thread, the least of many runs: it tells the kernels apart on a busy machine, too. The INT8 time
holds quantising the input and dequantising the output, which a layer between two integer layers does not pay.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from calib.quantize.drift import session_of
from export.onnx.precision.integer import write_integer

ROUNDS: Final = 15
TIE: Final = 1.1
"""A layer that is left out between two integer layers makes both dequantise and quantise again."""
BURST: Final = 3
"""Runs per reading of the clock."""


@dataclass(frozen=True)
class LayerTime:
    """Milliseconds of one layer alone."""

    fp32_ms: float
    int8_ms: float

    @property
    def gains(self) -> bool:
        """Whether INT8 is faster, or not slower by more than a broken chain would cost its neighbours."""
        return self.int8_ms < TIE * self.fp32_ms


class LayerClock:
    """Times the layers of a prepared stage; layers of one kind and size are timed once."""

    def __init__(self, model: onnx.ModelProto) -> None:
        values = (*model.graph.value_info, *model.graph.input, *model.graph.output)
        self._shapes = {v.name: [d.dim_value for d in v.type.tensor_type.shape.dim] for v in values}
        self._weights = {i.name: i for i in model.graph.initializer}
        self._nodes = {node.name: node for node in model.graph.node}
        self._opsets = list(model.opset_import)
        self._known: dict[str, LayerTime] = {}

    def time(self, name: str) -> LayerTime:
        """Times of the layer with that node name."""
        node = self._nodes[name]
        shapes = [list(self._weights[t].dims) if t in self._weights else self._shapes[t] for t in node.input]
        attributes = sorted(helper.printable_attribute(a) for a in node.attribute)
        kind = f"{node.op_type} {shapes} {attributes}"
        if kind not in self._known:
            self._known[kind] = self._measure(node, shapes)
        return self._known[kind]

    def _measure(self, node: onnx.NodeProto, shapes: list[list[int]]) -> LayerTime:
        from onnxruntime.quantization import CalibrationMethod
        from onnxruntime.quantization.calibrate import TensorData, TensorsData

        rng = np.random.default_rng(0)
        free = [(t, s) for t, s in zip(node.input, shapes, strict=True) if t not in self._weights]
        feeds: dict[str, Any] = {t: rng.uniform(0, 1, s).astype(np.float32) for t, s in free}
        initialisers = [
            numpy_helper.from_array(rng.normal(0, 0.05, s).astype(np.float32), t)
            for t, s in zip(node.input, shapes, strict=True) if t in self._weights
        ]
        inputs = [helper.make_tensor_value_info(t, TensorProto.FLOAT, s) for t, s in free]
        output = helper.make_tensor_value_info(node.output[0], TensorProto.FLOAT, self._shapes[node.output[0]])
        graph = helper.make_graph([node], "layer", inputs, [output], initialisers)
        alone = helper.make_model(graph, opset_imports=self._opsets, ir_version=9)
        spans = {t: (0.0, 1.0) for t, _ in free} | {node.output[0]: (-4.0, 4.0)}
        ranges = TensorsData(CalibrationMethod.MinMax, {
            t: TensorData(lowest=np.float32(low), highest=np.float32(high)) for t, (low, high) in spans.items()
        })
        integer = write_integer(alone, [node.name], ranges, "int8-cpu")
        return LayerTime(*_least_ms([session_of(alone), session_of(integer)], feeds))


def _least_ms(sessions: list[Any], feeds: dict[str, Any]) -> tuple[float, float]:
    """Least processor time of each of two sessions, which take turns."""
    least = [np.inf, np.inf]
    for _ in range(ROUNDS):
        for index, session in enumerate(sessions):
            start = time.process_time()
            for _ in range(BURST):
                session.run(None, feeds)
            least[index] = min(least[index], (time.process_time() - start) * 1e3 / BURST)
    return float(least[0]), float(least[1])

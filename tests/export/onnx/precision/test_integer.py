"""What becomes integers, and what beside it does not get to feel it."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import CalibrationMethod
from onnxruntime.quantization.calibrate import TensorData, TensorsData

from export.onnx.precision.integer import write_integer
from export.onnx.precision.prepare import with_shapes

RNG = np.random.default_rng(2)


def two_readers() -> onnx.ModelProto:
    """x is convolved twice in a row, and read beside it; so is what the first convolution gives."""
    nodes = [helper.make_node("Conv", ["x", "w1", "b1"], ["first"], "one", pads=[1] * 4),
             helper.make_node("Conv", ["first", "w2", "b2"], ["second"], "two", pads=[1] * 4),
             helper.make_node("Sin", ["x"], ["beside_x"], "reads_x"),
             helper.make_node("Sin", ["first"], ["beside_first"], "reads_first")]
    shape = [1, 16, 6, 4]
    weights = [numpy_helper.from_array(RNG.normal(0, 0.1, s).astype(np.float32), n)
               for n, s in (("w1", (16, 16, 3, 3)), ("b1", (16,)), ("w2", (16, 16, 3, 3)), ("b2", (16,)))]
    x, *outputs = (helper.make_tensor_value_info(n, TensorProto.FLOAT, shape)
                   for n in ("x", "second", "beside_x", "beside_first"))
    graph = helper.make_graph(nodes, "two_readers", [x], outputs, weights)
    return with_shapes(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9))


def ranges() -> TensorsData:
    return TensorsData(CalibrationMethod.MinMax, {
        name: TensorData(lowest=np.float32(-4), highest=np.float32(4)) for name in ("x", "first", "second")})


@pytest.mark.parametrize("form", ["int8-cpu", "int8"])
def test_what_reads_a_tensor_in_floating_point_beside_an_integer_layer_gets_it_whole(form: str) -> None:
    model = write_integer(two_readers(), ["one", "two"], ranges(), form)
    onnx.checker.check_model(model, full_check=True)
    reader = {node.name: node.input[0] for node in model.graph.node}
    assert reader["reads_x"] == "x"
    assert reader["one"] != "x"
    read = {name for node in model.graph.node for name in node.input} | {o.name for o in model.graph.output}
    assert all(set(node.output) & read for node in model.graph.node), "a node that nobody reads is left over"


def test_what_reads_an_integer_layer_s_result_reads_integers_on_the_cpu() -> None:
    """The layer writes 8 bits and nothing else: there is nothing finer to read."""
    model = write_integer(two_readers(), ["one", "two"], ranges(), "int8-cpu")
    reader = {node.name: node.input[0] for node in model.graph.node}
    assert reader["reads_first"] != "first"


def test_without_layers_nothing_changes() -> None:
    model = two_readers()
    assert write_integer(model, [], ranges(), "int8-cpu") == model

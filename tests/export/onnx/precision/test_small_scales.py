"""Scales below FP16's smallest number are lifted, and what the integers stand for stays."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from export.onnx.precision.small_scales import SMALLEST, lift_small_scales


def weights_model(scale: np.ndarray) -> onnx.ModelProto:
    """``y = dequantized (3, 4) int8 weights``, scaled along axis 0."""
    weights = np.arange(-6, 6, dtype=np.int8).reshape(3, 4)
    node = helper.make_node("DequantizeLinear", ["w_quantized", "w_scale", "w_zero_point"], ["y"], axis=0)
    constants = [numpy_helper.from_array(weights, "w_quantized"), numpy_helper.from_array(scale, "w_scale"),
                 numpy_helper.from_array(np.zeros(3, np.int8), "w_zero_point")]
    output = helper.make_tensor_value_info("y", TensorProto.FLOAT, [3, 4])
    graph = helper.make_graph([node], "weights", [], [output], constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 19)])


def scales_of(model: onnx.ModelProto) -> np.ndarray:
    return next(numpy_helper.to_array(t) for t in model.graph.initializer if t.name == "w_scale")


def test_a_dead_channel_is_lifted_and_the_others_are_left_alone() -> None:
    given = weights_model(np.array([0.5, 4e-8, 3e-5], np.float32))
    lifted = lift_small_scales(given)
    assert scales_of(lifted).tolist() == np.array([0.5, SMALLEST, SMALLEST], np.float32).tolist()
    before, after = (ReferenceEvaluator(m).run(None, {})[0] for m in (given, lifted))
    np.testing.assert_array_equal(after[0], before[0])
    np.testing.assert_allclose(after, before, atol=SMALLEST)
    assert scales_of(given)[1] == np.float32(4e-8)  # the model that was given stays


def test_scales_that_16_bits_hold_are_not_touched() -> None:
    given = weights_model(np.array([0.5, 1e-3, 2.0], np.float32))
    assert lift_small_scales(given) == given

"""What stays in 32 bits is not rounded to 16 on the way."""

from __future__ import annotations

import numpy as np
import onnx_graphsurgeon as gs
from onnx import TensorProto

from export.onnx.passes import drop_cast_pairs


def chain(last_is_output=True):
    x = gs.Variable("x", np.float32, [4])
    names = ("a", np.float32), ("b", np.float16), ("c", np.float32), ("y", np.float32)
    a, b, c, y = (gs.Variable(n, t, [4]) for n, t in names)
    nodes = [gs.Node("Relu", "first", {}, [x], [a]),
             gs.Node("Cast", "down", {"to": int(TensorProto.FLOAT16)}, [a], [b]),
             gs.Node("Cast", "up", {"to": int(TensorProto.FLOAT)}, [b], [c])]
    if last_is_output:
        return gs.Graph(nodes, [x], [c], opset=18)
    return gs.Graph([*nodes, gs.Node("Relu", "second", {}, [c], [y])], [x], [y], opset=18)


def test_a_pair_between_two_nodes_and_one_before_an_output_go_away() -> None:
    for last_is_output in (True, False):
        graph = chain(last_is_output)
        assert drop_cast_pairs.apply(graph) == 1
        assert "Cast" not in {n.op for n in graph.nodes}
        assert graph.outputs[0].name == ("c" if last_is_output else "y")
        assert graph.outputs[0].inputs[0].op == "Relu"


def test_a_cast_of_what_was_in_16_bits_stays() -> None:
    graph = chain()
    graph.tensors()["a"].dtype = np.float16
    assert drop_cast_pairs.apply(graph) == 0

"""Two attentions' normalisations of one tensor become one, and the answer stays the same."""

from __future__ import annotations

import numpy as np
import onnx_graphsurgeon as gs

from export.onnx.passes import share_norm
from export.onnx.precision.layers import layer_name

RNG = np.random.default_rng(11)
COUNT, WIDTH = 6, 8


def variable(name: str, width: int = WIDTH) -> gs.Variable:
    return gs.Variable(name, np.dtype(np.float32), [1, COUNT, width])


def constant(name: str, *shape: int) -> gs.Constant:
    return gs.Constant(name, RNG.normal(size=shape).astype(np.float32))


def projected(name: str, x: gs.Variable, y: gs.Variable) -> list[gs.Node]:
    """LayerNormalization, MatMul and Add from ``x`` to ``y``."""
    normed, product, width = variable(f"{name}.normed"), variable(f"{name}.product", y.shape[-1]), y.shape[-1]
    return [gs.Node("LayerNormalization", f"{name}.norm", {"axis": -1, "epsilon": 1e-5},
                    [x, constant(f"{name}.g", WIDTH), constant(f"{name}.b", WIDTH)], [normed]),
            gs.Node("MatMul", f"{name}.matmul", {}, [normed, constant(f"{name}.w", WIDTH, width)], [product]),
            gs.Node("Add", f"{name}.add", {}, [product, constant(f"{name}.linear.bias", width)], [y])]


def two_attentions() -> gs.Graph:
    """A query, and a key and value from one projection, of the same vectors."""
    x, query, both = variable("x"), variable("query", 4), variable("both", 10)
    key, value = variable("key", 6), variable("value", 4)
    sizes = gs.Constant("sizes", np.array([6, 4], np.int64))
    nodes = [*projected("q", x, query), *projected("kv", x, both),
             gs.Node("Split", "chunk", {"axis": 2}, [both, sizes], [key, value])]
    return gs.Graph(nodes, [x], [query, key, value], opset=18)


def count(graph: gs.Graph, op: str) -> int:
    return sum(node.op == op for node in graph.nodes)


def test_one_normalisation_is_left_and_no_split(answers) -> None:
    graph = two_attentions()
    want = answers(graph)
    share_norm.apply(graph)
    assert (count(graph, "LayerNormalization"), count(graph, "Split"), count(graph, "MatMul")) == (1, 0, 3)
    for got, expected in zip(answers(graph), want, strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-5)
    names = {layer_name(node) for node in graph.nodes if node.op == "MatMul"}
    assert names == {"q.linear", "kv.linear.0", "kv.linear.1"}


def test_vectors_that_are_also_read_normalised_keep_their_own_scale(answers) -> None:
    graph = two_attentions()
    other = variable("other")
    graph.nodes.append(gs.Node("Relu", "reader", {}, [graph.tensors()["q.normed"]], [other]))
    graph.outputs.append(other)
    want = answers(graph)
    share_norm.apply(graph)
    assert count(graph, "LayerNormalization") == 2
    for got, expected in zip(answers(graph), want, strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-5)


def test_a_projection_that_somebody_reads_whole_is_not_split(answers) -> None:
    graph = two_attentions()
    graph.outputs.append(graph.tensors()["both"])
    want = answers(graph)
    share_norm.apply(graph)
    assert count(graph, "Split") == 1
    for got, expected in zip(answers(graph), want, strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-5)

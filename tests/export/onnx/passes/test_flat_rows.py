"""Without a batch of one, rows of vectors are matrices, and the answers stay the same."""

from __future__ import annotations

import numpy as np
import onnx_graphsurgeon as gs

from export.onnx.passes import flat_rows

RNG = np.random.default_rng(13)
COUNT, WIDTH = 6, 8


def variable(name: str, *shape: int) -> gs.Variable:
    return gs.Variable(name, np.dtype(np.float32), list(shape))


def constant(name: str, *shape: int) -> gs.Constant:
    return gs.Constant(name, RNG.normal(size=shape).astype(np.float32))


def block(batch: int = 1) -> gs.Graph:
    """A map's pixels as rows: normalised, projected, mixed by their likeness, gated by their mean; then a map again."""
    rows = [batch, COUNT, WIDTH]
    x, y = variable("x", batch, 2, 3, WIDTH), variable("y", batch, 2, 3, WIDTH)
    flat, normed, product, biased = (variable(n, *rows) for n in ("flat", "normed", "product", "biased"))
    turned, score, weight = variable("turned", batch, WIDTH, COUNT), variable("score", batch, COUNT, COUNT), \
        variable("weight", batch, COUNT, COUNT)
    mixed, gated, mean, gate = variable("mixed", *rows), variable("gated", *rows), variable("mean", batch, WIDTH), \
        variable("gate", batch, 1, WIDTH)
    axis = gs.Constant("axis", np.array([1], np.int64))
    nodes = [
        gs.Node("Reshape", "flatten", {}, [x, gs.Constant("rows", np.array(rows))], [flat]),
        gs.Node("LayerNormalization", "norm", {"axis": 2}, [flat, constant("g", WIDTH), constant("b", WIDTH)],
                [normed]),
        gs.Node("MatMul", "project", {}, [normed, constant("w", WIDTH, WIDTH)], [product]),
        gs.Node("Add", "bias", {}, [product, constant("places", COUNT, WIDTH)], [biased]),
        gs.Node("Transpose", "turn", {"perm": [0, 2, 1]}, [biased], [turned]),
        gs.Node("MatMul", "scores", {}, [biased, turned], [score]),
        gs.Node("Softmax", "soft", {"axis": 2}, [score], [weight]),
        gs.Node("MatMul", "mix", {}, [weight, biased], [mixed]),
        gs.Node("ReduceMean", "mean", {"keepdims": 0}, [mixed, axis], [mean]),
        gs.Node("Unsqueeze", "gate", {}, [mean, axis], [gate]),
        gs.Node("Mul", "gated", {}, [mixed, gate], [gated]),
        gs.Node("Reshape", "map", {}, [gated, gs.Constant("whole", np.array(y.shape))], [y]),
    ]
    return gs.Graph(nodes, [x], [y], opset=18)


def test_rows_are_matrices_and_mean_the_same(answers) -> None:
    graph = block()
    want = answers(graph)
    assert flat_rows.apply(graph) == 9
    for got, expected in zip(answers(graph), want, strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-5)
    assert all(len(n.outputs[0].shape) == 2 for n in graph.nodes if n.op in flat_rows.ROW_OPS)
    assert "ReduceMean" not in {node.op for node in graph.nodes}
    assert sum(node.op == "Reshape" for node in graph.nodes) == 3  # in, out, and the gate's


def test_what_somebody_else_reads_keeps_its_batch(answers) -> None:
    graph = block()
    graph.outputs += [graph.tensors()["biased"], graph.tensors()["mean"]]
    want = answers(graph)
    flat_rows.apply(graph)
    for got, expected in zip(answers(graph), want, strict=True):
        assert got.shape == expected.shape
        np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-5)


def test_a_batch_of_two_is_left_alone() -> None:
    assert flat_rows.apply(block(batch=2)) == 0


def test_a_softmax_over_rows_and_a_constant_with_a_batch_are_left_alone(answers) -> None:
    graph = block()
    by_name = {node.name: node for node in graph.nodes}
    by_name["soft"].attrs["axis"] = 1
    by_name["bias"].inputs[1] = constant("places", 1, COUNT, WIDTH)
    want = answers(graph)
    assert flat_rows.apply(graph) == 7
    for got, expected in zip(answers(graph), want, strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-5)


def test_a_line_that_is_convolved_keeps_its_batch() -> None:
    x, y, z = (variable(n, 1, WIDTH, COUNT) for n in "xyz")
    nodes = [gs.Node("Conv", "conv", {"pads": [1, 1]}, [x, constant("w", WIDTH, WIDTH, 3)], [y]),
             gs.Node("Relu", "relu", {}, [y], [z])]
    assert flat_rows.apply(gs.Graph(nodes, [x], [z], opset=18)) == 0

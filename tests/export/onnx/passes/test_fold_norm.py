"""A normalisation vanishes into the convolutions before it, and the answer stays the same."""

from __future__ import annotations

import numpy as np
import onnx_graphsurgeon as gs
import pytest

from export.onnx.passes import fold_norm, merge_branches

RNG = np.random.default_rng(3)


def constant(name, *shape, low=-1.0):
    return gs.Constant(name, RNG.uniform(low, 1.0, shape).astype(np.float32))


def variable(name, *shape):
    return gs.Variable(name, np.float32, list(shape))


def conv(name, x, y, inside, outside, kernel=3):
    weights = [constant(f"{name}.weight", outside, inside, kernel, kernel)]
    return gs.Node("Conv", name, {"pads": [kernel // 2] * 4}, [x, *weights], [y])


def norm(name, x, y, channels):
    parts = [constant(f"{name}.{k}", channels, low=0.2) for k in ("gamma", "beta", "mean", "variance")]
    return gs.Node("BatchNormalization", name, {"epsilon": 1e-5}, [x, *parts], [y])


def graph_of(nodes, x, y):
    return gs.Graph(nodes, [x], [y], opset=18)


def up_sampling():
    """norm(shuffle(conv(x)) + conv(shuffled x)): the decoder's step."""
    x, a, b, wide, skip = variable("x", 1, 4, 6, 4), variable("a", 1, 12, 6, 4), variable("b", 1, 3, 12, 8), \
        variable("wide", 1, 1, 12, 8), variable("skip", 1, 3, 12, 8)
    total, y = variable("total", 1, 3, 12, 8), variable("y", 1, 3, 12, 8)
    shuffle = {"blocksize": 2, "mode": "CRD"}
    nodes = [conv("spread", x, a, 4, 12, 1), gs.Node("DepthToSpace", "shuffle", shuffle, [a], [b]),
             gs.Node("DepthToSpace", "other", shuffle, [x], [wide]), conv("skip", wide, skip, 1, 3, 1),
             gs.Node("Add", "sum", {}, [b, skip], [total]), norm("norm", total, y, 3)]
    return graph_of(nodes, x, y)


def two_branches():
    """norm(concat(split(conv(x))[0] + conv(far), split(conv(x))[1] + conv(z))): a Fast Fourier Convolution's."""
    x = variable("x", 1, 8, 6, 4)
    near, far = variable("near", 1, 4, 6, 4), variable("far", 1, 4, 6, 4)
    spread, s0, s1 = variable("spread", 1, 8, 6, 4), variable("s0", 1, 4, 6, 4), variable("s1", 1, 4, 6, 4)
    fl, z, ff = variable("fl", 1, 4, 6, 4), variable("z", 1, 4, 6, 4), variable("ff", 1, 4, 6, 4)
    t0, t1, cat, y = variable("t0", 1, 4, 6, 4), variable("t1", 1, 4, 6, 4), variable("cat", 1, 8, 6, 4), \
        variable("y", 1, 8, 6, 4)
    halves = gs.Constant("halves", np.array([4, 4], np.int64))
    nodes = [gs.Node("Split", "in", {"axis": 1}, [x, halves], [near, far]), conv("l", near, spread, 4, 8),
             gs.Node("Split", "out", {"axis": 1}, [spread, halves], [s0, s1]), conv("gl", far, fl, 4, 4),
             gs.Node("Sigmoid", "global", {}, [far], [z]), conv("leave", z, ff, 4, 4, 1),
             gs.Node("Add", "a0", {}, [s0, fl], [t0]), gs.Node("Add", "a1", {}, [s1, ff], [t1]),
             gs.Node("Concat", "cat", {"axis": 1}, [t0, t1], [cat]), norm("norm", cat, y, 8)]
    return graph_of(nodes, x, y)


@pytest.mark.parametrize("make", [up_sampling, two_branches])
def test_a_norm_after_sums_and_rearrangements_goes_into_the_convolutions(answer, make) -> None:
    graph = make()
    want = answer(graph)
    assert fold_norm.apply(graph) == 1
    assert "BatchNormalization" not in {n.op for n in graph.nodes}
    np.testing.assert_allclose(answer(graph), want, rtol=1e-4, atol=1e-5)


def test_a_norm_stays_where_somebody_else_reads_what_it_scales() -> None:
    graph = up_sampling()
    total = graph.tensors()["total"]
    other = variable("other", 1, 3, 12, 8)
    graph.nodes.append(gs.Node("Relu", "reader", {}, [total], [other]))
    graph.outputs.append(other)
    assert fold_norm.apply(graph) == 0


def test_the_branches_of_a_fourier_convolution_become_two_convolutions_and_a_sum(answer) -> None:
    graph = two_branches()
    want = answer(graph)
    fold_norm.apply(graph)
    assert merge_branches.apply(graph) > 0
    np.testing.assert_allclose(answer(graph), want, rtol=1e-4, atol=1e-5)
    ops = sorted(n.op for n in graph.nodes)
    assert ops.count("Conv") == 2
    assert "Concat" not in ops
    assert ops.count("Add") == 1
    assert {n.inputs[1].name for n in graph.nodes if n.op == "Conv"} == {"l.weight", "leave.weight"}


def test_branches_that_are_read_elsewhere_are_left_alone(answer) -> None:
    graph = two_branches()
    tensors = graph.tensors()
    other = variable("other", 1, 4, 6, 4)
    graph.nodes.append(gs.Node("Relu", "reader", {}, [tensors["ff"]], [other]))
    graph.outputs.append(other)
    want = answer(graph)
    merge_branches.apply(graph)
    np.testing.assert_allclose(answer(graph), want, rtol=1e-4, atol=1e-5)

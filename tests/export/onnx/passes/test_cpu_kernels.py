"""Flattened maps are turned as maps, shuffles move runs, thin convolutions are padded: the answers stay the same."""

from __future__ import annotations

import numpy as np
import onnx_graphsurgeon as gs
import pytest

from export.onnx.passes import pad_channels, pixels_last, shuffle_runs

RNG = np.random.default_rng(9)
CHANNELS, HEIGHT, WIDTH = 8, 6, 4


def variable(name: str, *shape: int) -> gs.Variable:
    return gs.Variable(name, np.dtype(np.float32), list(shape))


def convolution(x: gs.Variable, y: gs.Variable, kernel: int = 1) -> gs.Node:
    shape = (y.shape[1], x.shape[1], kernel, kernel)
    weights = [gs.Constant(f"{y.name}.{n}", RNG.normal(size=s).astype(np.float32))
               for n, s in (("weight", shape), ("bias", shape[:1]))]
    return gs.Node("Conv", f"{y.name}.conv", {"pads": [kernel // 2] * 4}, [x, *weights], [y])


def reshape(x: gs.Variable, y: gs.Variable) -> gs.Node:
    return gs.Node("Reshape", f"{y.name}.reshape", {}, [x, gs.Constant(f"{y.name}.s", np.array(y.shape))], [y])


def attention() -> gs.Graph:
    """A map to rows of pixels, something per pixel, and back."""
    pixels = HEIGHT * WIDTH
    x, y = (variable(n, 1, CHANNELS, HEIGHT, WIDTH) for n in "xy")
    flat, turned = variable("flat", 1, CHANNELS, pixels), variable("turned", 1, CHANNELS, pixels)
    rows, soft = variable("rows", 1, pixels, CHANNELS), variable("soft", 1, pixels, CHANNELS)
    nodes = [reshape(x, flat), gs.Node("Transpose", "to_rows", {"perm": [0, 2, 1]}, [flat], [rows]),
             gs.Node("Softmax", "soft", {"axis": -1}, [rows], [soft]),
             gs.Node("Transpose", "to_map", {"perm": [0, 2, 1]}, [soft], [turned]), reshape(turned, y)]
    return gs.Graph(nodes, [x], [y], opset=18)


def up_sampling(mode: str, out: int = 8) -> gs.Graph:
    """A convolution and a pixel shuffle."""
    x, wide = variable("x", 1, CHANNELS, HEIGHT, WIDTH), variable("wide", 1, 4 * out, HEIGHT, WIDTH)
    y = variable("y", 1, out, 2 * HEIGHT, 2 * WIDTH)
    shuffle = gs.Node("DepthToSpace", "shuffle", {"blocksize": 2, "mode": mode}, [wide], [y])
    return gs.Graph([convolution(x, wide), shuffle], [x], [y], opset=18)


def thin(outside: int = 4, kernel: int = 3) -> gs.Graph:
    """One convolution with few output channels."""
    x, y = variable("x", 1, CHANNELS, HEIGHT, WIDTH), variable("y", 1, outside, HEIGHT, WIDTH)
    return gs.Graph([convolution(x, y, kernel)], [x], [y], opset=18)


def transpositions(graph: gs.Graph) -> list[list[int]]:
    return [node.attrs["perm"] for node in graph.nodes if node.op == "Transpose"]


def test_maps_are_turned_whole_on_the_way_to_rows_and_back(answer) -> None:
    graph = attention()
    want = answer(graph)
    assert pixels_last.apply(graph) == 2
    assert transpositions(graph) == [[0, 2, 3, 1], [0, 3, 1, 2]]
    np.testing.assert_array_equal(answer(graph), want)


def test_a_flattened_map_that_is_also_read_unturned_stays_for_its_other_reader(answer) -> None:
    graph = attention()
    graph.outputs.insert(0, graph.tensors()["turned"])
    want = answer(graph)
    assert pixels_last.apply(graph) == 1
    np.testing.assert_array_equal(answer(graph), want)


def test_rows_that_were_no_map_are_left_alone() -> None:
    graph = attention()
    for node in [n for n in graph.nodes if n.op == "Transpose"]:
        node.attrs["perm"] = [0, 1, 2]
    assert pixels_last.apply(graph) == 0


@pytest.mark.parametrize("mode", ["CRD", "DCR"])
def test_a_shuffle_behind_a_convolution_moves_runs(answer, mode: str) -> None:
    graph = up_sampling(mode)
    want = answer(graph)
    assert shuffle_runs.apply(graph) == 1
    assert "DepthToSpace" not in {node.op for node in graph.nodes}
    np.testing.assert_allclose(answer(graph), want, rtol=1e-6, atol=1e-6)


def test_a_shuffle_of_single_values_stays() -> None:
    assert shuffle_runs.apply(up_sampling("CRD", out=1)) == 0


def test_a_shuffle_of_what_somebody_else_reads_stays() -> None:
    graph = up_sampling("CRD")
    graph.outputs.append(graph.tensors()["wide"])
    assert shuffle_runs.apply(graph) == 0


def test_a_thin_convolution_writes_as_much_as_a_kernel_does(answer) -> None:
    graph = thin()
    want = answer(graph)
    assert pad_channels.apply(graph) == 1
    assert graph.nodes[0].inputs[1].values.shape[0] == pad_channels.LEAST
    assert graph.outputs[0].shape == [1, 4, HEIGHT, WIDTH]
    np.testing.assert_allclose(answer(graph), want, rtol=1e-6, atol=1e-6)


def test_what_is_wide_enough_or_stays_in_floating_point_is_not_padded() -> None:
    assert pad_channels.apply(thin(outside=16)) == 0
    assert pad_channels.apply(thin(kernel=1)) == 0
    graph = thin()
    assert pad_channels.apply(graph, {graph.nodes[0].name}) == 0

"""Transpositions of channels around a convolution go into its weights, and the answer stays the same."""

from __future__ import annotations

import numpy as np
import onnx_graphsurgeon as gs
import pytest

from export.onnx.passes import channel_order

CHANNELS = 3


def count(graph: gs.Graph, op: str) -> int:
    return sum(node.op == op for node in graph.nodes)


def test_a_fourier_unit_is_left_without_a_transposition(fourier_unit, answer) -> None:
    graph = fourier_unit()
    want = answer(graph)
    assert channel_order.apply(graph) == 2
    assert count(graph, "Transpose") == 0
    assert count(graph, "Reshape") == 4
    np.testing.assert_allclose(answer(graph), want, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("tensor", ["spectrum", "kept"])
def test_a_spectrum_that_somebody_else_reads_keeps_its_order(fourier_unit, answer, tensor: str) -> None:
    graph = fourier_unit()
    graph.outputs.append(graph.tensors()[tensor])
    want = answer(graph)
    assert channel_order.apply(graph) == 1
    np.testing.assert_allclose(answer(graph), want, rtol=1e-5, atol=1e-5)


def test_a_convolution_in_groups_is_left_alone(fourier_unit, answer) -> None:
    graph = fourier_unit()
    mix = next(n for n in graph.nodes if n.op == "Conv")
    mix.attrs["group"] = 2
    mix.inputs[1] = gs.Constant("mix.weight", np.ascontiguousarray(mix.inputs[1].values[:, :CHANNELS]))
    want = answer(graph)
    assert channel_order.apply(graph) == 0
    np.testing.assert_allclose(answer(graph), want, rtol=1e-5, atol=1e-5)

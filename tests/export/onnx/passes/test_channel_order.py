"""Transpositions of channels around a convolution go into its weights, and the answer stays the same."""

from __future__ import annotations

import numpy as np
import onnx
import onnx_graphsurgeon as gs
import onnxruntime as ort
import pytest

from export.model.spectral_node import DOMAIN, FORWARD, INVERSE
from export.onnx.graph import FFT_LOWERINGS
from export.onnx.passes import channel_order

RNG = np.random.default_rng(5)
CHANNELS, HEIGHT, WIDTH = 3, 8, 6
BINS = WIDTH // 2 + 1


def fourier_unit() -> gs.Graph:
    """rfft2, a 1x1 convolution with bias, ReLU, irfft2, in neutral nodes."""
    def variable(name: str, *shape: int) -> gs.Variable:
        return gs.Variable(name, np.dtype(np.float32), list(shape))

    x, y = (variable(n, 1, CHANNELS, HEIGHT, WIDTH) for n in "xy")
    spectrum, mixed, kept = (variable(n, 1, 2 * CHANNELS, HEIGHT, BINS) for n in ("spectrum", "mixed", "kept"))
    weights = [gs.Constant(f"mix.{n}", RNG.normal(size=s).astype(np.float32))
               for n, s in (("weight", (2 * CHANNELS, 2 * CHANNELS, 1, 1)), ("bias", (2 * CHANNELS,)))]
    size = {"height": HEIGHT, "width": WIDTH}
    nodes = [gs.Node(FORWARD, "forward", dict(size), [x], [spectrum], domain=DOMAIN),
             gs.Node("Conv", "mix", {}, [spectrum, *weights], [mixed]), gs.Node("Relu", "relu", {}, [mixed], [kept]),
             gs.Node(INVERSE, "inverse", dict(size), [kept], [y], domain=DOMAIN)]
    domains = [onnx.helper.make_opsetid("", 18), onnx.helper.make_opsetid(DOMAIN, 1)]
    graph = gs.Graph(nodes, [x], [y], opset=18, import_domains=domains)
    FFT_LOWERINGS["matmul"](graph)
    return graph


def answer(graph: gs.Graph) -> np.ndarray:
    model = gs.export_onnx(graph, do_type_check=False)
    model.ir_version = 9
    onnx.checker.check_model(model, full_check=True)
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    x = np.random.default_rng(0).normal(size=(1, CHANNELS, HEIGHT, WIDTH)).astype(np.float32)
    return session.run(None, {"x": x})[0]


def count(graph: gs.Graph, op: str) -> int:
    return sum(node.op == op for node in graph.nodes)


def test_a_fourier_unit_is_left_without_a_transposition() -> None:
    graph = fourier_unit()
    want = answer(graph)
    assert channel_order.apply(graph) == 2
    assert count(graph, "Transpose") == 0
    assert count(graph, "Reshape") == 4
    np.testing.assert_allclose(answer(graph), want, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("tensor", ["spectrum", "kept"])
def test_a_spectrum_that_somebody_else_reads_keeps_its_order(tensor: str) -> None:
    graph = fourier_unit()
    graph.outputs.append(graph.tensors()[tensor])
    want = answer(graph)
    assert channel_order.apply(graph) == 1
    np.testing.assert_allclose(answer(graph), want, rtol=1e-5, atol=1e-5)


def test_a_convolution_in_groups_is_left_alone() -> None:
    graph = fourier_unit()
    mix = next(n for n in graph.nodes if n.op == "Conv")
    mix.attrs["group"] = 2
    mix.inputs[1] = gs.Constant("mix.weight", np.ascontiguousarray(mix.inputs[1].values[:, :CHANNELS]))
    want = answer(graph)
    assert channel_order.apply(graph) == 0
    np.testing.assert_allclose(answer(graph), want, rtol=1e-5, atol=1e-5)

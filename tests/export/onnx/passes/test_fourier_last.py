"""A Fourier unit with channels last computes what it did, and transposes nothing inside."""

from __future__ import annotations

import numpy as np
import onnx
import onnx_graphsurgeon as gs
import onnxruntime as ort
import pytest

from export.model.spectral_node import DOMAIN, FORWARD, INVERSE
from export.onnx.graph import FFT_LOWERINGS
from export.onnx.passes import channel_order, fourier_last

RNG = np.random.default_rng(5)


def fourier_unit(height: int, width: int, channels: int = 3, relu: bool = True) -> gs.Graph:
    """rfft2, a 1x1 convolution with bias, perhaps ReLU, irfft2, lowered to products."""
    def variable(name: str, *shape: int) -> gs.Variable:
        return gs.Variable(name, np.dtype(np.float32), [1, *shape])

    x, y = (variable(n, channels, height, width) for n in "xy")
    spectrum, mixed, kept = (variable(n, 2 * channels, height, width // 2 + 1) for n in ("spectrum", "mixed", "kept"))
    weights = [gs.Constant(f"mix.{n}", RNG.normal(size=s).astype(np.float32))
               for n, s in (("weight", (2 * channels, 2 * channels, 1, 1)), ("bias", (2 * channels,)))]
    size = {"height": height, "width": width}
    nodes = [gs.Node(FORWARD, "forward", dict(size), [x], [spectrum], domain=DOMAIN),
             gs.Node("Conv", "mix", {}, [spectrum, *weights], [mixed]),
             *([gs.Node("Relu", "relu", {}, [mixed], [kept])] if relu else []),
             gs.Node(INVERSE, "inverse", dict(size), [kept if relu else mixed], [y], domain=DOMAIN)]
    domains = [onnx.helper.make_opsetid("", 18), onnx.helper.make_opsetid(DOMAIN, 1)]
    graph = gs.Graph(nodes, [x], [y], opset=18, import_domains=domains)
    FFT_LOWERINGS["matmul"](graph)
    channel_order.apply(graph)
    return graph


def answer(graph: gs.Graph) -> np.ndarray:
    model = gs.export_onnx(graph, do_type_check=False)
    model.ir_version = 9
    onnx.checker.check_model(model, full_check=True)
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    x = np.random.default_rng(0).normal(size=session.get_inputs()[0].shape).astype(np.float32)
    return session.run(None, {"x": x})[0]


@pytest.mark.parametrize("relu", [True, False])
@pytest.mark.parametrize(("height", "width"), [(32, 16), (5, 7), (8, 3), (1, 4), (6, 2)])
def test_it_means_the_same_for_any_size(height: int, width: int, relu: bool) -> None:
    graph = fourier_unit(height, width, relu=relu)
    want = answer(graph)
    assert fourier_last.apply(graph) == 1
    np.testing.assert_allclose(answer(graph), want, rtol=1e-5, atol=1e-5 * np.abs(want).max())


def test_the_only_transpositions_are_at_its_ends_and_nothing_is_convolved() -> None:
    graph = fourier_unit(32, 16)
    fourier_last.apply(graph)
    assert [n.attrs["perm"] for n in graph.nodes if n.op == "Transpose"] == [[0, 2, 3, 1], [0, 3, 1, 2]]
    assert "Conv" not in {node.op for node in graph.nodes}


@pytest.mark.parametrize("tensor", ["spectrum", "mixed", "kept"])
def test_a_unit_whose_spectrum_somebody_else_reads_is_left_alone(tensor: str) -> None:
    graph = fourier_unit(8, 6)
    graph.outputs.append(graph.tensors()[tensor])
    assert fourier_last.apply(graph) == 0


def test_products_with_other_matrices_are_no_transforms() -> None:
    graph = fourier_unit(8, 6)
    rows = graph.tensors()["fft/rows_8"]
    rows.values = rows.values * np.float32(1.01)
    assert fourier_last.apply(graph) == 0

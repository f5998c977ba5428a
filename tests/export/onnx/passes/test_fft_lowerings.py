"""All three lowerings mean numpy.fft, for any size and for spectra that no real image has."""

from __future__ import annotations

import numpy as np
import onnx
import onnx_graphsurgeon as gs
import onnxruntime
import pytest
from onnx.backend.test.case import node as published
from onnx.backend.test.case.node.dft import DFT

from export.onnx.graph import FFT_LOWERINGS
from export.onnx.passes import plugin_stand_in
from export.onnx.passes.plugin_node import PLUGIN_DOMAIN, plugin_nodes

SIZES = [
    (32, 16), (2, 2), (64, 32),  # even
    (31, 15), (31, 16), (32, 15),  # odd
    (7, 13), (97, 101),  # prime
    (32, 1), (1, 16), (1, 15), (1, 1),  # one wide, one high
    (3, 250), (256, 4),  # asymmetric
]
TOLERANCE = 1e-5
"""Largest difference over the largest value, FP32."""


ORT_DFT_IS_COARSE = {(97, 101), (3, 250)}
"""Where ONNX Runtime's own DFT kernel is up to 5e-5 off numpy: lengths beyond 64 that are no power of two."""


@pytest.fixture
def evaluate(by_reference):
    """By ONNX's evaluator and, where it knows the nodes, by ONNX Runtime: the one that is further off."""

    def run(model: onnx.ModelProto, x: np.ndarray, want: np.ndarray) -> float:
        off = [relative(by_reference(model, x), want)]
        kinds = {(node.domain, node.op_type) for node in model.graph.node}
        coarse = ("", "DFT") in kinds and sizes_of(x, want) in ORT_DFT_IS_COARSE
        if not coarse and not any(domain == PLUGIN_DOMAIN for domain, _ in kinds):
            off.append(relative(by_onnxruntime(model, x), want))
        return max(off)

    return run


def sizes_of(x: np.ndarray, want: np.ndarray) -> tuple[int, int]:
    """Height and width of the image, which is the wider of both."""
    return x.shape[-2], max(x.shape[-1], want.shape[-1])


def by_onnxruntime(model: onnx.ModelProto, x: np.ndarray) -> np.ndarray:
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {"x": x})[0]


def lowered(graph: gs.Graph, fft: str) -> onnx.ModelProto:
    assert FFT_LOWERINGS[fft](graph) == 1
    model = gs.export_onnx(graph, do_type_check=False)
    onnx.checker.check_model(model, full_check=True)
    return model


def relative(got: np.ndarray, want: np.ndarray) -> float:
    assert got.shape == want.shape
    return float(np.abs(got - want).max() / np.abs(want).max())


def stacked(spectrum: np.ndarray) -> np.ndarray:
    return np.concatenate([spectrum.real, spectrum.imag], axis=1).astype(np.float32)


@pytest.mark.parametrize("fft", FFT_LOWERINGS)
@pytest.mark.parametrize(("height", "width"), SIZES)
def test_the_spectrum_is_numpys(neutral, evaluate, height: int, width: int, fft: str) -> None:
    x = np.random.default_rng(1).normal(size=(2, 3, height, width)).astype(np.float32)
    want = stacked(np.fft.rfft2(x.astype(np.float64), norm="ortho"))
    assert evaluate(lowered(neutral(False, x.shape), fft), x, want) < TOLERANCE


@pytest.mark.parametrize("fft", FFT_LOWERINGS)
@pytest.mark.parametrize(("height", "width"), SIZES)
def test_the_inverse_is_numpys_for_spectra_without_symmetry(neutral, evaluate, height, width, fft) -> None:
    rng = np.random.default_rng(2)
    shape = (2, 3, height, width // 2 + 1)
    spectrum = rng.normal(size=shape) + 1j * rng.normal(size=shape)
    want = np.fft.irfft2(spectrum, s=(height, width), norm="ortho")
    assert evaluate(lowered(neutral(True, (2, 3, height, width)), fft), stacked(spectrum), want) < TOLERANCE


@pytest.mark.parametrize("fft", FFT_LOWERINGS)
def test_onnx_s_published_cases_hold_along_either_axis(neutral, evaluate, fft: str) -> None:
    assert DFT, "the cases come into being with the class"
    cases = {case.name: case.data_sets[0] for case in published._NodeTestCases}
    forward = lowered(neutral(False, (1, 10, 1, 10)), fft)
    for name, axis in (("test_dft_opset19", 1), ("test_dft_axis_opset19", 2), ("test_dft", 1), ("test_dft_axis", 2)):
        inputs, outputs = cases[name]
        # One signal per channel, of one row: along its width is then along the case's axis.
        image = np.moveaxis(inputs[0][0, ..., 0], axis - 1, -1)[None, :, None, :].astype(np.float32)
        want = np.moveaxis(outputs[0][0, ..., 0] + 1j * outputs[0][0, ..., 1], axis - 1, -1)[None, :, None, :6]
        assert evaluate(forward, image, stacked(want / np.sqrt(10))) < TOLERANCE
    inverse = lowered(neutral(True, (1, 10, 1, 10)), fft)
    for name in ("test_dft_inverse_opset19", "test_dft_inverse"):
        inputs, outputs = cases[name]
        spectrum = np.moveaxis(inputs[0][0, ..., 0] + 1j * inputs[0][0, ..., 1], 0, -1)[None, :, None, :]
        # The real part of a full inverse is the inverse of the spectrum's conjugate-symmetric part.
        even = (spectrum + spectrum[..., (-np.arange(10)) % 10].conj())[..., :6] / 2
        want = np.moveaxis(outputs[0][0, ..., 0], 0, -1)[None, :, None, :]
        assert evaluate(inverse, stacked(even), want * np.sqrt(10)) < TOLERANCE


@pytest.mark.parametrize("inverse", [False, True])
@pytest.mark.parametrize(("height", "width"), [(32, 16), (5, 7)])
def test_what_stands_in_for_the_plugin_means_the_plugin(
    neutral, by_reference, height: int, width: int, inverse: bool
) -> None:
    model = lowered(neutral(inverse, (1, 2, height, width)), "plugin")
    graph = gs.import_onnx(model)
    assert plugin_stand_in.apply(graph) == 1
    shape = [d.dim_value for d in model.graph.input[0].type.tensor_type.shape.dim]
    x = np.random.default_rng(3).normal(size=shape).astype(np.float32)
    got = by_onnxruntime(gs.export_onnx(graph, do_type_check=False), x)
    assert relative(got, by_reference(model, x)) < TOLERANCE


def test_the_plugin_is_told_an_odd_width_and_nothing_about_an_even_one(neutral) -> None:
    for width, inputs in ((16, 1), (15, 2)):
        graph = neutral(True, (1, 2, 8, width))
        FFT_LOWERINGS["plugin"](graph)
        node = plugin_nodes(graph)[0]
        assert len(node.inputs) == inputs
        assert {k: node.attrs[k] for k in ("inverse", "onesided", "ndims")} == {"inverse": 1, "onesided": 1, "ndims": 2}
        assert node.attrs["plugin_namespace"] == ""


def test_without_symmetry_made_first_the_plugin_would_be_given_what_cufft_leaves_undefined(
    neutral, by_reference
) -> None:
    graph = neutral(True, (1, 1, 4, 4))
    FFT_LOWERINGS["plugin"](graph)
    node = plugin_nodes(graph)[0]
    node.inputs[0] = next(n.outputs[0] for n in graph.nodes if n.name.endswith("/pairs"))
    model = gs.export_onnx(graph.cleanup().toposort(), do_type_check=False)
    x = np.random.default_rng(4).normal(size=(1, 2, 4, 3)).astype(np.float32)
    with pytest.raises(AssertionError, match="undefined for cuFFT"):
        by_reference(model, x)


def test_two_transforms_of_one_size_share_their_constants(neutral) -> None:
    graph = neutral(False, (1, 2, 8, 6))
    first = graph.nodes[0]
    second = gs.Node(first.op, "again", dict(first.attrs), [gs.Variable("x2", np.dtype(np.float32), [1, 2, 8, 6])],
                     [gs.Variable("y2", np.dtype(np.float32), [1, 4, 8, 4])], domain=first.domain)
    graph.nodes.append(second)
    graph.inputs.append(second.inputs[0])
    graph.outputs.append(second.outputs[0])
    assert FFT_LOWERINGS["matmul"](graph) == 2
    names = [tensor.name for tensor in gs.export_onnx(graph).graph.initializer]
    assert sorted(n for n in names if n.startswith("fft/")) == ["fft/rows_8", "fft/width_6"]

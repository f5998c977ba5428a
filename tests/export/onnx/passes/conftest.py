"""Tiny graphs with one neutral Fourier node, and evaluators for what the passes make of them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import onnx
import onnx_graphsurgeon as gs
import onnxruntime as ort
import pytest
from onnx.reference import ReferenceEvaluator
from onnx.reference.op_run import OpRun

from export.model.spectral_node import DOMAIN, FORWARD, INVERSE
from export.onnx.graph import FFT_LOWERINGS
from export.onnx.passes.plugin_node import PLUGIN_DOMAIN


class FFTPlugin(OpRun):
    """TensorRT's plugin node by ``numpy.fft``, unscaled; it refuses spectra of which cuFFT says nothing."""

    op_domain = PLUGIN_DOMAIN

    def _run(self, x, length=None, inverse=0, onesided=0, ndims=1, **_):
        assert (onesided, ndims) == (1, 2)
        axes = (-2, -1)
        if not inverse:
            spectrum = np.fft.rfft2(x)
            return (np.stack([spectrum.real, spectrum.imag], -1).astype(x.dtype),)
        spectrum = x[..., 0] + 1j * x[..., 1]
        height, bins = spectrum.shape[-2:]
        width = 2 * (bins - 1) if length is None else int(length[0])
        assert width // 2 + 1 == bins
        own_mirror = [0] + ([bins - 1] if width % 2 == 0 else [])
        columns = spectrum[..., own_mirror]
        mirrored = columns[..., (-np.arange(height)) % height, :].conj()
        assert np.abs(columns - mirrored).max() <= 1e-6 * np.abs(spectrum).max(), "undefined for cuFFT"
        return (np.fft.irfft2(spectrum, s=(height, width), axes=axes).astype(x.dtype) * np.float32(height * width),)


@pytest.fixture
def neutral() -> Callable[[bool, tuple[int, int, int, int]], gs.Graph]:
    """A graph of one neutral node; the shape (B, C, H, W) is the image's."""

    def make(inverse: bool, image: tuple[int, int, int, int]) -> gs.Graph:
        batch, channels, height, width = image
        shapes = [list(image), [batch, 2 * channels, height, width // 2 + 1]]
        x, y = (gs.Variable(n, np.dtype(np.float32), s) for n, s in zip("xy", reversed(shapes) if inverse else shapes,
                                                                        strict=True))
        node = gs.Node(INVERSE if inverse else FORWARD, "transform", {"height": height, "width": width}, [x], [y],
                       domain=DOMAIN)
        domains = [onnx.helper.make_opsetid("", 18), onnx.helper.make_opsetid(DOMAIN, 1)]
        return gs.Graph([node], [x], [y], opset=18, import_domains=domains)

    return make


@pytest.fixture
def by_reference() -> Callable[[onnx.ModelProto, np.ndarray], np.ndarray]:
    """ONNX's own evaluator, with the plugin node by numpy."""

    def run(model: onnx.ModelProto, x: np.ndarray) -> np.ndarray:
        return ReferenceEvaluator(model, new_ops=[FFTPlugin]).run(None, {"x": x})[0]

    return run


@pytest.fixture
def answers() -> Callable[..., list[np.ndarray]]:
    """What ONNX Runtime makes of a whole, checked graph on a random ``x`` of its own shape: every output."""

    def run(graph: gs.Graph, seed: int = 0) -> list[np.ndarray]:
        model = gs.export_onnx(graph)
        model.ir_version = 9
        onnx.checker.check_model(model, full_check=True)
        session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
        x = np.random.default_rng(seed).normal(size=session.get_inputs()[0].shape).astype(np.float32)
        return session.run(None, {"x": x})

    return run


@pytest.fixture
def answer(answers: Callable[..., list[np.ndarray]]) -> Callable[..., np.ndarray]:
    """The first of ``answers``."""
    return lambda graph, seed=0: answers(graph, seed)[0]


@pytest.fixture
def fourier_unit() -> Callable[..., gs.Graph]:
    """rfft2, a 1x1 convolution with bias, perhaps ReLU, irfft2, lowered to products."""

    def make(height: int = 8, width: int = 6, channels: int = 3, relu: bool = True) -> gs.Graph:
        def variable(name: str, *shape: int) -> gs.Variable:
            return gs.Variable(name, np.dtype(np.float32), [1, *shape])

        rng = np.random.default_rng(5)
        x, y = (variable(n, channels, height, width) for n in "xy")
        bins = width // 2 + 1
        spectrum, mixed, kept = (variable(n, 2 * channels, height, bins) for n in ("spectrum", "mixed", "kept"))
        weights = [gs.Constant(f"mix.{n}", rng.normal(size=s).astype(np.float32))
                   for n, s in (("weight", (2 * channels, 2 * channels, 1, 1)), ("bias", (2 * channels,)))]
        size = {"height": height, "width": width}
        nodes = [gs.Node(FORWARD, "forward", dict(size), [x], [spectrum], domain=DOMAIN),
                 gs.Node("Conv", "mix", {}, [spectrum, *weights], [mixed]),
                 *([gs.Node("Relu", "relu", {}, [mixed], [kept])] if relu else []),
                 gs.Node(INVERSE, "inverse", dict(size), [kept if relu else mixed], [y], domain=DOMAIN)]
        domains = [onnx.helper.make_opsetid("", 18), onnx.helper.make_opsetid(DOMAIN, 1)]
        graph = gs.Graph(nodes, [x], [y], opset=18, import_domains=domains)
        FFT_LOWERINGS["matmul"](graph)
        return graph

    return make

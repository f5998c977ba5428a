"""Tiny graphs with one neutral Fourier node, and evaluators for what the passes make of them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import onnx
import onnx_graphsurgeon as gs
import pytest
from onnx.reference import ReferenceEvaluator
from onnx.reference.op_run import OpRun

from export.model.spectral_node import DOMAIN, FORWARD, INVERSE
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

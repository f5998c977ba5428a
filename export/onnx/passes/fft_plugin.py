"""Lowering ``plugin``: one ``FFTPlugin`` node per Fourier transform (``export.onnx.passes.plugin_node``).

The plugin scales nothing: the orthonormal factor stands beside it. What an inverse makes of a spectrum that no real
image has is left undefined by cuFFT, and so by the stock plugin. Such a spectrum deviates from a real image's only in
the self-conjugate columns (0 and, for even widths, W/2), so these are made symmetric first, X <- (X + conj X(-h)) / 2:
exactly what ``numpy.fft.irfft2`` keeps of them. The file then means the same with every implementation of the node.
"""

from __future__ import annotations

import math

import numpy as np
import onnx
import onnx_graphsurgeon as gs

from export.onnx.passes.bases import self_conjugate_weights
from export.onnx.passes.emit import Emitter
from export.onnx.passes.plugin_node import DOMAIN_VERSION, PLUGIN_DOMAIN, PLUGIN_OP, attributes
from export.onnx.passes.spectral_nodes import Spectral, lower_all


def apply(graph: gs.Graph) -> int:
    """Lower every neutral Fourier node (see module)."""
    count = lower_all(graph, _forward, _inverse)
    if count:
        graph.import_domains = [*(graph.import_domains or ()), onnx.helper.make_opsetid(PLUGIN_DOMAIN, DOMAIN_VERSION)]
    return count


def _forward(emit: Emitter, s: Spectral, x: gs.Tensor) -> gs.Variable:
    pairs = emit.node("plugin", PLUGIN_OP, [x], [s.batch, s.channels, s.height, s.bins, 2], domain=PLUGIN_DOMAIN,
                      **attributes(inverse=False))
    scaled = emit.multiply("orthonormal", pairs, _factor(emit, s))
    return emit.reshape("channels", emit.transpose("real_before_imaginary", scaled, [0, 4, 1, 2, 3]),
                        [s.batch, 2 * s.channels, s.height, s.bins])


def _inverse(emit: Emitter, s: Spectral, spectrum: gs.Tensor) -> gs.Variable:
    parts = emit.reshape("parts", spectrum, [s.batch, 2, s.channels, s.height, s.bins])
    pairs = emit.transpose("pairs", parts, [0, 2, 3, 4, 1])
    inputs = [_symmetric(emit, s, pairs)]
    extra = attributes(inverse=True)
    if s.width % 2:
        inputs.append(emit.constant(f"ifft/signal_length_{s.width}", np.asarray([s.width], dtype=np.int64)))
        extra["tensorrt_plugin_shape_input_indices"] = [1]
    image = emit.node("plugin", PLUGIN_OP, inputs, [s.batch, s.channels, s.height, s.width], domain=PLUGIN_DOMAIN,
                      **extra)
    return emit.multiply("orthonormal", image, _factor(emit, s))


def _symmetric(emit: Emitter, s: Spectral, pairs: gs.Variable) -> gs.Variable:
    own_mirror = (self_conjugate_weights(s.width) == 1.0).astype(np.float64)[:, None]
    mirrored_rows = (-np.arange(s.height)) % s.height
    mirror = emit.node("mirror", "Gather", [pairs, emit.constant(f"ifft/mirror_{s.height}", mirrored_rows)],
                       pairs.shape, axis=2)
    keep = emit.constant(f"ifft/keep_{s.width}", np.repeat(1 - own_mirror / 2, 2, axis=1).astype(np.float32))
    fold = emit.constant(f"ifft/fold_{s.width}", (own_mirror / 2 * [[1.0, -1.0]]).astype(np.float32))
    kept = emit.multiply("keep", pairs, keep)
    folded = emit.multiply("conjugate", mirror, fold)
    return emit.node("symmetric", "Add", [kept, folded], pairs.shape)


def _factor(emit: Emitter, s: Spectral) -> gs.Constant:
    return emit.constant(f"fft/factor_{s.size}", np.float32(1 / math.sqrt(s.height * s.width)))

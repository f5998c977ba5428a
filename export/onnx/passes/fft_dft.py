"""Lowering ``dft``: a Fourier transform as ONNX ``DFT`` nodes (opset 17 to 19), the readable reference.

``DFT`` divides its inverse by the length and its forward direction by nothing, so one factor sqrt(H W) is left over on
either side. It has no one-sided inverse: each kept bin is counted as often as it stands for (once where it is its own
mirror image, else twice), the rest of the full length is padded with zeros (``dft_length``), and the real part is
what ``numpy.fft.irfft2`` gives, for any spectrum.
"""

from __future__ import annotations

import math

import numpy as np
import onnx_graphsurgeon as gs

from export.onnx.passes.bases import self_conjugate_weights
from export.onnx.passes.emit import Emitter
from export.onnx.passes.spectral_nodes import Spectral, lower_all

ROWS_AXIS, WIDTH_AXIS = 2, 3
"""Axes of (B, C, H, W, real or pair)."""


def apply(graph: gs.Graph) -> int:
    """Lower every neutral Fourier node (see module)."""
    return lower_all(graph, _forward, _inverse)


def _forward(emit: Emitter, s: Spectral, x: gs.Tensor) -> gs.Variable:
    shape = [s.batch, s.channels, s.height, s.bins, 2]
    real = emit.reshape("real", x, [s.batch, s.channels, s.height, s.width, 1])
    half = emit.node("width", "DFT", [real], shape, axis=WIDTH_AXIS, onesided=1, inverse=0)
    full = emit.node("rows", "DFT", [half], shape, axis=ROWS_AXIS, onesided=0, inverse=0)
    factor = emit.constant(f"fft/factor_{s.size}", np.float32(1 / math.sqrt(s.height * s.width)))
    scaled = emit.multiply("orthonormal", full, factor)
    return emit.reshape("channels", emit.transpose("real_before_imaginary", scaled, [0, 4, 1, 2, 3]),
                        [s.batch, 2 * s.channels, s.height, s.bins])


def _inverse(emit: Emitter, s: Spectral, spectrum: gs.Tensor) -> gs.Variable:
    parts = emit.reshape("parts", spectrum, [s.batch, 2, s.channels, s.height, s.bins])
    pairs = emit.transpose("pairs", parts, [0, 2, 3, 4, 1])
    weights = self_conjugate_weights(s.width) * math.sqrt(s.height * s.width)
    counted = emit.multiply("count_mirror_images", pairs,
                            emit.constant(f"ifft/weights_{s.size}", weights[:, None].astype(np.float32)))
    rows = emit.node("rows", "DFT", [counted], pairs.shape, axis=ROWS_AXIS, onesided=0, inverse=1)
    length = emit.constant(f"ifft/length_{s.width}", np.asarray(s.width, dtype=np.int64))
    full = emit.node("width", "DFT", [rows, length], [s.batch, s.channels, s.height, s.width, 2], axis=WIDTH_AXIS,
                     onesided=0, inverse=1)
    real = emit.node("real_part", "Gather", [full, emit.constant("ifft/real", np.asarray(0, dtype=np.int64))],
                     [s.batch, s.channels, s.height, s.width], axis=4)
    return real

"""Lowering ``matmul``: a Fourier transform as two matrix products with constant real bases.

Every TensorRT and ONNX Runtime runs it without a plugin, and ONNX Runtime several times faster than its ``DFT``.
Between the two products real and imaginary parts change place, from side by side to one below the other. The rows'
basis does that by the order of its columns or rows, so nothing is moved.
"""

from __future__ import annotations

import onnx_graphsurgeon as gs

from export.onnx.passes import bases
from export.onnx.passes.emit import Emitter
from export.onnx.passes.spectral_nodes import Spectral, lower_all


def apply(graph: gs.Graph) -> int:
    """Lower every neutral Fourier node (see module)."""
    return lower_all(graph, _forward, _inverse)


def _forward(emit: Emitter, s: Spectral, x: gs.Tensor) -> gs.Variable:
    half = emit.matmul("width", x, emit.constant(f"fft/width_{s.width}", bases.forward_width(s.width)))
    paired = emit.reshape("pair", half, [s.batch, s.channels, 2 * s.height, s.bins])  # row h: real, then imaginary
    rows = bases.paired_columns(bases.forward_height(s.height))
    full = emit.matmul("rows", emit.constant(f"fft/rows_{s.height}", rows), paired)
    parts = emit.reshape("parts", full, [s.batch, s.channels, 2, s.height, s.bins])
    return emit.reshape("channels", emit.transpose("real_before_imaginary", parts, [0, 2, 1, 3, 4]),
                        [s.batch, 2 * s.channels, s.height, s.bins])


def _inverse(emit: Emitter, s: Spectral, spectrum: gs.Tensor) -> gs.Variable:
    parts = emit.reshape("parts", spectrum, [s.batch, 2, s.channels, s.height, s.bins])
    stacked = emit.reshape("stack", emit.transpose("channel_first", parts, [0, 2, 1, 3, 4]),
                           [s.batch, s.channels, 2 * s.height, s.bins])
    basis = bases.paired_columns(bases.forward_height(s.height)).T  # unitary: the inverse is the transpose
    rows = emit.matmul("rows", emit.constant(f"ifft/rows_{s.height}", basis), stacked)
    half = emit.reshape("side_by_side", rows, [s.batch, s.channels, s.height, 2 * s.bins])
    return emit.matmul("width", half, emit.constant(f"ifft/width_{s.width}", bases.inverse_width(s.width)))

"""Graph pass: a Fourier unit on maps with channels last, as integer convolutions give and take them.

Between two such convolutions the unit of lowering ``matmul`` needs two transpositions, and its 1x1 convolution two
more into ONNX Runtime's blocks. With channels last each transform is one product over the rows of all columns and
channels at once, one small product per row, and the convolution is a product of its own. Nothing is transposed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import onnx_graphsurgeon as gs
from numpy.typing import NDArray

from export.onnx.passes import bases
from export.onnx.passes.emit import Emitter, replace

TO_LAST, TO_FIRST = [0, 2, 3, 1], [0, 3, 1, 2]


@dataclass(frozen=True)
class FourierUnit:
    """rfft2 of ``x`` (1, C, H, W), 1x1 convolution over (channel, part), perhaps ReLU, irfft2; ``last`` ends it."""

    x: gs.Tensor
    mix: gs.Node
    relu: bool
    last: gs.Node

    @property
    def sizes(self) -> tuple[int, int, int]:
        """C, H, W."""
        _, channels, height, width = self.x.shape
        return channels, height, width


def apply(graph: gs.Graph) -> int:
    """Rewrite every Fourier unit; returns how many."""
    units = [unit for node in graph.nodes if node.op == "Conv" and (unit := _unit(graph, node)) is not None]
    for unit in units:
        replace(unit.last, _write(Emitter(graph, f"{unit.mix.name}/channels_last"), unit))
    graph.cleanup().toposort()
    return len(units)


def _write(emit: Emitter, unit: FourierUnit) -> gs.Variable:
    channels, height, width = unit.sizes
    bins, pixels = width // 2 + 1, height * (width // 2 + 1)
    x = emit.reshape("rows", emit.transpose("to_last", unit.x, TO_LAST), [height, width * channels])
    by_row = emit.matmul("forward_rows", emit.constant(f"fft/last_rows_{height}", forward_rows(height)), x)
    split = emit.reshape("complex_rows", by_row, [height, 2 * width, channels])
    spectrum = emit.matmul("forward_width", emit.constant(f"fft/last_width_{width}", forward_width(width)), split)
    weight, bias = _product(unit.mix, channels)
    stem = unit.mix.inputs[1].name
    mixed = emit.matmul("mix", emit.reshape("bins", spectrum, [pixels, 2 * channels]),
                        emit.constant(f"{stem}/channels_last", weight))
    mixed = emit.node("bias", "Add", [mixed, emit.constant(f"{stem}/channels_last_bias", bias)], mixed.shape)
    if unit.relu:
        mixed = emit.node("relu", "Relu", [mixed], mixed.shape)
    back = emit.matmul("inverse_rows", emit.constant(f"ifft/last_rows_{height}", inverse_rows(height)),
                       emit.reshape("bin_rows", mixed, [height, bins * 2 * channels]))
    parts = emit.reshape("parts", back, [height, 4 * bins, channels])
    image = emit.matmul("inverse_width", emit.constant(f"ifft/last_width_{width}", inverse_width(width)), parts)
    whole = emit.reshape("map", image, [1, height, width, channels])
    return emit.transpose("to_first", whole, TO_FIRST)


def forward_rows(height: int) -> bases.Basis:
    """(2H, H): real rows to complex ones, real and imaginary part of a row one below the other."""
    return _paired_rows(bases.forward_height(height)[:, :height])


def forward_width(width: int) -> bases.Basis:
    """(2(W//2+1), 2W): [real columns; imaginary columns] of a row to its bins, real and imaginary part of each."""
    cosine, sine = np.split(bases.forward_width(width), 2, axis=1)
    return _paired_rows(np.concatenate([np.hstack([cosine.T, -sine.T]), np.hstack([sine.T, cosine.T])]))


def inverse_rows(height: int) -> bases.Basis:
    """(2H, H): the cosine and the sine sum over the rows, one below the other."""
    basis = bases.forward_height(height)
    return _paired_rows(np.concatenate([basis[:height, :height], basis[:height, height:]]))


def inverse_width(width: int) -> bases.Basis:
    """(W, 4(W//2+1)): [cosine sums; sine sums] of a row, real and imaginary part of each bin, to real columns."""
    real, imaginary = np.split(bases.inverse_width(width), 2)
    of_cosine, of_sine = np.stack([real, imaginary], 1), np.stack([imaginary, -real], 1)
    return np.ascontiguousarray(np.concatenate([of_cosine, of_sine]).reshape(-1, width).T)


def _paired_rows(stacked: NDArray[np.float32]) -> bases.Basis:
    """(2N, M) [first; second] to first 0, second 0, first 1, ..."""
    return np.ascontiguousarray(stacked.reshape(2, -1, stacked.shape[1]).swapaxes(0, 1).reshape(stacked.shape))


def _product(mix: gs.Node, channels: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Weights (in, out) and bias of the convolution, its channels now (part, channel) instead of (channel, part)."""
    values = np.asarray(mix.inputs[1].values)[:, :, 0, 0]
    order = np.arange(2 * channels).reshape(channels, 2).T.ravel()
    bias = mix.inputs[2].values if len(mix.inputs) > 2 else np.zeros(2 * channels, np.float32)
    return np.ascontiguousarray(values[np.ix_(order, order)].T), np.ascontiguousarray(np.asarray(bias)[order])


def _unit(graph: gs.Graph, mix: gs.Node) -> FourierUnit | None:
    """The unit around a 1x1 convolution, or None where anything else reads or makes what is between."""
    ahead = _back(graph, mix.inputs[0], ("Reshape", "MatMul", "Reshape", "MatMul"))
    relu = _forth(graph, mix.outputs[0], ("Relu",))
    after = _forth(graph, relu[-1].outputs[0] if relu else mix.outputs[0], ("Reshape", "MatMul", "Reshape", "MatMul"))
    if not ahead or not after or not all(isinstance(t, gs.Constant) for t in mix.inputs[1:]):
        return None
    x, last = ahead[-1].inputs[0], after[-1]
    if x.shape is None or len(x.shape) != 4 or x.shape[0] != 1 or x.shape[-1] < 2:
        return None
    channels, height, width = x.shape[1:]
    rows = bases.paired_columns(bases.forward_height(height))
    whole = ((ahead[-1].inputs[1], bases.forward_width(width)), (ahead[1].inputs[0], rows),
             (after[1].inputs[0], rows.T), (last.inputs[1], bases.inverse_width(width)))
    fits = all(isinstance(t, gs.Constant) and t.values.shape == basis.shape and np.allclose(t.values, basis, atol=1e-5)
               for t, basis in whole)
    weights = (2 * channels, 2 * channels, 1, 1)
    return FourierUnit(x, mix, bool(relu), last) if fits and mix.inputs[1].values.shape == weights else None


def _back(graph: gs.Graph, tensor: gs.Tensor, ops: tuple[str, ...]) -> list[gs.Node]:
    """The makers of ``tensor``, one behind the other, if they are ``ops`` and nobody else reads between; else []."""
    found: list[gs.Node] = []
    for op in ops:
        if len(tensor.inputs) != 1 or not _alone(graph, tensor) or tensor.inputs[0].op != op:
            return []
        found.append(tensor.inputs[0])
        tensor = next(t for t in found[-1].inputs if not isinstance(t, gs.Constant))
    return found


def _forth(graph: gs.Graph, tensor: gs.Tensor, ops: tuple[str, ...]) -> list[gs.Node]:
    """The readers of ``tensor``, one behind the other, if they are ``ops`` and the only ones; else []."""
    found: list[gs.Node] = []
    for op in ops:
        if not _alone(graph, tensor) or tensor.outputs[0].op != op:
            return []
        found.append(tensor.outputs[0])
        tensor = found[-1].outputs[0]
    return found


def _alone(graph: gs.Graph, tensor: gs.Tensor) -> bool:
    return len(tensor.outputs) == 1 and not any(tensor is out for out in graph.outputs)

"""Graph pass: a map that is enlarged and then turned to channels last is two products with interpolation weights.

Bilinear interpolation acts on rows and columns apart. A flow of two channels becomes the coordinates of half a million
values that way: a product with blocks of weights puts the channels last by itself, where a resampling wants them, and
ONNX Runtime is spared to write them channel by channel and to turn them.
"""

from __future__ import annotations

import numpy as np
import onnx_graphsurgeon as gs
from numpy.typing import NDArray

from export.onnx.passes.emit import Emitter, replace

TO_LAST = [0, 2, 3, 1]
MOST_CHANNELS = 4
"""With more channels the blocks' zeros cost more than the turning."""


def apply(graph: gs.Graph) -> int:
    """Rewrite every such pair of nodes; returns how many."""
    made = 0
    for turn in [n for n in graph.nodes if n.op == "Transpose" and n.attrs.get("perm") == TO_LAST]:
        source = turn.inputs[0]
        resize = source.inputs[0] if len(source.inputs) == 1 else None
        if resize is None or not _linear(resize) or len(source.outputs) != 1 or any(source is t for t in graph.outputs):
            continue
        x = resize.inputs[0]
        batch, channels, rows, cols = x.shape
        _, _, high, wide = source.shape
        if batch != 1 or channels > MOST_CHANNELS:
            continue
        emit = Emitter(graph, resize.name)
        last = emit.reshape("rows", emit.transpose("to_last", x, TO_LAST), [rows, cols * channels])
        tall = emit.matmul("high", emit.constant(f"linear/{rows}_to_{high}", weights(rows, high)), last)
        blocks = np.kron(weights(cols, wide).T, np.eye(channels, dtype=np.float32))
        full = emit.matmul("wide", tall, emit.constant(f"linear/{cols}_to_{wide}_by_{channels}", blocks))
        replace(turn, emit.reshape("map", full, [1, high, wide, channels]))
        made += 1
    graph.cleanup().toposort()
    return made


def weights(size: int, new: int) -> NDArray[np.float32]:
    """(new, size): each new sample from the two old ones beside it, pixel centres at halves, edges held.

    As ONNX defines ``Resize`` with mode linear and half_pixel.
    """
    place = np.clip((np.arange(new) + 0.5) * size / new - 0.5, 0, size - 1)
    before = np.minimum(np.floor(place).astype(int), max(size - 2, 0))
    share = (place - before).astype(np.float32)
    matrix = np.zeros((new, size), np.float32)
    matrix[np.arange(new), before] = 1 - share
    matrix[np.arange(new), np.minimum(before + 1, size - 1)] += share
    return matrix


def _linear(node: gs.Node) -> bool:
    attrs = node.attrs
    plain = all(attrs.get(name, 0) in (0, None) for name in ("antialias", "exclude_outside"))
    return (node.op == "Resize" and plain and attrs.get("mode") in ("linear", b"linear") and "axes" not in attrs
            and attrs.get("coordinate_transformation_mode", "half_pixel") in ("half_pixel", b"half_pixel",
                                                                              "pytorch_half_pixel",
                                                                              b"pytorch_half_pixel")
            and all(min(a, b) > 1 for a, b in zip(node.inputs[0].shape[2:], node.outputs[0].shape[2:], strict=True))
            and list(node.inputs[0].shape[:2]) == list(node.outputs[0].shape[:2]))

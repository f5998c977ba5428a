"""Graph pass: feature maps become rows of pixels, and rows become maps, by a transposition of the whole map.

An exporter flattens the pixels first and turns (C, HW) afterwards. Turned first, (C, H, W) to (H, W, C), it is the
order in which blocked and integer kernels work anyway: ONNX Runtime then cancels its own transposition against it.
"""

from __future__ import annotations

import numpy as np
import onnx_graphsurgeon as gs

TO_ROWS, TO_MAP = [0, 2, 3, 1], [0, 3, 1, 2]


def apply(graph: gs.Graph) -> int:
    """Rewrite every flatten-and-turn and every turn-and-unflatten; returns how many."""
    made = 0
    for turn in [n for n in graph.nodes if n.op == "Transpose" and n.attrs.get("perm") == [0, 2, 1]]:
        made += _flatten_last(graph, turn) or _unflatten_first(graph, turn)
    graph.cleanup().toposort()
    return made


def _flatten_last(graph: gs.Graph, turn: gs.Node) -> bool:
    """Transpose(Reshape(x: B, C, H, W)) becomes Reshape(Transpose(x))."""
    flatten = turn.inputs[0].inputs[0] if len(turn.inputs[0].inputs) == 1 else None
    if flatten is None or flatten.op != "Reshape":
        return False
    x, flat = flatten.inputs[0], flatten.outputs[0]
    if x.shape is None or len(x.shape) != 4 or list(flat.shape) != [*x.shape[:2], x.shape[2] * x.shape[3]]:
        return False
    _rewrite(graph, turn, x, TO_ROWS, "Transpose first")
    return True


def _unflatten_first(graph: gs.Graph, turn: gs.Node) -> bool:
    """Reshape(Transpose(x: B, HW, C)) to (B, C, H, W) becomes Transpose(Reshape(x))."""
    x, turned = turn.inputs[0], turn.outputs[0]
    if len(turned.outputs) != 1 or turned.outputs[0].op != "Reshape" or any(turned is out for out in graph.outputs):
        return False
    unflatten = turned.outputs[0]
    shape = unflatten.outputs[0].shape
    if len(shape) != 4 or list(shape[:2]) != list(turned.shape[:2]):
        return False
    _rewrite(graph, unflatten, x, TO_MAP, "Reshape first")
    return True


def _rewrite(graph: gs.Graph, last: gs.Node, x: gs.Tensor, perm: list[int], order: str) -> None:
    """Two nodes from ``x`` to the output of ``last``, which is unhooked."""
    out = last.outputs[0]
    last.outputs.clear()
    shape = list(out.shape)
    if order == "Transpose first":
        between = [x.shape[axis] for axis in perm]
        steps = [("Transpose", {"perm": perm}, []), ("Reshape", {}, [_shape(last.name, shape)])]
    else:
        between = [shape[perm.index(axis)] for axis in range(4)]
        steps = [("Reshape", {}, [_shape(last.name, between)]), ("Transpose", {"perm": perm}, [])]
    middle = gs.Variable(f"{last.name}.pixels", np.float32, between)
    for (op, attrs, more), source, target in zip(steps, (x, middle), (middle, out), strict=True):
        graph.nodes.append(gs.Node(op, f"{last.name}.{op.lower()}", attrs, [source, *more], [target]))


def _shape(name: str, shape: list[int]) -> gs.Constant:
    return gs.Constant(f"{name}.shape", np.array(shape, np.int64))

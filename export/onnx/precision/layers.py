"""The layers of a stage that have weights, and those that must not become integers, each with its reason.

Everything is found by what the graph computes, not by names: a Fourier transform by its basis, a grid by its sampler,
a head by the outputs that it leads to. So the rules hold for another configuration of the networks, too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import onnx_graphsurgeon as gs
from numpy.typing import NDArray

from export.onnx.passes import bases

LAYER_OPS: Final = ("Conv", "MatMul", "Gemm")
LANDMARK_OUTPUTS: Final = frozenset({"endplates_mm", "endplates_sd_mm", "angle_sd_deg"})
STANDARD_DOMAINS: Final = (None, "", "ai.onnx")

FOURIER: Final = "inside a Fourier branch: 8 bits cannot hold a spectrum's range"
GRID: Final = "gives the coordinates of a grid sample"
HEAD: Final = "landmark head: its values are the angles"
ONE_VECTOR: Final = "acts on one vector: nothing to gain"
BETWEEN_FLOATS: Final = "matrix product between layers in floating point: quantising its ends costs what it saves"


@dataclass(frozen=True)
class Layer:
    """A node with constant weights. ``name`` is that of the trained layer; ``node`` the node's in the graph."""

    name: str
    node: str
    op: str


def layers_of(graph: gs.Graph) -> list[Layer]:
    """Every layer in the graph's order."""
    return [Layer(layer_name(n), n.name, n.op) for n in graph.nodes if _has_weights(n)]


def layer_name(node: gs.Node) -> str:
    """Name of a layer as training knows it, from its weight's or its bias's name; else the node's own."""
    followers = [reader for out in node.outputs for reader in out.outputs if reader.op == "Add"]
    for constant in (t for n in (node, *followers) for t in n.inputs if isinstance(t, gs.Constant)):
        stem, _, kind = constant.name.removesuffix("_bias").rpartition(".")
        if kind in ("weight", "bias") and stem:
            return stem.removeprefix("net.")
    return node.name


def kept_out(graph: gs.Graph) -> dict[str, str]:
    """Node name -> why that layer does not become an integer one. Only layers are listed."""
    reasons: dict[str, str] = {}
    rules = ((FOURIER, _fourier(graph)), (HEAD, _heads(graph)), (ONE_VECTOR, _vectors(graph)), (GRID, _grids(graph)),
             (BETWEEN_FLOATS, [n for n in graph.nodes if n.op in ("MatMul", "Gemm")]))
    for reason, nodes in rules:
        for node in nodes:
            if _has_weights(node):
                reasons.setdefault(node.name, reason)
    return reasons


def head_nodes(graph: gs.Graph) -> set[str]:
    """Names of all nodes, layers or not, that nothing but landmark outputs come from, and of their shape model.

    Positions reach half a metre from the origin: 16 bits would round them to a quarter of a millimetre. Nodes that
    share a constant with these (the shape model is read twice) belong to them, since a constant has one precision;
    and so do the layers on one vector that make the shape model's coefficients.
    """
    inside = {id(n): n for n in _heads(graph)}
    vectors = {id(n) for n in graph.nodes if _rows(n) == 1 and n.op in (*LAYER_OPS, "Add")}
    while True:
        constants = [t for n in inside.values() for t in n.inputs if isinstance(t, gs.Constant) and t.values.size > 1]
        ahead = [n for constant in constants for n in constant.outputs]
        ahead += [m for n in inside.values() for m in _makers(n) if id(m) in vectors]
        new = {id(n): n for n in ahead if id(n) not in inside}
        if not new:
            return {n.name for n in inside.values()}
        inside |= new


def _has_weights(node: gs.Node) -> bool:
    return node.op in LAYER_OPS and any(isinstance(t, gs.Constant) for t in node.inputs[:2])


def _makers(node: gs.Node) -> Iterator[gs.Node]:
    return (maker for tensor in node.inputs for maker in tensor.inputs)


def _readers(node: gs.Node) -> Iterator[gs.Node]:
    return (reader for tensor in node.outputs for reader in tensor.outputs)


def _fourier(graph: gs.Graph) -> list[gs.Node]:
    """Every node from a forward transform to the inverse that its spectrum ends in."""
    begins = [n for n in graph.nodes if _transform(n) == "forward"]
    ends = [n for n in graph.nodes if _transform(n) == "inverse"]
    after = _walk(begins, _readers, stop=ends)
    before = _walk(ends, _makers, stop=begins)
    return [n for n in graph.nodes if id(n) in after and id(n) in before]


def _transform(node: gs.Node) -> str | None:
    """Whether a node is the first or the last step of a transform, whatever lowering it has."""
    if node.op == "DFT" or node.domain not in STANDARD_DOMAINS:
        inverse = bool(node.attrs.get("inverse", 0)) or "irfft" in node.op.lower()
        return "inverse" if inverse else "forward"
    if node.op != "MatMul" or not isinstance(node.inputs[1], gs.Constant):
        return None
    values = node.inputs[1].values
    for direction, basis in (("forward", _basis(values, bases.forward_width, values.shape[0])),
                             ("inverse", _basis(values, bases.inverse_width, values.shape[-1]))):
        if basis:
            return direction
    return None


def _basis(values: NDArray[np.float32], make: Callable[[int], NDArray[np.float32]], width: int) -> bool:
    if values.ndim != 2 or sorted(values.shape) != sorted((width, 2 * (width // 2 + 1))):
        return False
    expected = make(width)
    return expected.shape == values.shape and bool(np.allclose(values, expected, atol=1e-5))


def _grids(graph: gs.Graph) -> list[gs.Node]:
    """The last layers before the coordinates of each GridSample."""
    found: list[gs.Node] = []
    ahead = [maker for n in graph.nodes if n.op == "GridSample" for maker in n.inputs[1].inputs]
    seen: set[int] = set()
    while ahead:
        node = ahead.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if _has_weights(node):
            found.append(node)
        else:
            ahead += list(_makers(node))
    return found


def _heads(graph: gs.Graph) -> list[gs.Node]:
    """Nodes from which nothing but landmark outputs is reached. A landmark output ends a path even if read again."""
    leads_on: set[int] = set()
    outputs = {id(t) for t in graph.outputs if t.name not in LANDMARK_OUTPUTS}
    if len(outputs) == len(graph.outputs):
        return []
    for node in reversed(graph.nodes):
        for tensor in node.outputs:
            if tensor.name in LANDMARK_OUTPUTS:
                continue
            if id(tensor) in outputs or any(id(reader) in leads_on for reader in tensor.outputs):
                leads_on.add(id(node))
    return [n for n in graph.nodes if id(n) not in leads_on]


def _vectors(graph: gs.Graph) -> list[gs.Node]:
    return [n for n in graph.nodes if n.op in ("MatMul", "Gemm") and _rows(n) == 1]


def _rows(node: gs.Node) -> int:
    shape = node.outputs[0].shape if node.outputs else None
    return int(np.prod(shape[:-1])) if shape and all(isinstance(d, int) for d in shape) else 0


def _walk(starts: Iterable[gs.Node], step: Callable[[gs.Node], Iterator[gs.Node]], stop: Iterable[gs.Node]) -> set[int]:
    last = {id(n) for n in stop}
    seen: set[int] = set()
    ahead = list(starts)
    while ahead:
        node = ahead.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if id(node) not in last:
            ahead += list(step(node))
    return seen

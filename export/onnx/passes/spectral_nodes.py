"""Finds the neutral Fourier nodes of a graph, and walks a lowering over them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import onnx_graphsurgeon as gs

from export.model.spectral_node import DOMAIN, FORWARD, INVERSE
from export.onnx.passes.emit import Emitter, replace


@dataclass(frozen=True)
class Spectral:
    """Sizes of one neutral node: B, C, H, W of its real image."""

    inverse: bool
    batch: int
    channels: int
    height: int
    width: int

    @property
    def bins(self) -> int:
        """Frequencies along the width that are kept."""
        return self.width // 2 + 1

    @property
    def size(self) -> str:
        """The image's size as part of a constant's name."""
        return f"{self.height}x{self.width}"


Lowering = Callable[[Emitter, Spectral, gs.Tensor], gs.Variable]
"""Writes one transform: (emitter, sizes, its input) -> its output, of the shape that the neutral node gives."""


def lower_all(graph: gs.Graph, forward: Lowering, inverse: Lowering) -> int:
    """Replace every neutral node; what comes in its stead is named ``rfft2_<n>/...`` or ``irfft2_<n>/...``."""
    found = [node for node in graph.nodes if node.domain == DOMAIN and node.op in (FORWARD, INVERSE)]
    for number, node in enumerate(found):
        sizes = _read(node)
        emitter = Emitter(graph, f"{node.op.lower()}_{number}")
        write = inverse if sizes.inverse else forward
        replace(node, write(emitter, sizes, node.inputs[0]))
    if found:
        graph.cleanup().toposort()
        graph.import_domains = [entry for entry in graph.import_domains or () if entry.domain != DOMAIN]
    return len(found)


def _read(node: gs.Node) -> Spectral:
    batch, channels, *_ = node.inputs[0].shape
    inverse = node.op == INVERSE
    return Spectral(inverse, batch, channels // 2 if inverse else channels, node.attrs["height"], node.attrs["width"])

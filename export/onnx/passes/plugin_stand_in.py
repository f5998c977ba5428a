"""Lets a file with plugin nodes run where there is no plugin: each node becomes matrix products that mean the same.

For checks alone: everything around the plugin nodes is then run by ONNX Runtime and built by NVIDIA's parser as it
is. No bundle is ever written with it. Only the form that ``fft_plugin`` writes is known: one-sided, two trailing axes.
"""

from __future__ import annotations

import math

import numpy as np
import onnx_graphsurgeon as gs

from edge.errors import BundleError
from export.onnx.passes import bases
from export.onnx.passes.emit import Emitter, replace
from export.onnx.passes.plugin_node import PLUGIN_DOMAIN, plugin_nodes


def apply(graph: gs.Graph) -> int:
    """Replace every plugin node (see module).

    Raises:
        BundleError: a plugin node of another form; names it.
    """
    found = plugin_nodes(graph)
    for number, node in enumerate(found):
        if (node.attrs.get("onesided"), node.attrs.get("ndims")) != (1, 2):
            raise BundleError("a plugin node of a form that is not known here", where=node.name,
                              expected="onesided 1 and ndims 2", found=str(dict(node.attrs)),
                              mend="export the bundle again")
        write = _inverse if node.attrs.get("inverse", 0) else _forward
        replace(node, write(Emitter(graph, f"stand_in_{number}"), node))
    if found:
        graph.cleanup().toposort()
        graph.import_domains = [entry for entry in graph.import_domains or () if entry.domain != PLUGIN_DOMAIN]
    return len(found)


def _forward(emit: Emitter, node: gs.Node) -> gs.Variable:
    x = node.inputs[0]
    *outer, height, width = x.shape
    bins = width // 2 + 1
    n, scale = len(outer), np.float32(math.sqrt(height * width))
    half = emit.matmul("width", x, emit.constant(f"stand_in/fft_width_{width}", bases.forward_width(width)))
    split = emit.reshape("split", half, [*outer, height, 2, bins])
    stacked = emit.reshape("stack", emit.transpose("parts", split, [*range(n), n + 1, n, n + 2]),
                           [*outer, 2 * height, bins])
    rows = emit.constant(f"stand_in/fft_rows_{height}x{width}", bases.forward_height(height) * scale)
    full = emit.reshape("unstack", emit.matmul("rows", rows, stacked), [*outer, 2, height, bins])
    return emit.transpose("pairs", full, [*range(n), n + 1, n + 2, n])


def _inverse(emit: Emitter, node: gs.Node) -> gs.Variable:
    pairs = node.inputs[0]
    *outer, height, bins, _ = pairs.shape
    # Without a second input the plugin takes the width for even.
    width = int(node.inputs[1].values[0]) if len(node.inputs) > 1 else 2 * (bins - 1)
    n, scale = len(outer), np.float32(math.sqrt(height * width))
    parts = emit.transpose("parts", pairs, [*range(n), n + 2, n, n + 1])
    stacked = emit.reshape("stack", parts, [*outer, 2 * height, bins])
    rows = emit.matmul("rows", emit.constant(f"stand_in/ifft_rows_{height}", bases.inverse_height(height)), stacked)
    split = emit.transpose("row_first", emit.reshape("split", rows, [*outer, 2, height, bins]),
                           [*range(n), n + 1, n, n + 2])
    half = emit.reshape("side_by_side", split, [*outer, height, 2 * bins])
    basis = emit.constant(f"stand_in/ifft_width_{height}x{width}", bases.inverse_width(width) * scale)
    return emit.matmul("width", half, basis)

"""The plugin node: names, layout and scaling of TensorRT 11.2's stock ``FFTPlugin``, which ours shares.

One node transforms the trailing ``ndims`` axes, batched over the others. Complex values are interleaved
``[..., 2]``; neither direction is scaled (cuFFT's convention), so a round trip multiplies by H*W. ``inverse`` and
``onesided`` are 0 or 1. The one-sided inverse takes the signal's length as a second INT64 input where it is odd.

The node's domain keeps it apart from ONNX's own operators; the empty ``plugin_namespace`` is what TensorRT looks up,
and 10.3 knows no other way.
"""

from __future__ import annotations

from typing import Any, Final

import onnx_graphsurgeon as gs

PLUGIN_OP: Final = "FFTPlugin"
PLUGIN_DOMAIN: Final = "trt.plugins"
PLUGIN_VERSION: Final = "1"
DOMAIN_VERSION: Final = 1


def attributes(inverse: bool) -> dict[str, Any]:
    """Attributes of the node for a one-sided 2-D transform."""
    return {
        "inverse": int(inverse), "onesided": 1, "ndims": 2, "plugin_version": PLUGIN_VERSION, "plugin_namespace": "",
    }


def plugin_nodes(graph: gs.Graph) -> list[gs.Node]:
    """Every plugin node of ``graph``, in its order."""
    return [node for node in graph.nodes if node.op == PLUGIN_OP and node.domain == PLUGIN_DOMAIN]

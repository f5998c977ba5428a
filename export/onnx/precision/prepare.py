"""A stage as integer kernels want it: normalisations folded, branches merged, every shape known. Same meaning.

The file for the CPU goes further: channels come last where integer kernels put them anyway, in Fourier units too,
shuffles move runs of pixels, thin convolutions are padded to what a kernel writes, normalisations of the same vectors
are one, and rows of vectors are matrices. Convolutions that may become integers keep their names.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import onnx
import onnx_graphsurgeon as gs

from export.onnx.passes import (
    flat_rows,
    fold_norm,
    fourier_last,
    merge_branches,
    pad_channels,
    pixels_last,
    resize_product,
    share_norm,
    shuffle_runs,
)
from export.onnx.precision.layers import kept_out

Pass = Callable[[gs.Graph], int]


def _pad(graph: gs.Graph) -> int:
    return pad_channels.apply(graph, kept_out(graph))


PASSES: Final[tuple[Pass, ...]] = (fold_norm.apply, merge_branches.apply)
CPU_PASSES: Final[tuple[Pass, ...]] = (
    *PASSES, _pad, pixels_last.apply, shuffle_runs.apply, fourier_last.apply, share_norm.apply,
    resize_product.apply, flat_rows.apply,
)
"""For ONNX Runtime's CPU kernels."""


def prepare(model: onnx.ModelProto, passes: Sequence[Pass] = PASSES) -> onnx.ModelProto:
    """A copy of ``model`` after ``passes``, with the shape of every tensor written in. Metadata stays."""
    graph = graph_of(model)
    for apply in passes:
        apply(graph)
    return with_shapes(model_of(graph, model))


def graph_of(model: onnx.ModelProto) -> gs.Graph:
    """The model as an onnx-graphsurgeon graph that knows every shape."""
    return gs.import_onnx(with_shapes(model))


def model_of(graph: gs.Graph, origin: onnx.ModelProto) -> onnx.ModelProto:
    """The graph as a model with the metadata and versions of ``origin``."""
    model = gs.export_onnx(graph, do_type_check=False)
    model.ir_version, model.producer_name = origin.ir_version, origin.producer_name
    model.graph.name = origin.graph.name
    onnx.helper.set_model_props(model, {p.key: p.value for p in origin.metadata_props})
    return model


def with_shapes(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy of ``model`` with inferred shapes."""
    return onnx.shape_inference.infer_shapes(model, data_prop=True)

"""A form of an ONNX file that runs without the FFT plugin, for checks: the file itself where it has no plugin node."""

from __future__ import annotations

from pathlib import Path

import onnx
import onnx_graphsurgeon as gs

from export.onnx.passes import plugin_stand_in


def without_plugin(model: onnx.ModelProto) -> tuple[onnx.ModelProto, int]:
    """``model`` with matrix products in place of its plugin nodes, and how many there were; unchanged without any.

    Raises:
        BundleError: a plugin node of a form that is not known.
    """
    graph = gs.import_onnx(model)
    count = plugin_stand_in.apply(graph)
    if not count:
        return model, 0
    replaced = gs.export_onnx(graph, do_type_check=False)
    replaced.ir_version = model.ir_version
    return replaced, count


def runnable_file(path: Path, scratch: Path) -> Path:
    """``path``, or where it holds plugin nodes a file in ``scratch`` that means the same to ONNX Runtime."""
    model, count = without_plugin(onnx.load(path))
    if not count:
        return path
    other = scratch / f"{path.stem}.without-plugin.onnx"
    onnx.save(model, other)
    return other

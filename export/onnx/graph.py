"""One stage as an ONNX file: traced once in neutral form, lowered by passes, with static shapes and named tensors."""

from __future__ import annotations

import contextlib
import io
import logging
import os
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import onnx
import onnx_graphsurgeon as gs
import torch
from torch import nn

from edge.errors import BundleError
from edge.runtime.stages import ALL_STAGES
from export.model.config import SD_NAMES
from export.model.dft import traced_transforms
from export.model.radiograph import RADIOGRAPH_INPUTS, RADIOGRAPH_OUTPUTS, RadiographNet, radiograph_input_shapes
from export.model.spectral_node import DOMAIN as NEUTRAL_DOMAIN
from export.model.structure import STRUCTURE_INPUTS, STRUCTURE_OUTPUTS, StructureGraph, StructureNet
from export.onnx.passes import channel_order, fft_dft, fft_matmul, fft_plugin

OPSET: Final = 18
"""The lowest that torch exports without its down-converter, and the highest that TensorRT 10.3 takes whole."""

FFT_LOWERINGS: Final[dict[str, Callable[[gs.Graph], int]]] = {
    "matmul": fft_matmul.apply, "dft": fft_dft.apply, "plugin": fft_plugin.apply,
}
"""Name of the lowering in a bundle -> the pass that writes it."""

UNITS: Final = {
    "back_view": "edge.lift.BACK_CHANNELS on grid BACK_VIEW",
    "lateral_lift": "edge.lift.LIFT_CHANNELS on grid LATERAL_VIEW",
    "endplates_mm": "mm, body frame (x anterior, y up, z right)",
    "endplates_sd_mm": "mm, standard deviation",
    "angle_sd_deg": f"degrees, standard deviation: {' '.join(SD_NAMES)}",
    "warped_template": "log-attenuation; vertebral structure 0..1; grid RADIOGRAPH",
    "back_features": "features at 1/8 scale",
    "landmark_tokens": "one per vertebra C7..L5 and S1",
    "log_attenuation": "-ln(I/I0), natural logarithm, grid RADIOGRAPH",
    "endplates": "forward mm, up mm, tilt degrees, half length mm",
}
"""Unit and frame of every tensor, written into the file's metadata."""


@dataclass(frozen=True)
class StageGraph:
    """A stage ready for export: module with positional inputs, and its tensors."""

    stage: str
    module: nn.Module
    inputs: dict[str, tuple[int, ...]]
    outputs: tuple[str, ...]


def stage_graphs(structure: StructureNet, radiograph: RadiographNet) -> tuple[StageGraph, StageGraph]:
    """Both stages as they are exported."""
    shapes = radiograph_input_shapes(radiograph.config)
    return (
        StageGraph("structure", StructureGraph(structure).eval(), dict(STRUCTURE_INPUTS), STRUCTURE_OUTPUTS),
        StageGraph("radiograph", radiograph.eval(), {n: shapes[n] for n in RADIOGRAPH_INPUTS}, RADIOGRAPH_OUTPUTS),
    )


def export_graph(graph: StageGraph, path: Path, fft: str) -> None:
    """Write ``path`` atomically with the FFT as ``fft`` (a key of ``FFT_LOWERINGS``).

    Raises:
        BundleError: a Fourier transform was lost on the way.
    """
    model = lower(trace(graph), fft)
    onnx.checker.check_model(model, full_check=True)
    part = path.with_name(path.name + ".part")
    part.write_bytes(model.SerializeToString())
    os.replace(part, path)


def trace(graph: StageGraph) -> onnx.ModelProto:
    """The stage with one neutral node per Fourier transform (``export.model.spectral_node``); no runtime takes it."""
    module = graph.module.to("cpu").float().eval()
    example = tuple(torch.zeros(shape) for shape in graph.inputs.values())
    with traced_transforms(module), _quiet(), torch.no_grad():
        program = torch.onnx.export(
            module, example, dynamo=True, opset_version=OPSET, input_names=list(graph.inputs),
            output_names=list(graph.outputs), external_data=False, verbose=False,
        )
    assert program is not None
    model = program.model_proto
    _strip(model)
    rules = ALL_STAGES[graph.stage]
    names = [t.name for t in (*rules.inputs, *rules.outputs)]
    onnx.helper.set_model_props(model, {"latx.stage": graph.stage, **{f"latx.unit.{n}": UNITS[n] for n in names}})
    model.producer_name = "latx-export"
    return model


def lower(model: onnx.ModelProto, fft: str) -> onnx.ModelProto:
    """A traced stage with its Fourier transforms written as ``fft``; metadata and everything else stay.

    Raises:
        BundleError: a neutral node is left over.
    """
    surgeon = gs.import_onnx(model)
    surgeon.name = model.graph.name
    FFT_LOWERINGS[fft](surgeon)
    channel_order.apply(surgeon)
    lowered = gs.export_onnx(surgeon, do_type_check=False)
    left = [node.name for node in lowered.graph.node if node.domain == NEUTRAL_DOMAIN]
    if left:
        raise BundleError("a Fourier transform was not lowered", where=left[0], expected=f"lowering {fft}",
                          found=f"{len(left)} neutral nodes", mend="report the networks' configuration")
    lowered.ir_version, lowered.producer_name = model.ir_version, model.producer_name
    props = {entry.key: entry.value for entry in model.metadata_props}
    onnx.helper.set_model_props(lowered, props | {"latx.fft": fft})
    return lowered


def _strip(model: onnx.ModelProto) -> None:
    # Traces of the exporting machine's source files serve nobody on a device.
    model.doc_string = ""
    model.graph.doc_string = ""
    del model.metadata_props[:]
    del model.graph.metadata_props[:]
    for node in model.graph.node:
        node.doc_string = ""
        del node.metadata_props[:]
    for value in (*model.graph.value_info, *model.graph.input, *model.graph.output, *model.graph.initializer):
        del value.metadata_props[:]


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    loggers = [logging.getLogger(n) for n in ("torch.onnx", "onnxscript", "onnx_ir")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)

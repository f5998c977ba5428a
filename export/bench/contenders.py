"""Everything that can run both stages of a bundle: a name, and a function that loads it in a process of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edge.errors import MissingDependencyError, UsageError

Arrays = Mapping[str, NDArray[Any]]
RunFrame = Callable[[Arrays], Arrays]
"""Stage 1's inputs to at least ``endplates_mm`` and ``log_attenuation``."""


@dataclass(frozen=True)
class Setting:
    """What is run. checkpoint: the run's folder, None where PyTorch is left out."""

    bundle: Path
    checkpoint: Path | None
    threads: int


def pytorch_eager(setting: Setting) -> RunFrame:
    """The trained networks as they are."""
    return _pytorch(setting, compiled=False)


def pytorch_compiled(setting: Setting) -> RunFrame:
    """The trained networks through ``torch.compile`` (inductor)."""
    return _pytorch(setting, compiled=True)


def onnxruntime_fp32(setting: Setting) -> RunFrame:
    """The bundle's FP32 files."""
    return _bundle(setting, "onnxruntime", "fp32")


def onnxruntime_int8(setting: Setting) -> RunFrame:
    """The bundle's INT8 files for the CPU."""
    return _bundle(setting, "onnxruntime", "int8-cpu")


def openvino_fp32(setting: Setting) -> RunFrame:
    """The same FP32 files in OpenVINO; its own choice of bfloat16 is overruled, so that it is a peer."""
    try:
        import openvino
    except ImportError:
        raise MissingDependencyError("OpenVINO is not installed", expected="openvino 2025.0 or newer",
                                     mend="pip install openvino") from None
    from edge.runtime.bundle import check_bundle
    from edge.runtime.stages import STAGES

    manifest, _ = check_bundle(setting.bundle)
    core = openvino.Core()
    settings = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": setting.threads}
    compiled = [core.compile_model(str(setting.bundle / getattr(manifest.stages, stage).file), "CPU", settings)
                for stage in STAGES]

    def run(view: Arrays) -> Arrays:
        known = dict(view)
        for stage, model in zip(STAGES, compiled, strict=True):
            taken = {name for port in model.inputs for name in port.names}  # what nothing reads is no input any more
            results = model({t.name: known[t.name] for t in STAGES[stage].inputs if t.name in taken})
            known |= {tensor.name: results[model.output(tensor.name)] for tensor in STAGES[stage].outputs}
        return known

    return run


def tensorrt(setting: Setting) -> RunFrame:
    """The bundle's engines, both stages in one go."""
    return _bundle(setting, "tensorrt", "fp32")


CONTENDERS: Final[dict[str, Callable[[Setting], RunFrame]]] = {
    "PyTorch eager": pytorch_eager,
    "torch.compile": pytorch_compiled,
    "ONNX Runtime FP32": onnxruntime_fp32,
    "ONNX Runtime INT8": onnxruntime_int8,
    "OpenVINO FP32": openvino_fp32,
    "TensorRT": tensorrt,
}


def _pytorch(setting: Setting, compiled: bool) -> RunFrame:
    if setting.checkpoint is None:
        raise UsageError("there are no trained networks to time", where="--checkpoint", expected="a run's folder",
                         found="nothing", mend="give the run that the bundle was exported from")
    import torch

    from export.onnx.graph import stage_graphs
    from export.train.loop import load_checkpoint
    from export.train.radiograph_trainer import load_radiograph
    from export.train.structure_trainer import load_structure

    torch.set_num_threads(setting.threads)
    graphs = stage_graphs(load_structure(load_checkpoint(setting.checkpoint / "structure.pt")),
                          load_radiograph(load_checkpoint(setting.checkpoint / "radiograph.pt")))
    modules = [torch.compile(g.module.float().eval()) if compiled else g.module.float().eval() for g in graphs]

    def run(view: Arrays) -> Arrays:
        known = {name: torch.from_numpy(np.asarray(value)) for name, value in view.items()}
        with torch.inference_mode():
            for graph, module in zip(graphs, modules, strict=True):
                result = module(*(known[name] for name in graph.inputs))
                known |= zip(graph.outputs, result if isinstance(result, tuple) else (result,), strict=True)
        return {name: value.numpy() for name, value in known.items()}

    return run


def _bundle(setting: Setting, runtime: str, precision: str) -> RunFrame:
    from edge.runtime.bundle import load_bundle

    bundle = load_bundle(setting.bundle, setting.threads, runtime, precision)
    return lambda view: bundle.run(view)[0]

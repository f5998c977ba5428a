"""A complete bundle of real ONNX files in miniature, made in a moment: it always answers the mean spine."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from edge.runtime.bundle import file_entry
from edge.runtime.manifest import INTERVAL_NAMES
from edge.runtime.stages import STAGES
from edge.runtime.template_runner import TemplateRunner, mean_endplates_mm


def tiny_stage(stage, path, *, batch=1, nan=False, drop_output=None):
    """An ONNX file with the stage's inputs and outputs; each output is a constant plus 0 x the mean of one input."""
    specs = TemplateRunner(stage)
    spine = mean_endplates_mm() + np.array([70.0, 0, 0])
    constants = {"endplates_mm": spine[None], "angle_sd_deg": np.full((1, 9), 5.0)}
    nodes, initialisers, outputs = [], [], []
    inputs = [helper.make_tensor_value_info(s.name, TensorProto.FLOAT, (batch, *s.shape[1:])) for s in specs.inputs]
    initialisers.append(numpy_helper.from_array(np.zeros(1, np.float32), "nought"))
    nodes.append(helper.make_node("ReduceMean", [specs.inputs[0].name], ["mean"], keepdims=0))
    nodes.append(helper.make_node("Mul", ["mean", "nought"], ["nothing"]))
    for spec in specs.outputs:
        if spec.name == drop_output:
            continue
        value = constants.get(spec.name, np.full(spec.shape, np.nan if nan else 2.0)).astype(np.float32)
        initialisers.append(numpy_helper.from_array(value, spec.name + "_value"))
        nodes.append(helper.make_node("Add", [spec.name + "_value", "nothing"], [spec.name]))
        outputs.append(helper.make_tensor_value_info(spec.name, TensorProto.FLOAT, spec.shape))
    graph = helper.make_graph(nodes, stage, inputs, outputs, initialisers)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9), path)
    return path


def stage_entry(stage, path):
    runner = TemplateRunner(stage)
    return {
        **file_entry(path),
        "inputs": [dataclasses.asdict(s) for s in runner.inputs],
        "outputs": [dataclasses.asdict(s) for s in runner.outputs],
    }


def write_bundle(folder):
    folder.mkdir(parents=True, exist_ok=True)
    for stage in STAGES:
        tiny_stage(stage, folder / f"{stage}.onnx")
    (folder / "model-card.md").write_text("# A bundle for tests: it always answers the mean spine.\n")
    manifest = {
        "schema_version": "1.0",
        "name": "tiny",
        "version": "0.0.1",
        "created_at": "2026-01-02T03:04:05Z",
        "trained_on": "nothing",
        "opset": 18,
        "fft_lowering": "matmul",
        "precision": "fp32",
        "stages": {stage: stage_entry(stage, folder / f"{stage}.onnx") for stage in STAGES},
        "model_card": file_entry(folder / "model-card.md"),
        "interval_scales": dict.fromkeys(INTERVAL_NAMES, 1.6),
        "template": {"description": "the mean spine", "subjects": 1},
    }
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=1))
    return folder

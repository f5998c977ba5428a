"""What the tests of the device's path share: a stand-in bundle, a real bundle in miniature, frames of a phantom."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from edge.fuse import fuse
from edge.measure.angles import sagittal_angles
from edge.measure.coronal import cobb_major
from edge.pipeline import Measurements
from edge.runtime.bundle import INTERVAL_NAMES, file_entry
from edge.runtime.stages import STAGES
from edge.runtime.template_runner import TemplateRunner, mean_endplates_mm, template_bundle
from edge.scan import Scan


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


@pytest.fixture
def make_stage():
    return tiny_stage


@pytest.fixture
def tiny_bundle(tmp_path):
    """A folder with a complete bundle of real ONNX files, made in a moment."""
    return write_bundle(tmp_path / "bundle")


@pytest.fixture
def stand_in():
    """A bundle of two template runners."""
    return template_bundle()


@pytest.fixture(scope="session")
def phantom_frames():
    """Four frames of one phantom subject as a D455 at 848x480 in portrait sees it."""
    from calib.phantom.depth_camera import render_frames
    from calib.phantom.mount import View
    from calib.phantom.sampler import sample_subject

    view = View("D455 848x480", 480, 848, 1.2)
    return render_frames(sample_subject(0, "sensor"), view, 4, 0)


@pytest.fixture
def make_measurements():
    """Measurements of a frame whose spine is the mean one unless another is given."""

    def make(number=0, endplates_mm=None, angles=None, gates=None, picture=None, sd_deg=5.0):
        spine = mean_endplates_mm() + np.array([70.0, 0, 0]) if endplates_mm is None else endplates_mm
        return Measurements(
            angles_deg=sagittal_angles(spine) | (angles or {}),
            angle_sd_deg=dict.fromkeys(INTERVAL_NAMES, sd_deg),
            cobb=cobb_major(spine),
            endplates_mm=spine,
            endplates_sd_mm=np.full((37, 4, 3), 3.0),
            log_attenuation=np.full((512, 256), float(number), np.float32) if picture is None else picture,
            gates={"distance_m": 1.2} if gates is None else gates,
            captured_at_ns=1_767_225_600_000_000_000 + number * 66_666_667,
            number=number,
            timing_ms={"see": 10.0 + number, "structure": 20.0},
        )

    return make


@pytest.fixture
def finished_scan(make_measurements, stand_in):
    """A scan of three frames, fused, as the pipeline would leave it."""
    rng = np.random.default_rng(5)
    picture = rng.uniform(0, 5, (512, 256)).astype(np.float32)
    frames = [make_measurements(i, picture=picture) for i in range(3)]
    return Scan(fuse(frames, stand_in.manifest.interval_scales), 321.0)

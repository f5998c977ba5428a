"""What the tests of the engine builder share: a bundle in miniature with FP16 files, and two views."""

from __future__ import annotations

import json

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from edge.runtime.bundle import file_entry
from edge.runtime.stages import STAGES


def round_weights(source, target, noise_mm=0.0):
    """The file with its constants rounded to half precision and back, and with noise on the endplates."""
    model, rng = onnx.load(source), np.random.default_rng(0)
    for value in model.graph.initializer:
        array = numpy_helper.to_array(value)
        if value.name == "endplates_mm_value":
            array = array + rng.normal(0, noise_mm, array.shape)
        value.CopyFrom(numpy_helper.from_array(array.astype(np.float16).astype(np.float32), value.name))
    onnx.save(model, target)


@pytest.fixture
def bundle(tiny_bundle):
    """A bundle with files of weights that FP16 can hold, under the names of the FP16 files."""
    for stage in STAGES:
        round_weights(tiny_bundle / f"{stage}.onnx", tiny_bundle / f"{stage}.fp16.onnx")
    list_fp16(tiny_bundle)
    return tiny_bundle


def list_fp16(folder):
    """Have the manifest vouch for the FP16 files as they are now."""
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text())
    wider = [{"layer": "head", "precision": "fp32", "reason": "moves the sacral slope by 0.4 deg in fp16"}]
    manifest["precisions"] = {"fp16": {"drift": {}} | {
        stage: file_entry(folder / f"{stage}.fp16.onnx") | {"narrow_layers": 2, "wider": wider} for stage in STAGES}}
    path.write_text(json.dumps(manifest))


@pytest.fixture
def run_engine(bundle, tmp_path):
    """``latx-export engine`` on that bundle."""
    from export.cli import main

    views = tmp_path / "views"
    views.mkdir()
    for number in range(2):
        np.savez(views / f"view-{number}.npz", back_view=np.full((1, 8, 256, 128), number, np.float32),
                 lateral_lift=np.zeros((1, 4, 256, 128), np.float32))

    def run(*arguments):
        return main(["engine", str(bundle), "--views", str(views), "--timing-cache", str(tmp_path / "cache"),
                     *arguments])

    return run


@pytest.fixture
def spoil():
    """Write a file with other weights than it had, and have the manifest vouch for it."""

    def write(source, target, noise_mm):
        round_weights(source, target, noise_mm)
        list_fp16(target.parent)

    return write


@pytest.fixture
def add_node():
    """Append a node to a file."""

    def add(path, operator, name):
        model = onnx.load(path)
        source = model.graph.output[0].name
        model.graph.node.append(onnx.helper.make_node(operator, [source], [f"{name}_out"], name=name))
        onnx.save(model, path)
        list_fp16(path.parent)

    return add

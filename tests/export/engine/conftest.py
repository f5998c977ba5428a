"""What the tests of the engine builder share: a bundle in miniature with FP16 files, and two views."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

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
    return tiny_bundle


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
    """Write a file with other weights than it had."""
    return round_weights


@pytest.fixture
def add_node():
    """Append a node to a file."""

    def add(path, operator, name):
        model = onnx.load(path)
        source = model.graph.output[0].name
        model.graph.node.append(onnx.helper.make_node(operator, [source], [f"{name}_out"], name=name))
        onnx.save(model, path)

    return add

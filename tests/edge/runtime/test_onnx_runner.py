from __future__ import annotations

import pytest

from edge.errors import BundleError
from edge.runtime.onnx_runner import OnnxRunner


def test_a_file_that_is_no_model_is_refused_in_one_line(tmp_path):
    path = tmp_path / "structure.onnx"
    path.write_bytes(b"not a model")
    with pytest.raises(BundleError, match="cannot load stage structure") as refused:
        OnnxRunner("structure", path)
    assert "\n" not in str(refused.value)


def test_a_model_that_computes_nan_never_gets_past_the_runner(tmp_path, make_stage, stage_inputs):
    runner = OnnxRunner("radiograph", make_stage("radiograph", tmp_path / "r.onnx", nan=True), 1)
    with pytest.raises(BundleError, match="not finite"):
        runner.run(stage_inputs(runner))


def test_a_symbolic_batch_is_seen_as_another_shape(tmp_path, make_stage):
    runner = OnnxRunner("structure", make_stage("structure", tmp_path / "s.onnx", batch="N"), 1)
    assert runner.inputs[0].shape[0] == 0

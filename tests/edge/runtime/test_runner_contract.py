"""What every StageRunner promises, run over all of them."""

from __future__ import annotations

import numpy as np
import pytest

from edge.errors import BundleError
from edge.runtime.onnx_runner import OnnxRunner
from edge.runtime.runner import check_finite
from edge.runtime.stages import STAGES
from edge.runtime.template_runner import TemplateRunner

RUNNERS = ("onnx", "template", "tensorrt-standin")
CASES = [pytest.param((kind, stage), id=f"{kind}-{stage}") for kind in RUNNERS for stage in STAGES]
CASES += [pytest.param(("tensorrt", stage), id=f"tensorrt-{stage}", marks=pytest.mark.tensorrt) for stage in STAGES]


@pytest.fixture(params=CASES)
def runner(request, tmp_path, make_stage):
    kind, stage = request.param
    if kind == "template":
        made = TemplateRunner(stage)
    elif kind == "onnx":
        made = OnnxRunner(stage, make_stage(stage, tmp_path / "s.onnx"), 1)
    else:
        if kind == "tensorrt-standin":
            request.getfixturevalue("stand_in_gpu")()
        made = getattr(request.getfixturevalue("make_tensorrt_stages")(), stage)
    yield made
    made.close()


def test_it_declares_the_tensors_of_its_stage(runner):
    rule = STAGES[runner.stage]
    assert all(r.accepts(s) for r, s in zip(rule.inputs, runner.inputs, strict=True))
    assert all(r.accepts(s) for r, s in zip(rule.outputs, runner.outputs, strict=True))
    assert runner.runtime


def test_it_answers_with_every_output_in_its_declared_shape(runner, stage_inputs):
    outputs = runner.run(stage_inputs(runner))
    declared = {spec.name: (spec.shape, spec.dtype) for spec in runner.outputs}
    assert {name: (array.shape, str(array.dtype)) for name, array in outputs.items()} == declared
    assert all(np.isfinite(a).all() for a in outputs.values())


def test_it_answers_the_same_twice_and_leaves_its_inputs_alone(runner, stage_inputs):
    inputs = stage_inputs(runner)
    before = {name: array.copy() for name, array in inputs.items()}
    first, second = runner.run(inputs), runner.run(inputs)
    for name in first:
        np.testing.assert_array_equal(first[name], second[name])
    for name, array in inputs.items():
        np.testing.assert_array_equal(array, before[name])


def test_a_missing_input_is_named(runner, stage_inputs):
    inputs = stage_inputs(runner)
    lacking = runner.inputs[0].name
    del inputs[lacking]
    with pytest.raises(BundleError, match=f"lacks an input; expected {lacking}"):
        runner.run(inputs)


def test_an_unknown_input_is_named(runner, stage_inputs):
    with pytest.raises(BundleError, match=r"no such input.*lidar"):
        runner.run(stage_inputs(runner) | {"lidar": np.zeros(1, np.float32)})


def test_an_input_of_another_shape_or_type_is_refused(runner, stage_inputs):
    spec, inputs = runner.inputs[0], stage_inputs(runner)
    for wrong in (inputs[spec.name][..., :-1], inputs[spec.name].astype(np.float64)):
        with pytest.raises(BundleError, match="was given another input"):
            runner.run(inputs | {spec.name: wrong})


def test_it_may_be_closed_twice_and_then_refuses_to_run(runner, stage_inputs):
    inputs = stage_inputs(runner)
    runner.close()
    runner.close()
    with pytest.raises(BundleError, match="after it was closed"):
        runner.run(inputs)


def test_outputs_that_are_not_finite_are_refused_and_finite_ones_pass():
    check_finite("structure", {"a": np.ones(4, np.float32)})
    with pytest.raises(BundleError, match="1 of 4 not finite"):
        check_finite("structure", {"a": np.array([1, 2, np.inf, 4], np.float32)})

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from edge.anatomy import ANGLE_NAMES
from edge.errors import BundleError
from edge.pipeline import Measurements, Pipeline
from edge.runtime.bundle import load_bundle
from edge.runtime.template_runner import TemplateRunner, template_bundle
from edge.view.gates import Refusal


def test_a_frame_of_a_back_is_measured_step_by_step(phantom_frames, stand_in):
    outcome = Pipeline(stand_in).process(phantom_frames[1], phantom_frames[0])
    assert isinstance(outcome, Measurements)
    assert tuple(outcome.angles_deg) == ANGLE_NAMES
    assert outcome.endplates_mm.shape == (37, 4, 3)
    assert outcome.log_attenuation.shape == (512, 256)
    assert list(outcome.timing_ms) == ["see", "lift", "structure", "radiograph", "measure"]
    assert outcome.number == phantom_frames[1].number
    assert outcome.gates["distance_m"] == pytest.approx(1.2, abs=0.1)


def test_the_same_frame_through_a_bundle_of_onnx_files(phantom_frames, tiny_bundle):
    with load_bundle(tiny_bundle, threads=1) as bundle:
        outcome = Pipeline(bundle).process(phantom_frames[0])
    assert isinstance(outcome, Measurements)
    assert outcome.angles_deg["thoracic_kyphosis_t4_t12"] == pytest.approx(37.7, abs=1e-3)
    assert outcome.angle_sd_deg["cobb_major"] == 5.0


@pytest.mark.parametrize("depth", [0.0, np.nan, np.inf, -1.0])
def test_a_frame_without_a_reading_is_a_named_refusal_and_the_model_is_not_asked(phantom_frames, depth):
    frame = dataclasses.replace(phantom_frames[0], depth_m=np.full_like(phantom_frames[0].depth_m, depth))
    bundle = dataclasses.replace(template_bundle(), structure=TemplateRunner("structure", fail="error"))
    outcome = Pipeline(bundle).process(frame)
    assert isinstance(outcome, Refusal)
    assert outcome.reason in ("missing_depth", "no_subject")


def test_the_same_frame_twice_is_stale(phantom_frames, stand_in):
    outcome = Pipeline(stand_in).process(phantom_frames[0], phantom_frames[0])
    assert isinstance(outcome, Refusal)
    assert outcome.reason == "stale_frame"


@pytest.mark.parametrize("stage", ["structure", "radiograph"])
@pytest.mark.parametrize("fail", ["error", "not_finite", "other_shape"])
def test_a_model_that_fails_gives_an_error_and_never_an_angle(phantom_frames, stage, fail):
    bundle = dataclasses.replace(template_bundle(), **{stage: TemplateRunner(stage, fail=fail)})
    with pytest.raises(BundleError, match=stage):
        Pipeline(bundle).process(phantom_frames[0])

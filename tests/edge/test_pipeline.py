from __future__ import annotations

import dataclasses
import threading

import numpy as np
import pytest

from edge.anatomy import ANGLE_NAMES
from edge.errors import BundleError, RecordingError
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
    assert outcome.captured_at_ns == phantom_frames[1].captured_at_ns
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


def test_a_stream_measures_what_frame_after_frame_does(phantom_frames, stand_in):
    pipeline, frames = Pipeline(stand_in), [phantom_frames[0], phantom_frames[0], *phantom_frames[1:]]
    coming = iter(frames)
    streamed = list(pipeline.stream(lambda: next(coming, None)))
    one_by_one = [pipeline.process(frame, before) for frame, before in zip(frames, [None, *frames[:-1]], strict=True)]
    assert [type(outcome) for outcome in streamed] == [type(outcome) for outcome in one_by_one]
    assert streamed[1].reason == "stale_frame"
    for got, want in zip(streamed, one_by_one, strict=True):
        if isinstance(want, Measurements):
            assert got.captured_at_ns == want.captured_at_ns
            assert (got.angles_deg, got.gates) == (want.angles_deg, want.gates)
            assert list(got.timing_ms) == list(want.timing_ms)


def test_a_stream_looks_at_the_next_frame_while_the_model_runs(phantom_frames):
    asked, coming = [], iter(phantom_frames)
    next_is_asked_for = threading.Event()

    def next_frame():
        asked.append(1)
        if len(asked) == 2:
            next_is_asked_for.set()
        return next(coming, None)

    class Patient(TemplateRunner):
        def run(self, tensors):
            assert next_is_asked_for.wait(10.0), "the next frame is not asked for before the model has ended"
            return super().run(tensors)

    bundle = dataclasses.replace(template_bundle(), structure=Patient("structure"))
    assert len(list(Pipeline(bundle).stream(next_frame))) == len(phantom_frames)


def test_a_stream_that_is_left_reads_nothing_any_more(phantom_frames, stand_in):
    asked = []

    def next_frame():
        asked.append(1)
        return dataclasses.replace(phantom_frames[0], number=len(asked), device_time_ms=66.0 * len(asked),
                                   captured_at_ns=len(asked) * 66_000_000)

    stream = Pipeline(stand_in).stream(next_frame)
    next(stream)
    stream.close()
    assert len(asked) == 2
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("see")]


def test_a_camera_that_fails_ends_a_stream_with_its_error(stand_in):
    def broken():
        raise RecordingError("cut short", where="a file", expected="a frame", found="its end", mend="record again")

    with pytest.raises(RecordingError, match="cut short"):
        next(Pipeline(stand_in).stream(broken))

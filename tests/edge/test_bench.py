from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from edge.bench import bench
from edge.camera.depth_camera import CameraInfo
from edge.errors import RecordingError, RefusedError
from edge.frame import Intrinsics


class Replay:
    info = CameraInfo("list", "", "", Intrinsics(480, 848, 424.0, 424.0, 239.5, 423.5), 0.0005)

    def __init__(self, frames):
        self._frames = list(frames)

    def read(self):
        return self._frames.pop(0) if self._frames else None


def test_every_step_is_timed_and_the_whole_is_compared_with_the_bare_model(phantom_frames, stand_in):
    figures = bench(Replay(phantom_frames), stand_in, 4)
    assert list(figures.steps) == ["see", "lift", "structure", "radiograph", "measure", "picture"]
    assert figures.alone.p50_ms <= sum(s.p95_ms for s in figures.steps.values()) + 5.0
    assert figures.ratio_alone == pytest.approx(figures.alone.p50_ms / figures.bare.p50_ms)
    assert figures.ratio == pytest.approx(figures.streamed.p50_ms / figures.bare.p50_ms)
    assert figures.frames_per_s == pytest.approx(1000 / figures.streamed.p50_ms)
    values = figures.as_json()
    assert values["runs"] == 4
    assert set(values["steps"]) == {*figures.steps, "one frame alone", "a frame in a stream", "two bare model runs"}


def test_two_frames_are_enough(phantom_frames, stand_in):
    assert bench(Replay(phantom_frames[:2]), stand_in, 2).streamed.p50_ms > 0


def test_one_frame_is_too_few(phantom_frames, stand_in):
    with pytest.raises(RecordingError, match="too few frames"):
        bench(Replay(phantom_frames[:1]), stand_in, 4)


def test_an_empty_room_cannot_be_timed(phantom_frames, stand_in):
    empty = [dataclasses.replace(f, depth_m=np.zeros_like(f.depth_m)) for f in phantom_frames]
    with pytest.raises(RefusedError, match="refused as"):
        bench(Replay(empty), stand_in, 2)

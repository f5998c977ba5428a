from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from edge.camera.depth_camera import CameraInfo
from edge.errors import RecordingError, RefusedError
from edge.frame import Intrinsics
from edge.pipeline import Measurements, Pipeline
from edge.scan import PATIENCE, scan


class Replay:
    """Frames of a list, once or for ever, renumbered so that none is stale."""

    info = CameraInfo("list", "", "", Intrinsics(480, 848, 424.0, 424.0, 239.5, 423.5), 0.0005)

    def __init__(self, frames, endless=False):
        self.given, self._frames, self._endless = 0, frames, endless

    def read(self):
        if not self._frames or (self.given >= len(self._frames) and not self._endless):
            return None
        frame = self._frames[self.given % len(self._frames)]
        self.given += 1
        step = self.given
        return dataclasses.replace(frame, number=step, device_time_ms=66.0 * step, captured_at_ns=step * 66_000_000)


def blind(frame):
    return dataclasses.replace(frame, depth_m=np.zeros_like(frame.depth_m))


def test_a_scan_ends_when_enough_frames_are_measured(phantom_frames, stand_in):
    camera, told = Replay(phantom_frames), []
    done = scan(camera, Pipeline(stand_in), 3, lambda number, outcome: told.append((number, type(outcome))))
    assert done.result.accepted_frames == 3
    assert camera.given <= 4  # one is read ahead
    assert told == [(1, Measurements), (2, Measurements), (3, Measurements)]
    assert done.total_ms > 0


def test_a_scan_goes_on_while_frames_are_refused(phantom_frames, stand_in):
    told = []
    done = scan(Replay([blind(phantom_frames[0]), *phantom_frames]), Pipeline(stand_in), 3,
                lambda _, outcome: told.append(outcome))
    assert done.result.accepted_frames == 3
    assert sum(done.result.refusals.values()) == len(told) - 3


def test_a_short_recording_gives_what_it_holds(phantom_frames, stand_in):
    assert scan(Replay(phantom_frames), Pipeline(stand_in), 12).result.accepted_frames == len(phantom_frames)


def test_an_empty_recording_is_an_error_of_the_recording(stand_in):
    with pytest.raises(RecordingError, match="holds no frame"):
        scan(Replay([]), Pipeline(stand_in), 3)


def test_patience_with_an_empty_room_ends(phantom_frames, stand_in):
    camera = Replay([blind(phantom_frames[0])], endless=True)
    with pytest.raises(RefusedError):
        scan(camera, Pipeline(stand_in), 2)
    assert camera.given in (2 * PATIENCE, 2 * PATIENCE + 1)  # one is read ahead

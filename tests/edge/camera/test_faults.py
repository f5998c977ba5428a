from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edge.camera.faults import FAULTS, FaultyCamera
from edge.camera.mcap_replay import McapReplay
from edge.errors import RecordingError, UsageError


def test_each_fault_of_a_frame_spoils_that_frame_and_no_other(mcap_path: Path) -> None:
    with FaultyCamera(McapReplay(mcap_path), {0: "zeros", 1: "nan", 2: "no_colour"}) as camera:
        zeros, nan, bare, whole = (camera.read() for _ in range(4))
    assert zeros is not None
    assert not zeros.depth_m.any()
    assert nan is not None
    assert np.isnan(nan.depth_m).all()
    assert bare is not None
    assert bare.colour is None
    assert bare.depth_m.any()
    assert whole is not None
    assert whole.colour is not None


def test_a_stale_frame_is_the_one_before_once_more(mcap_path: Path) -> None:
    with FaultyCamera(McapReplay(mcap_path), {1: "stale"}) as camera:
        first, second, third = (camera.read() for _ in range(3))
    assert first is not None
    assert second is first
    assert third is not None
    assert third.number == first.number + 2  # the true second frame was lost


def test_an_early_end_is_an_end_ever_after(mcap_path: Path) -> None:
    with FaultyCamera(McapReplay(mcap_path), {1: "end"}) as camera:
        assert camera.read() is not None
        assert camera.read() is None
        assert camera.read() is None


def test_a_pulled_cable_is_an_error_that_says_so(mcap_path: Path) -> None:
    with FaultyCamera(McapReplay(mcap_path), {1: "unplug"}) as camera:
        assert camera.read() is not None
        with pytest.raises(RecordingError, match="the camera is gone"):
            camera.read()


def test_an_unknown_fault_is_refused_with_the_known_ones(mcap_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        FaultyCamera(McapReplay(mcap_path), {0: "fire"})
    assert all(fault in caught.value.expected for fault in FAULTS)

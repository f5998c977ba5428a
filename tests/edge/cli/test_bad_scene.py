"""Scenes that are no back, or no back that can be measured, through the program itself, as one table.

The persons are the phantom's, seen by a camera that hangs in the wrong place or before a room that nobody stands in.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np
import pytest

from edge.camera.mcap_writer import RecordingWriter
from edge.errors import BundleError, OutputError, RecordingError, RefusedError, UsageError
from edge.frame import Frame
from edge.view.gates import REASONS

CAMERA = "D455 848x480"
Run = Callable[[Any], Any]
Promise = Callable[..., None]
Spoil = Callable[[Any], None]


def shoot(seed: int = 0, frames: int = 1, **pose: float) -> list[Frame]:
    """Depth frames of a phantom from ``pose`` (fields of ``View``), before a wall, on a floor."""
    from calib.phantom.depth_camera import render_frames
    from calib.phantom.mount import straight_view

    return render_frames(subject(seed), straight_view(CAMERA, **pose), frames, seed, colour=False)


@lru_cache(maxsize=2)
def subject(seed: int) -> Any:
    from calib.phantom.sampler import sample_subject

    return sample_subject(seed, "sensor")


def scene(make: Callable[..., Sequence[Frame]], **given: float) -> Spoil:
    """A recording of the frames that ``make(**given)`` gives."""

    def spoil(job: Any) -> None:
        frames, path = make(**given), job.folder / "scene.mcap"
        with RecordingWriter(path, frames[0].intrinsics, frames[0].gravity) as writer:
            for frame in frames:
                writer.write(frame)
        job.give(path)

    return spoil


def with_depth(frame: Frame, depth_m: np.ndarray) -> Frame:
    return replace(frame, depth_m=depth_m.astype(np.float32))


def clothed(distance_m: float = 1.2) -> list[Frame]:
    """A loose shirt: 12 mm off the skin, wavy folds 60 mm apart and 20 mm deep, from shoulders to waistband."""
    (frame,) = shoot(distance_m=distance_m)
    k, torso = frame.intrinsics, subject(0).torso
    row, col = np.mgrid[: k.height, : k.width]
    up_mm, right_mm = 1000 * distance_m * (k.cy - row) / k.fy, 1000 * distance_m * (col - k.cx) / k.fx
    bend = 1.5 * np.sin(2 * np.pi * up_mm / 150)
    folds_mm = 10 * np.sin(2 * np.pi * (right_mm / 60 + up_mm / 300) + bend)
    covered = np.abs(up_mm) < (torso.shoulder_y_mm - torso.waistband_y_mm) / 2
    covered &= (frame.depth_m > 0) & (frame.depth_m < distance_m + 0.3)
    return [with_depth(frame, frame.depth_m - np.where(covered, (12 + folds_mm) / 1000, 0))]


def two_persons() -> list[Frame]:
    (one,), (other,) = shoot(0, distance_m=1.4), shoot(1, distance_m=1.4, lateral_offset_m=0.6)
    nearest = [np.where(f.depth_m > 0, f.depth_m, np.inf) for f in (one, other)]
    depth = np.minimum(*nearest)
    return [with_depth(one, np.where(np.isfinite(depth), depth, 0))]


def moving(aside_m: float = 0.0, away_m: float = 0.0) -> list[Frame]:
    return [shoot(frames=2)[0], shoot(frames=2, lateral_offset_m=aside_m, distance_m=1.2 + away_m)[1]]


def repeated() -> list[Frame]:
    return shoot() * 2


def empty_room() -> list[Frame]:
    return shoot(lateral_offset_m=6.0)  # the wall and the floor go on for ever


def board() -> list[Frame]:
    """45 x 95 cm, upright, where the back should be, with the noise of the room around it."""
    (frame,) = empty_room()
    noise = np.random.default_rng(4).normal(0, 0.002, frame.depth_m.shape)
    depth = frame.depth_m.copy()
    depth[255:590, 160:320] = (1.2 + noise)[255:590, 160:320]
    return [with_depth(frame, depth)]


def filled_with(value: float) -> list[Frame]:
    return [with_depth(f, np.full_like(f.depth_m, value)) for f in shoot(frames=2)]


SCENES: dict[str, tuple[Spoil, str]] = {
    "too near": (scene(shoot, distance_m=0.55), "too_close"),
    "too far": (scene(shoot, distance_m=2.0), "too_far"),
    "off centre to the left": (scene(shoot, lateral_offset_m=0.25), "not_centred"),
    "off centre to the right": (scene(shoot, lateral_offset_m=-0.25), "not_centred"),
    "turned by 35 deg": (scene(shoot, yaw_deg=35.0), "turned"),
    "turned by -35 deg": (scene(shoot, yaw_deg=-35.0), "turned"),
    "left half in view": (scene(shoot, lateral_offset_m=0.65), "partial"),
    "right half in view": (scene(shoot, lateral_offset_m=-0.65), "partial"),
    "without the shoulders": (scene(shoot, height_offset_m=-0.6, distance_m=0.8), "partial"),
    "shoulders alone": (scene(shoot, height_offset_m=0.9, distance_m=0.9), "partial"),
    "stepping aside": (scene(moving, aside_m=0.05), "moving"),
    "stepping away": (scene(moving, away_m=0.03), "moving"),
    "the same frame again": (scene(repeated), "stale_frame"),
    "clothed": (scene(clothed), "clothed"),
    "two persons": (scene(two_persons), "two_subjects"),
    "empty room": (scene(empty_room), "no_subject"),
    "flat board": (scene(board), "not_a_back"),
    "depth of zeros": (scene(filled_with, value=0.0), "missing_depth"),
    "depth of NaN": (scene(filled_with, value=np.nan), "missing_depth"),
}


@pytest.mark.parametrize(("spoil", "reason"), SCENES.values(), ids=SCENES)
def test_a_scene_that_cannot_be_measured_is_refused_by_name(
    job: Any, run: Run, one_clean_line: Promise, spoil: Spoil, reason: str
) -> None:
    spoil(job)
    done = run(job)
    one_clean_line(done, RefusedError, job.where, f"refused as {reason}: {REASONS[reason].what}; expected")
    assert REASONS[reason].advice in done.err


def test_a_process_of_its_own_refuses_it_too(job: Any, run_process: Run, one_clean_line: Promise) -> None:
    spoil, reason = SCENES["clothed"]
    spoil(job)
    one_clean_line(run_process(job), RefusedError, job.where, f"refused as {reason}")


def test_a_good_scan_is_not_taken_for_a_refused_one(job: Any, run: Run, one_clean_line: Promise) -> None:
    """The very phantom, camera and room of ``SCENES``, with everyone where they should be."""
    scene(shoot, frames=2)(job)
    done = run(job)
    assert (done.code, done.err) == (0, "")
    assert "Thoracic kyphosis" in done.out
    for error in (RecordingError, BundleError, RefusedError, OutputError, UsageError):
        with pytest.raises(AssertionError):
            one_clean_line(done, error, job.where, "")

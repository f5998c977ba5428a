"""Phantom subjects of the test split as trials: the camera model's frames go to the device's path without a file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from calib.phantom.depth_camera import FRAME_RATE_HZ
from edge.measure.angles import sagittal_angles
from edge.measure.centreline import spline_through, vertebral_line_mm
from edge.measure.coronal import cobb_major
from edge.view.back_view import BackView
from edge.view.gates import Refusal
from export.evaluate.trial import FrameSource, Trial, Values

if TYPE_CHECKING:
    from calib.phantom.mount import View
    from calib.phantom.subject import Subject
    from edge.frame import Frame

MOUNTS: Final = 4
"""Mounts tried per subject, as for a phantom's recording: who sets up a kiosk moves it until it sees the back."""


@dataclass(frozen=True)
class Sitting:
    """A subject and the mount from which it is seen. seed: of camera errors, light, sway and noise."""

    subject: Subject
    view: View
    seed: int


def phantom_trial(seed: int, tier: str, frames: int, frame_rate_hz: float = FRAME_RATE_HZ) -> Trial:
    """The subject of ``seed`` as the ``tier`` shows it, from the first drawn mount that the device accepts.

    Raises:
        UsageError: unknown tier.
    """
    from calib.phantom.sampler import sample_subject

    sitting, first = _sat_down(sample_subject(seed, tier), seed, frames, frame_rate_hz)
    return trial_of(f"seed {seed}", sitting, frames, first, frame_rate_hz)


def straight_trial(seed: int, tier: str, camera_model: str) -> Trial:
    """The subject of ``seed`` before a level camera straight behind it: one frame, as an imported scan is shown."""
    from calib.phantom.mount import straight_view
    from calib.phantom.sampler import sample_subject

    return trial_of(f"seed {seed}", Sitting(sample_subject(seed, tier), straight_view(camera_model), seed), 1)


def trial_of(
    name: str, sitting: Sitting, frames: int, begun: Iterator[Frame] | None = None,
    frame_rate_hz: float = FRAME_RATE_HZ,
) -> Trial:
    """A sitting as a trial. ``begun``: its frames, where some were rendered already."""
    from calib.phantom.depth_camera import iterate_frames, true_poses

    subject, view = sitting.subject, sitting.view
    truth = subject.spine_radiograph
    poses = true_poses(subject, view, frames, sitting.seed, frame_rate_hz)
    stream = [begun]

    def open_camera() -> FrameSource:
        own, stream[0] = stream[0], None
        again = iterate_frames(subject, view, frames, sitting.seed, frame_rate_hz=frame_rate_hz)
        return FrameSource(own or again, name)

    def shift(back: BackView) -> Values:
        from export.train.phantom_source import body_shift_mm

        return body_shift_mm(back, poses[back.number], truth.centres_mm)

    def film(views: Sequence[BackView]) -> NDArray[np.float32]:
        from calib.phantom.radiograph import render_radiograph
        from calib.phantom.xray.picture import to_body_grid

        x, y, _ = np.median([shift(back) for back in views], axis=0)
        return to_body_grid(render_radiograph(subject), (float(x), float(y)))

    line = spline_through(vertebral_line_mm(truth.endplates_mm))
    return Trial(
        name=name,
        open_camera=open_camera,
        true_deg=sagittal_angles(truth.endplates_mm) | {"cobb_major": cobb_major(truth.endplates_mm).value_deg},
        about=about(sitting),
        endplates_mm=lambda back: truth.endplates_mm + shift(back),
        line_mm=lambda back: line + shift(back),
        spinous_mm=lambda back: truth.spinous_tips_mm + shift(back),
        film=film,
    )


def about(sitting: Sitting) -> dict[str, str | float]:
    """Who it is and from where it is seen, for breakdowns."""
    traits, view = sitting.subject.traits, sitting.view
    return {
        "tier": sitting.subject.tier,
        "sex": traits.sex,
        "age_years": round(traits.age_years, 2),
        "bmi": round(traits.bmi, 2),
        "skin_tone": round(traits.skin_tone, 3),
        "camera": view.camera_model,
        "distance_m": round(view.distance_m, 3),
    }


def _sat_down(subject: Subject, seed: int, frames: int, frame_rate_hz: float) -> tuple[Sitting, Iterator[Frame]]:
    """The first mount whose first frame is accepted, else the last one, with the frames begun."""
    from calib.phantom.depth_camera import iterate_frames
    from calib.phantom.mount import sample_view
    from calib.phantom.scene import VIEW_STREAM
    from edge.view.see import see

    for attempt in range(MOUNTS):
        view = sample_view(np.random.default_rng([seed, VIEW_STREAM, attempt]), subject.tier)
        stream = iterate_frames(subject, view, frames, seed, frame_rate_hz=frame_rate_hz)
        first = next(stream)
        if not isinstance(see(first), Refusal):
            break
    return Sitting(subject, view, seed), chain([first], stream)

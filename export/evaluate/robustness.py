"""What may go wrong before a kiosk, one thing at a time, as dialled into a phantom: the conditions of one table."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from edge.frame import Frame
from export.evaluate.phantom_trials import Sitting, trial_of
from export.evaluate.trial import FrameSource, Trial

if TYPE_CHECKING:
    from calib.phantom.subject import Subject

BASE_CAMERA: Final = "D455 1280x720"


@dataclass(frozen=True)
class Condition:
    """One row. view: fields of the straight mount that are changed. subject, frame: what is done to either."""

    group: str
    label: str
    view: tuple[tuple[str, Any], ...] = ()
    subject: Callable[[Subject], Subject] | None = None
    frame: Callable[[Frame, np.random.Generator], Frame] | None = None


def _traits(**change: Any) -> Callable[[Subject], Subject]:
    """The subject of the same seed with other traits, built anew from them."""

    def changed(subject: Subject) -> Subject:
        from calib.phantom import sampler
        from calib.phantom.spine import build_spine, draw_shape, posture_change
        from calib.phantom.tiers import tier_named
        from calib.phantom.torso import build_torso
        from calib.phantom.traits import draw_targets, draw_traits

        seed, limits = subject.traits.seed, tier_named(subject.tier)
        rng = {name: np.random.default_rng([seed, stream]) for name, stream in sampler.STREAMS.items()}
        drawn = draw_traits(rng["traits"], seed)
        targets = draw_targets(rng["traits"], drawn.curve_type)
        traits = dataclasses.replace(drawn, **change)
        shape = draw_shape(rng["spine"], traits, targets)
        swing = posture_change(rng["posture"], shape.spacing_mm, limits.posture_deg)
        photo, film = build_spine(shape, -0.5 * swing), build_spine(shape, 0.5 * swing)
        torso = build_torso(rng["torso"], traits, limits, photo)
        return dataclasses.replace(
            subject, traits=traits, spine_photo=sampler.under_skin(photo, torso),
            spine_radiograph=sampler.under_skin(film, torso), torso=torso,
        )

    return changed


def _waistband(higher_mm: float) -> Callable[[Subject], Subject]:
    def changed(subject: Subject) -> Subject:
        torso = dataclasses.replace(subject.torso, waistband_y_mm=subject.torso.waistband_y_mm + higher_mm)
        return dataclasses.replace(subject, torso=torso)

    return changed


def _dark(frame: Frame, _: np.random.Generator) -> Frame:
    return dataclasses.replace(frame, colour=None)


def _holes(share: float) -> Callable[[Frame, np.random.Generator], Frame]:
    """Blobs of lost depth over so large a share of the picture."""

    def holed(frame: Frame, rng: np.random.Generator) -> Frame:
        import cv2

        height, width = frame.depth_m.shape
        noise = rng.standard_normal((height // 8, width // 8)).astype(np.float32)
        field = cv2.resize(cv2.GaussianBlur(noise, (0, 0), 2.0), (width, height), interpolation=cv2.INTER_CUBIC)
        lost = field > np.quantile(field, 1 - share)
        return dataclasses.replace(frame, depth_m=np.where(lost, np.float32(0), frame.depth_m))

    return holed


def _sunlit(noise_m: float, speckle: float) -> Callable[[Frame, np.random.Generator], Frame]:
    """Infrared from the sun drowns the pattern: coarse noise on the depth, and scattered pixels without a reading."""

    def lit(frame: Frame, rng: np.random.Generator) -> Frame:
        import cv2

        height, width = frame.depth_m.shape
        noise = cv2.GaussianBlur(rng.standard_normal((height, width)).astype(np.float32), (0, 0), 1.5)
        noise *= np.float32(noise_m / max(float(noise.std()), 1e-6))
        depth = np.where(frame.depth_m > 0, frame.depth_m + noise * frame.depth_m**2, 0)
        return dataclasses.replace(frame, depth_m=np.where(rng.random((height, width)) < speckle, 0, depth)
                                   .astype(np.float32))

    return lit


def _marks(frame: Frame, rng: np.random.Generator) -> Frame:
    """Scars, tattoos and plasters: dark, red and pale strokes and patches on the colour picture, depth untouched."""
    import cv2

    if frame.colour is None:
        return frame
    colour = frame.colour.copy()
    height, width = colour.shape[:2]
    for _ in range(14):
        start = rng.uniform([0.3 * width, 0.25 * height], [0.7 * width, 0.65 * height])
        end = start + rng.normal(size=2) * 0.06 * height
        ink = [(30, 30, 45), (150, 60, 60), (235, 215, 205)][int(rng.integers(3))]
        cv2.line(colour, tuple(start.astype(int).tolist()), tuple(end.astype(int).tolist()), ink,
                 int(rng.integers(2, 14)), cv2.LINE_AA)
    return dataclasses.replace(frame, colour=colour)


CONDITIONS: Final = (
    Condition("base", f"{BASE_CAMERA}, 1.2 m, straight"),
    *(Condition("camera", name, (("camera_model", name),)) for name in
      ("D435i 1280x720", "D435i 848x480", "D455 848x480")),
    *(Condition("distance", f"{d:.1f} m", (("distance_m", d),)) for d in (0.8, 1.0, 1.4, 1.6)),
    *(Condition("pitch", f"{a:+.0f} deg", (("pitch_deg", a),)) for a in (-10.0, -5.0, 5.0, 10.0)),
    *(Condition("roll", f"{a:+.0f} deg", (("roll_deg", a),)) for a in (-10.0, 10.0)),
    *(Condition("yaw", f"{a:+.0f} deg", (("yaw_deg", a),)) for a in (-15.0, -8.0, 8.0, 15.0)),
    *(Condition("missing depth", f"{100 * s:.0f} %", frame=_holes(s)) for s in (0.05, 0.1, 0.2, 0.3)),
    Condition("hair", "shaven", subject=_traits(hair_length=0.0)),
    Condition("hair", "longest", subject=_traits(hair_length=1.0)),
    *(Condition("trousers' edge", f"{mm:+.0f} mm", subject=_waistband(mm)) for mm in (-30.0, 20.0, 40.0)),
    Condition("body", "very thin (adiposity -2)", subject=_traits(adiposity=-2.0, bmi=13.5)),
    Condition("body", "obese (adiposity +2.6)", subject=_traits(adiposity=2.6, bmi=33.0)),
    Condition("body", "muscular (+2.2)", subject=_traits(muscularity=2.2)),
    Condition("light", "darkness: no colour", frame=_dark),
    Condition("light", "sun: 2 mm more noise, 5 % lost", frame=_sunlit(0.002, 0.05)),
    Condition("light", "sun: 6 mm more noise, 20 % lost", frame=_sunlit(0.006, 0.2)),
    Condition("colour", "scars, tattoos, plasters", frame=_marks),
)
"""Every condition that the table has a row for. Arms and breathing move as the tier says; the phantom has no knob that
sets them alone."""


def altered_trial(condition: Condition, seed: int, tier: str, frames: int) -> Trial:
    """The subject of a test seed before a straight camera, with one thing changed."""
    from calib.phantom.mount import straight_view
    from calib.phantom.sampler import sample_subject

    subject = sample_subject(seed, tier)
    if condition.subject is not None:
        subject = condition.subject(subject)
    place = dict(condition.view)
    view = straight_view(str(place.pop("camera_model", BASE_CAMERA)), **place)
    trial = trial_of(f"seed {seed}", Sitting(subject, view, seed), frames)
    change = condition.frame
    if change is None:
        return trial
    whole = trial.open_camera

    def open_camera() -> FrameSource:
        def spoilt() -> Iterator[Frame]:
            rng = np.random.default_rng([seed, 77])
            with whole() as camera:
                while (frame := camera.read()) is not None:
                    yield change(frame, rng)

        return FrameSource(spoilt(), trial.name)

    return dataclasses.replace(trial, open_camera=open_camera)

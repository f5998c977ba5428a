"""What may go wrong before a kiosk, one thing at a time, as dialled into a phantom: the conditions of one table."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from edge.frame import Frame
from export.evaluate.alterations import OfFrame, OfSubject, arms, dark, holes, manner, marks, sunlit, traits, waistband
from export.evaluate.phantom_trials import Sitting, trial_of
from export.evaluate.trial import FrameSource, Trial

BASE_CAMERA: Final = "D455 1280x720"


@dataclass(frozen=True)
class Condition:
    """One row. view: fields of the straight mount that are changed. subject, frame: what is done to either."""

    group: str
    label: str
    view: tuple[tuple[str, Any], ...] = ()
    subject: OfSubject | None = None
    frame: OfFrame | None = None

    @property
    def name(self) -> str:
        """Group and label: one of a kind."""
        return f"{self.group}: {self.label}"


CONDITIONS: Final = (
    Condition("base", f"{BASE_CAMERA}, 1.2 m, straight"),
    *(Condition("camera", name, (("camera_model", name),)) for name in
      ("D435i 1280x720", "D435i 848x480", "D455 848x480")),
    *(Condition("distance", f"{d:.1f} m", (("distance_m", d),)) for d in (0.8, 1.0, 1.4, 1.6)),
    *(Condition("pitch", f"{a:+.0f} deg", (("pitch_deg", a),)) for a in (-10.0, -5.0, 5.0, 10.0)),
    *(Condition("roll", f"{a:+.0f} deg", (("roll_deg", a),)) for a in (-10.0, 10.0)),
    *(Condition("yaw", f"{a:+.0f} deg", (("yaw_deg", a),)) for a in (-15.0, -8.0, 8.0, 15.0)),
    *(Condition("missing depth", f"{100 * s:.0f} %, specks of 1-2 cm", frame=holes(s, 1)) for s in (0.1, 0.2, 0.3)),
    *(Condition("missing depth", f"{100 * s:.0f} %, patches of 3-5 cm", frame=holes(s, 3)) for s in (0.1, 0.2, 0.3)),
    *(Condition("missing depth", f"{100 * s:.0f} %, a hand's breadth", frame=holes(s, 8)) for s in (0.1, 0.3)),
    Condition("hair", "shaven", subject=manner(hair_style="shaven")),
    Condition("hair", "tied to a tail", subject=manner(hair_style="ponytail")),
    Condition("hair", "long, over the back", subject=manner(hair_style="long")),
    *(Condition("trousers' edge", f"{mm:+.0f} mm", subject=waistband(mm)) for mm in (-30.0, 20.0, 40.0)),
    Condition("arms", "close to the trunk", subject=arms(4.0)),
    Condition("arms", "spread by 28 deg", subject=arms(28.0)),
    Condition("arms", "one spread, one close", subject=arms(28.0, left_abduction_deg=6.0)),
    Condition("arms", "raised forwards by 30 deg", subject=arms(12.0, flexion_deg=30.0)),
    Condition("arms", "folded before the chest", subject=arms(10.0, flexion_deg=10.0, elbow_deg=85.0, inward_deg=35.0)),
    Condition("breathing", "held", subject=manner(breathing_mm=0.0)),
    Condition("breathing", "deep (8 mm)", subject=manner(breathing_mm=8.0)),
    Condition("body", "very thin (adiposity -2)", subject=traits(adiposity=-2.0, bmi=13.5)),
    Condition("body", "obese (adiposity +2.6)", subject=traits(adiposity=2.6, bmi=33.0)),
    Condition("body", "muscular (+2.2)", subject=traits(muscularity=2.2)),
    Condition("light", "darkness: no colour", frame=dark),
    Condition("light", "sun: 2 mm noise at 1 m, 5 % lost", frame=sunlit(0.002, 0.05)),
    Condition("light", "sun: 6 mm noise at 1 m, 20 % lost", frame=sunlit(0.006, 0.2)),
    Condition("colour", "scars, tattoos, plasters", frame=marks),
)
"""Every condition that the table has a row for; the first is what the others are held against."""


def condition_named(name: str) -> Condition:
    """The condition of that ``Condition.name``."""
    return next(condition for condition in CONDITIONS if condition.name == name)


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

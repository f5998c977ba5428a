"""What is done to a phantom or to its frames for the robustness table: bodies, manners, light, lost depth, marks."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from edge.frame import Frame

if TYPE_CHECKING:
    from calib.phantom.subject import Subject

OfSubject = Callable[["Subject"], "Subject"]
OfFrame = Callable[[Frame, np.random.Generator], Frame]


def traits(**change: Any) -> OfSubject:
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
        other = dataclasses.replace(drawn, **change)
        shape = draw_shape(rng["spine"], other, targets)
        swing = posture_change(rng["posture"], shape.spacing_mm, limits.posture_deg)
        photo, film = build_spine(shape, -0.5 * swing), build_spine(shape, 0.5 * swing)
        torso = build_torso(rng["torso"], other, limits, photo)
        return dataclasses.replace(
            subject, traits=other, spine_photo=sampler.under_skin(photo, torso),
            spine_radiograph=sampler.under_skin(film, torso), torso=torso,
        )

    return changed


def waistband(higher_mm: float) -> OfSubject:
    """The trousers' edge so much higher."""

    def changed(subject: Subject) -> Subject:
        torso = dataclasses.replace(subject.torso, waistband_y_mm=subject.torso.waistband_y_mm + higher_mm)
        return dataclasses.replace(subject, torso=torso)

    return changed


def manner(**told: Any) -> OfSubject:
    """The subject told to behave otherwise: fields of ``calib.phantom.subject.Manner``."""

    def changed(subject: Subject) -> Subject:
        return dataclasses.replace(subject, manner=dataclasses.replace(subject.manner, **told))

    return changed


def arms(abduction_deg: float, flexion_deg: float = 0.0, elbow_deg: float = 12.0, inward_deg: float = 0.0,
         left_abduction_deg: float | None = None) -> OfSubject:
    """Both arms held so; ``left_abduction_deg`` where the left one differs."""

    def changed(subject: Subject) -> Subject:
        from calib.phantom.subject import Arm

        right = Arm(abduction_deg, flexion_deg, elbow_deg, inward_deg)
        left = right if left_abduction_deg is None else dataclasses.replace(right, abduction_deg=left_abduction_deg)
        return manner(arms=(left, right))(subject)

    return changed


def dark(frame: Frame, _: np.random.Generator) -> Frame:
    """Depth alone: the camera's own pattern needs no light, its colour picture does."""
    return dataclasses.replace(frame, colour=None)


def holes(share: float, cell_px: int) -> OfFrame:
    """Blobs of lost depth, some eight ``cell_px`` across, over so large a share of the picture."""

    def holed(frame: Frame, rng: np.random.Generator) -> Frame:
        import cv2

        height, width = frame.depth_m.shape
        noise = rng.standard_normal((height // cell_px, width // cell_px)).astype(np.float32)
        field = cv2.resize(cv2.GaussianBlur(noise, (0, 0), 2.0), (width, height), interpolation=cv2.INTER_CUBIC)
        lost = field > np.quantile(field, 1 - share)
        return dataclasses.replace(frame, depth_m=np.where(lost, np.float32(0), frame.depth_m))

    return holed


def sunlit(noise_m: float, speckle: float) -> OfFrame:
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


def marks(frame: Frame, rng: np.random.Generator) -> Frame:
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

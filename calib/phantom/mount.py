"""Depth cameras as the phantom knows them, and how one is mounted behind a subject."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from calib.phantom.subject import Subject
from calib.phantom.tiers import tier_named
from edge.errors import UsageError
from edge.frame import Intrinsics

Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class CameraModel:
    """One depth mode of a stereo camera: pixels of the sensor's long and short side, focal length, baseline.

    D435i and D455 data sheets: depth field of view 87 x 58 deg, baselines 50 and 95 mm; the focal length follows from
    the long side and 90 deg of rectified field (fx about half the width). Sub-pixel noise 0.08 px.
    """

    name: str
    long_px: int
    short_px: int
    focal_px: float
    baseline_m: float
    noise_px: float = 0.08


CAMERA_MODELS: Final = {
    m.name: m
    for m in (
        CameraModel("D435i 1280x720", 1280, 720, 640.0, 0.050),
        CameraModel("D435i 848x480", 848, 480, 424.0, 0.050),
        CameraModel("D455 1280x720", 1280, 720, 640.0, 0.095),
        CameraModel("D455 848x480", 848, 480, 424.0, 0.095),
    )
}


@dataclass(frozen=True)
class View:
    """Where the camera stands behind the subject, and what stands behind both.

    distance_m: from the middle of the back, horizontally. pitch_deg: positive looks down. roll_deg: positive turns
    the camera clockwise as seen from behind it. yaw_deg: positive sees the subject from its right. height_offset_m,
    lateral_offset_m: camera above and to the right of the middle of the back. wall_m: from the subject's back
    forwards to the wall, None = none in range.
    """

    camera_model: str = "D435i 1280x720"
    width: int = 720
    height: int = 1280
    distance_m: float = 1.2
    pitch_deg: float = 0.0
    roll_deg: float = 0.0
    yaw_deg: float = 0.0
    height_offset_m: float = 0.0
    lateral_offset_m: float = 0.0
    wall_m: float | None = 1.2
    floor: bool = True

    @property
    def model(self) -> CameraModel:
        """Row of ``CAMERA_MODELS``.

        Raises:
            UsageError: no such camera.
        """
        try:
            return CAMERA_MODELS[self.camera_model]
        except KeyError:
            raise UsageError(
                "unknown camera model", expected=", ".join(CAMERA_MODELS), found=self.camera_model
            ) from None

    @property
    def intrinsics(self) -> Intrinsics:
        """Nominal intrinsics of the upright frame (long side vertical), scaled if the frame is not the full mode."""
        model = self.model
        focal = model.focal_px * self.height / model.long_px
        return Intrinsics(self.width, self.height, focal, focal, 0.5 * (self.width - 1), 0.5 * (self.height - 1))

    def camera_from_subject(self, subject: Subject) -> Matrix:
        """(4, 4) maps subject-frame mm to camera-frame mm, without sway."""
        target = back_middle_mm(subject)
        return camera_pose(self, target)


def back_middle_mm(subject: Subject) -> NDArray[np.float64]:
    """Middle of the back's skin between waistband and shoulders, subject frame, mm: what the camera is aimed at."""
    torso = subject.torso
    y = 0.5 * (torso.waistband_y_mm + torso.shoulder_y_mm)
    x, z = (float(np.interp(y, torso.y_mm, a)) for a in (torso.back_x_mm, torso.mid_z_mm))
    return np.array([x, y, z])


def camera_pose(view: View, target_mm: NDArray[np.float64]) -> Matrix:
    """(4, 4) camera-from-subject for a view of ``target_mm``."""
    yaw, pitch, roll = np.deg2rad([view.yaw_deg, view.pitch_deg, view.roll_deg])
    # Camera axes in a level, straight view: right = subject's right (z), down = -y, forward = x.
    level = np.array([[0.0, 0.0, 1.0], [0.0, -1.0, 0.0], [1.0, 0.0, 0.0]])
    about_up = np.array([[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]])
    tilt = np.array([[1, 0, 0], [0, np.cos(pitch), -np.sin(pitch)], [0, np.sin(pitch), np.cos(pitch)]])
    turn = np.array([[np.cos(roll), np.sin(roll), 0], [-np.sin(roll), np.cos(roll), 0], [0, 0, 1]])
    pose = np.eye(4)
    pose[:3, :3] = turn @ tilt @ about_up @ level
    # The yaw turns the camera about the subject: position in the yawed level frame, metres to mm.
    offset = np.array([view.lateral_offset_m, -view.height_offset_m, -view.distance_m]) * 1e3
    centre = target_mm + (about_up @ level).T @ offset
    pose[:3, 3] = -pose[:3, :3] @ centre
    return pose


def straight_view(camera_model: str, **pose: float) -> View:
    """A level, straight mount of ``camera_model`` at 1.2 m, changed as ``pose`` (fields of ``View``) says.

    Raises:
        UsageError: no such camera, or a distance at which no depth camera sees a back.
    """
    view = View(camera_model=camera_model, **pose)  # type: ignore[arg-type]
    if not 0.3 <= view.distance_m <= 5.0:
        raise UsageError("bad camera distance", expected="0.3 to 5 m", found=f"{view.distance_m:g} m")
    return replace(view, width=view.model.short_px, height=view.model.long_px)


def sample_view(rng: np.random.Generator, tier: str) -> View:
    """Draw a mount from which the back is in the picture from shoulders to hips."""
    loose = tier_named(tier).mount_spread
    model = CAMERA_MODELS[list(CAMERA_MODELS)[int(rng.choice(4, p=[0.4, 0.2, 0.25, 0.15]))]]
    distance = float(rng.uniform(0.9, 1.5))
    height_offset = float(np.clip(rng.normal(0.0, 0.07) * loose, -0.2, 0.2))
    aim = np.rad2deg(np.arctan2(height_offset, distance))  # a camera mounted too high is tilted down
    return View(
        camera_model=model.name,
        width=model.short_px,
        height=model.long_px,
        distance_m=distance,
        pitch_deg=float(np.clip(rng.uniform(0.3, 1.0) * aim + rng.normal(0.0, 2.5) * loose, -10.0, 10.0)),
        roll_deg=float(np.clip(rng.normal(0.0, 2.0) * loose, -9.0, 9.0)),
        yaw_deg=float(np.clip(rng.normal(0.0, 4.5) * loose, -12.0, 12.0)),
        height_offset_m=height_offset,
        lateral_offset_m=float(np.clip(rng.normal(0.0, 0.03) * loose, -0.08, 0.08)),
        wall_m=None if rng.random() < 0.2 else float(rng.uniform(0.6, 2.0)),
        floor=bool(rng.random() < 0.8),
    )

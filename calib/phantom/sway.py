"""How a subject moves between the frames of one recording: stance, lean and breathing."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from calib.phantom.height_field import Mesh
from calib.phantom.subject import Subject
from calib.phantom.tiers import Tier
from calib.phantom.trousers import S1_HEIGHT


@dataclass(frozen=True)
class Sway:
    """How the subject stands at one moment: shift (3,) mm, lean (2,) deg about z (forwards) and x, breath 0..1."""

    shift_mm: NDArray[np.float64]
    lean_deg: NDArray[np.float64]
    breath_mm: float

    def subject_motion(self, stature_mm: float) -> NDArray[np.float64]:
        """(4, 4) moves the subject about its feet, subject frame, mm."""
        forwards, sideways = np.deg2rad(self.lean_deg)
        (c, cs), (s, ss) = np.cos([forwards, sideways]), np.sin([forwards, sideways])
        about_z = np.array([[c, s, 0.0], [-s, c, 0.0], [0.0, 0.0, 1.0]])
        about_x = np.array([[1.0, 0.0, 0.0], [0.0, cs, -ss], [0.0, ss, cs]])
        feet = np.array([0.0, -S1_HEIGHT * stature_mm, 0.0])
        motion = np.eye(4)
        motion[:3, :3] = about_z @ about_x
        motion[:3, 3] = feet - motion[:3, :3] @ feet + self.shift_mm
        return motion


def draw_sway(rng: np.random.Generator, tier: Tier, n_frames: int, frame_rate_hz: float) -> list[Sway]:
    """A slow random walk of the stance about its mean, and breathing at about 16 breaths a minute."""
    times = np.arange(n_frames) / frame_rate_hz
    cycles = 2 * np.pi * (times[:, None] * rng.uniform(0.15, 0.6, 5) + rng.uniform(0.0, 1.0, 5))
    wave = np.sin(cycles)
    breath = tier.breathing_mm * 0.5 * np.sin(2 * np.pi * (times * rng.uniform(0.2, 0.4) + rng.uniform()))
    size_mm = tier.sway_mm * np.array([1.0, 0.0, 0.8])
    # Lean about the feet moves the shoulders by 1.3 m times the angle: keep it a share of the tier's angle.
    return [
        Sway(size_mm * np.array([w[0], 0.0, w[2]]) * 0.5, 0.35 * tier.sway_deg * w[3:5], float(b))
        for w, b in zip(wave, breath, strict=True)
    ]


def breathed(mesh: Mesh, subject: Subject, breath_mm: float) -> Mesh:
    """The mesh with the chest's rear wall moved by ``breath_mm`` backwards and the shoulders up by half of it."""
    if breath_mm == 0.0:
        return mesh
    centre = float(subject.spine_photo.centres_mm[6, 1])  # T6
    chest = np.exp(-0.5 * ((mesh.vertices_mm[:, 1] - centre) / 110.0) ** 2)
    moved = mesh.vertices_mm.copy()
    moved[:, 0] -= np.float32(0.4 * breath_mm) * chest  # most of a breath goes forwards
    moved[:, 1] += np.float32(0.5 * breath_mm) * chest
    return replace(mesh, vertices_mm=moved)

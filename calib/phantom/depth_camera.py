"""Renders the frames that a mounted depth camera delivers of a subject: depth with its errors, colour, gravity."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from calib.phantom.height_field import Mesh
from calib.phantom.mount import CAMERA_MODELS, CameraModel, View, back_middle_mm, camera_pose, sample_view
from calib.phantom.rasterise import fill_planes, rasterise
from calib.phantom.shading import Light, draw_light, seen_colour, shaded
from calib.phantom.skin import skin_mesh
from calib.phantom.stereo_noise import StereoError, apply_stereo_error
from calib.phantom.subject import Subject
from calib.phantom.sway import breathed, draw_sway
from calib.phantom.tiers import Tier, tier_named
from calib.phantom.trousers import S1_HEIGHT
from edge.frame import Frame, Intrinsics

__all__ = ["CAMERA_MODELS", "View", "camera_pose", "iterate_frames", "render_frames", "sample_view", "true_poses"]

Matrix = NDArray[np.float64]
FRAME_RATE_HZ: Final = 15.0
STREAMS: Final = {"camera": 13, "light": 14, "sway": 15, "frame": 16}
_EPOCH_NS: Final = 1_767_225_600_000_000_000  # 2026-01-01 UTC: recordings do not depend on when they are made
_FARTHEST_MM: Final = 6000.0


@dataclass(frozen=True)
class CleanRender:
    """Depth without noise (metres, 0 = nothing), shaded linear colour (H, W, 3), pattern loss (H, W)."""

    depth_m: NDArray[np.float32]
    linear: NDArray[np.float32]
    loss: NDArray[np.float32]


def render_clean(
    mesh: Mesh, subject: Subject, view: View, pose: Matrix, light: Light, intrinsics: Intrinsics
) -> CleanRender:
    """Perspective image of the mesh before wall and floor. ``pose``: (4, 4) camera from subject, mm."""
    turn, shift = pose[:3, :3].astype(np.float32), pose[:3, 3].astype(np.float32)
    points = mesh.vertices_mm @ turn.T + shift
    w = 1.0 / np.maximum(points[:, 2], 1.0)
    inverse = np.where(points[:, 2] > 50.0, w, 0.0).astype(np.float32)
    u = (points[:, 0] * w * np.float32(intrinsics.fx) + np.float32(intrinsics.cx)).astype(np.float32)
    v = (points[:, 1] * w * np.float32(intrinsics.fy) + np.float32(intrinsics.cy)).astype(np.float32)
    values = np.concatenate([shaded(mesh, light), mesh.gloss[:, None]], axis=1).astype(np.float32)

    nearest = np.zeros((intrinsics.height, intrinsics.width), np.float32)
    painted = np.zeros((intrinsics.height, intrinsics.width, 4), np.float32)
    rasterise(u, v, inverse, values, mesh.triangles, nearest, painted)
    planes, colours = _surroundings(subject, view, pose, light)
    rays = np.array([intrinsics.fx, intrinsics.fy, intrinsics.cx, intrinsics.cy])
    fill_planes(nearest, painted, rays, planes, colours, _FARTHEST_MM)
    depth = np.where(nearest > 0.0, np.float32(1e-3) / np.maximum(nearest, 1e-9), 0.0).astype(np.float32)
    return CleanRender(depth, painted[..., :3], painted[..., 3])


def _surroundings(subject: Subject, view: View, pose: Matrix, light: Light) -> tuple[Matrix, NDArray[np.float32]]:
    """Wall and floor as planes in the camera frame, and their colours."""
    rows, colours = [], []
    if view.wall_m is not None:
        rows.append(([1.0, 0.0, 0.0], back_middle_mm(subject)[0] + 1e3 * view.wall_m))
        colours.append([*light.wall, 0.0])
    if view.floor:
        rows.append(([0.0, 1.0, 0.0], -S1_HEIGHT * subject.traits.stature_mm))
        colours.append([*light.floor, 0.05])
    planes = np.zeros((len(rows), 4))
    for plane, (normal, offset) in zip(planes, rows, strict=True):
        plane[:3] = pose[:3, :3] @ np.array(normal)
        plane[3] = offset + plane[:3] @ pose[:3, 3]
    return planes, np.array(colours, np.float32).reshape(-1, 4)


def draw_stereo_error(rng: np.random.Generator, model: CameraModel, tier: Tier) -> StereoError:
    """The error of one camera of ``model``: its noise, and the bias that the tier allows."""
    hard = tier.camera_bias_mm > 0.0
    bow = rng.normal(0.0, 0.3 * tier.camera_bias_mm, (3, 3))
    bow[0, 0] = 0.0  # the constant is the offset
    bow *= np.array([[1.0, 0.6, 0.4], [0.6, 0.25, 0.0], [0.4, 0.0, 0.0]])
    return StereoError(
        noise_px=model.noise_px * (float(rng.uniform(0.8, 1.3)) if hard else 1.0),
        correlation_px=1.2,
        step_px=1.0 / 32.0,
        ripple_px=float(rng.uniform(0.0, 0.03)) if hard else 0.0,
        ripple_phase=float(rng.uniform(0.0, 2 * np.pi)),
        bow_mm=bow,
        at_m=1.2,
        scale=float(tier.camera_scale * rng.standard_normal()),
        offset_mm=float(tier.camera_bias_mm * rng.standard_normal()),
        hole_share=float(min(tier.hole_share * rng.gamma(2.0, 0.5), 0.3)),
        grazing_cos=0.18,
        edge_px=2,
    )


def render_frames(
    subject: Subject, view: View, n_frames: int, seed: int, colour: bool = True, mean_of: int = 1
) -> list[Frame]:
    """Frames of ``subject`` seen from ``view``; the same arguments give the same arrays.

    The frames differ by sensor noise, sway and breathing as the subject's tier says; gravity carries its error.
    ``mean_of``: each is as calm as the mean of so many.
    """
    return list(iterate_frames(subject, view, n_frames, seed, colour, mean_of=mean_of))


def iterate_frames(
    subject: Subject, view: View, n_frames: int, seed: int, colour: bool = True, frame_rate_hz: float = FRAME_RATE_HZ,
    mean_of: int = 1,
) -> Iterator[Frame]:
    """As ``render_frames``, one frame at a time, ``frame_rate_hz`` of them a second."""
    tier = _as_behaved(subject)
    rng = {name: np.random.default_rng([seed, stream]) for name, stream in STREAMS.items()}
    model, intrinsics = view.model, view.intrinsics
    error = draw_stereo_error(rng["camera"], model, tier)
    error = replace(error, noise_px=error.noise_px / math.sqrt(mean_of))
    gravity_error = np.deg2rad(tier.gravity_error_deg) * rng["camera"].standard_normal(3)
    light = draw_light(rng["light"])
    pose = view.camera_from_subject(subject)
    mesh = skin_mesh(subject)
    for number, sway in enumerate(draw_sway(rng["sway"], tier, n_frames, frame_rate_hz)):
        moved = pose @ sway.subject_motion(subject.traits.stature_mm)
        clean = render_clean(breathed(mesh, subject, sway.breath_mm), subject, view, moved, light, intrinsics)
        depth = apply_stereo_error(clean.depth_m, clean.loss, intrinsics.fx, model.baseline_m, error, rng["frame"])
        gravity = pose[:3, :3] @ np.array([0.0, -1.0, 0.0])
        gravity = gravity + np.cross(gravity_error, gravity)
        yield Frame(
            depth_m=depth,
            colour=seen_colour(clean.linear, light, rng["frame"]) if colour else None,
            intrinsics=intrinsics,
            gravity=gravity / np.linalg.norm(gravity),
            captured_at_ns=_EPOCH_NS + int(number / frame_rate_hz * 1e9),
            device_time_ms=1000.0 * number / frame_rate_hz,
            number=number,
            camera_model=view.camera_model,
            camera_serial=f"phantom-{seed}",
        )


def _as_behaved(subject: Subject) -> Tier:
    """The subject's tier with what its manner sets otherwise."""
    tier, breathing_mm = tier_named(subject.tier), subject.manner.breathing_mm
    return tier if breathing_mm is None else replace(tier, breathing_mm=breathing_mm)


def true_poses(
    subject: Subject, view: View, n_frames: int, seed: int, frame_rate_hz: float = FRAME_RATE_HZ
) -> list[Matrix]:
    """Per frame of ``render_frames`` with the same arguments: (4, 4) camera from subject, mm, sway included."""
    rng = np.random.default_rng([seed, STREAMS["sway"]])
    pose = view.camera_from_subject(subject)
    stances = draw_sway(rng, tier_named(subject.tier), n_frames, frame_rate_hz)
    return [pose @ s.subject_motion(subject.traits.stature_mm) for s in stances]

"""An analytic back (superelliptic trunk, shoulders, neck, head, hanging arms) and a camera that looks at it.

The depth image is exact: every pixel's ray is followed to the surface, for any intrinsics and any pose. So the
tests know the true depth of every point of the back view.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pytest
from numpy.typing import NDArray

from edge.frame import Frame, Intrinsics

Array = NDArray[np.float64]

_OUTLINE_Y = np.array([-700.0, -520, -460, -330, -200, -120, -60, -20, 10, 50, 75, 110, 130, 260, 275, 280])
_OUTLINE_W = np.array([150.0, 155, 150, 122, 135, 150, 172, 168, 130, 75, 55, 55, 72, 72, 40, 5])
_ARM = {"z_mm": 205.0, "radius_mm": 36.0, "top_mm": -40.0, "bottom_mm": -520.0, "x_mm": 70.0}
NOWHERE_MM = 900.0


@dataclass(frozen=True)
class AnalyticBack:
    """Skin depth of a person in its own body frame (x anterior, y up from the shoulders, z right), mm."""

    arms: bool = True
    head: bool = True
    cut_below_mm: float = -700.0
    wave_mm: float = 0.0  # folds of cloth over the whole trunk
    thickness_mm: float = 95.0

    def sagittal(self, y: Array) -> Array:
        """Depth of the mid-line: kyphosis above, lordosis below."""
        return 22.0 * np.cos((y + 130.0) * np.pi / 270.0) * -1.0

    def depth(self, y: Array, z: Array) -> Array:
        """x of the skin at (y, z); ``NOWHERE_MM`` beside the body."""
        width = np.interp(y, _OUTLINE_Y, _OUTLINE_W)
        top = 280.0 if self.head else 62.0
        inside = (np.abs(z) < width) & (y < top) & (y > self.cut_below_mm)
        share = np.clip(np.abs(z) / width, 0.0, 1.0)
        thick = np.minimum(self.thickness_mm, width * 0.9)
        back = self.sagittal(np.clip(y, -450.0, 120.0))
        furrow = 4.0 * np.exp(-((z / 14.0) ** 2)) * ((y < 0) & (y > -450))
        folds = self.wave_mm * np.sin((z + 0.3 * y) * 2 * np.pi / 70.0) * ((y < 0) & (y > -450))
        x = back + thick * (1 - (1 - share**2.4) ** (1 / 2.4)) + furrow + folds
        x = np.where(inside, x, NOWHERE_MM)
        if self.arms:
            across = (np.abs(z) - _ARM["z_mm"]) / _ARM["radius_mm"]
            on_arm = (np.abs(across) < 1) & (y < _ARM["top_mm"]) & (y > _ARM["bottom_mm"])
            arm = _ARM["x_mm"] - _ARM["radius_mm"] * np.sqrt(np.clip(1 - across**2, 0, 1))
            x = np.minimum(x, np.where(on_arm, arm, NOWHERE_MM))
        return x


@dataclass(frozen=True)
class Scene:
    """Where the camera is and what else is in the room. Distances in m, angles in deg."""

    distance_m: float = 1.2
    height_mm: float = -200.0  # camera height in the subject's frame
    aside_mm: float = 0.0  # the subject stands this far to the right of the optical axis
    yaw_deg: float = 0.0  # the subject is turned
    pitch_deg: float = 0.0  # the camera looks up
    roll_deg: float = 0.0  # the camera is rolled; 90 is a portrait mount of a landscape sensor
    wall_m: float = 0.0  # forward distance of a wall, 0 for none
    floor_mm: float = 0.0  # height of the floor below the shoulders, 0 for none
    noise_px: float = 0.0  # disparity noise


PORTRAIT_D455 = Intrinsics(720, 1280, 640.0, 640.0, 359.5, 639.5)
PORTRAIT_D435 = Intrinsics(480, 848, 424.0, 424.0, 239.5, 423.5)
LANDSCAPE_D455 = Intrinsics(1280, 720, 640.0, 640.0, 639.5, 359.5)
THUMBNAIL = Intrinsics(240, 424, 212.0, 212.0, 119.5, 211.5)


@dataclass(frozen=True)
class Shot:
    """A frame and the truth behind it: person_from_camera maps camera-frame mm to the person's frame."""

    frame: Frame
    back: AnalyticBack
    person_from_camera: Array


def shoot(back: AnalyticBack | None, scene: Scene, camera: Intrinsics = PORTRAIT_D455, seed: int = 0) -> Shot:
    """Render a depth image of ``back`` (None: an empty room)."""
    level_from_camera = _camera_rotation(scene)
    turn = np.radians(scene.yaw_deg)
    person_from_level = np.array(
        [[np.cos(turn), 0, -np.sin(turn)], [0, 1, 0], [np.sin(turn), 0, np.cos(turn)]]
    )
    rotation = person_from_level @ level_from_camera
    centre = np.array([-scene.distance_m * 1000, scene.height_mm, 0.0])
    origin = person_from_level @ (centre - [0, 0, scene.aside_mm])
    u, v = np.meshgrid(np.arange(camera.width), np.arange(camera.height))
    rays = np.stack([(u - camera.cx) / camera.fx, (v - camera.cy) / camera.fy, np.ones(u.shape)], -1)
    ahead = rays @ level_from_camera.T
    depth = np.full(u.shape, np.inf)
    if scene.wall_m:
        depth = np.where(ahead[..., 0] > 0, scene.wall_m * 1000 / ahead[..., 0], depth)
    if scene.floor_mm:
        with np.errstate(divide="ignore"):
            floor = np.where(ahead[..., 1] < 0, (scene.floor_mm - scene.height_mm) / ahead[..., 1], np.inf)
        depth = np.where(floor > 0, np.minimum(depth, floor), depth)
    if back is not None:
        depth = np.minimum(depth, _march(back, origin, rays @ rotation.T))
    depth_m = np.where(np.isfinite(depth) & (depth < 6000), depth / 1000, 0.0)
    if scene.noise_px:
        depth_m = _stereo_noise(depth_m, camera.fx, scene.noise_px, seed)
    pose = np.eye(4)
    pose[:3, :3], pose[:3, 3] = rotation, origin
    gravity = level_from_camera.T @ [0.0, -1.0, 0.0]
    frame = Frame(depth_m.astype(np.float32), None, camera, gravity, 1_000 + seed, float(seed), seed)
    return Shot(frame, back or AnalyticBack(), pose)


def _camera_rotation(scene: Scene) -> Array:
    pitch, roll = np.radians([scene.pitch_deg, scene.roll_deg])
    level = np.array([[0.0, 0, 1], [0, -1, 0], [1, 0, 0]])  # camera x right, y down, z forward
    tilt = np.array([[1, 0, 0], [0, np.cos(pitch), -np.sin(pitch)], [0, np.sin(pitch), np.cos(pitch)]])
    spin = np.array([[np.cos(roll), -np.sin(roll), 0], [np.sin(roll), np.cos(roll), 0], [0, 0, 1]])
    return level @ tilt @ spin


def _march(back: AnalyticBack, origin: Array, direction: Array) -> Array:
    """Depth along every ray to the height field, mm; infinite where it misses."""
    flat = direction.reshape(-1, 3)
    depth = np.full(len(flat), np.inf)
    start, stop = (-60.0 - origin[0]) / flat[:, 0], (170.0 - origin[0]) / flat[:, 0]
    near_y, near_z = origin[1] + start * flat[:, 1], origin[2] + start * flat[:, 2]
    live = np.flatnonzero((flat[:, 0] > 0.2) & (np.abs(near_z) < 330) & (near_y > -720) & (near_y < 330))

    def gap(t: Array, rays: Array) -> Array:
        point = origin + t[:, None] * rays
        return back.depth(point[:, 1], point[:, 2]) - point[:, 0]

    steps = 24
    before, t = gap(start[live], flat[live]), start[live]
    for step in range(1, steps + 1):
        after_t = start[live] + (stop - start)[live] * step / steps
        after = gap(after_t, flat[live])
        hit = (before > 0) & (after <= 0)
        if hit.any():
            rays, low, high = flat[live[hit]], t[hit], after_t[hit]
            for _ in range(14):
                mid = (low + high) / 2
                outside = gap(mid, rays) > 0
                low, high = np.where(outside, mid, low), np.where(outside, high, mid)
            found = (np.abs(gap(low, rays)) < 3) | (np.abs(gap(high, rays)) < 3)
            depth[live[hit][found]] = low[found]
        live, before, t = live[~hit], after[~hit], after_t[~hit]
    return depth.reshape(direction.shape[:2])


def _stereo_noise(depth_m: Array, focal_px: float, noise_px: float, seed: int) -> Array:
    """Disparity noise of a 95 mm baseline, quantised to 1/32 px (uncorrelated: harder on the fine gates)."""
    known = depth_m > 0
    disparity = np.where(known, focal_px * 0.095 / np.where(known, depth_m, 1.0), 0.0)
    disparity += np.random.default_rng(seed).normal(0.0, noise_px, depth_m.shape)
    disparity = np.round(disparity * 32) / 32
    return np.where(known & (disparity > 0.5), focal_px * 0.095 / np.maximum(disparity, 0.5), 0.0)


@pytest.fixture(scope="session")
def take() -> Callable[..., Shot]:
    """``take(back, scene, camera)``: the shot, rendered once per session and distinct scene."""
    kept: dict[tuple[object, ...], Shot] = {}

    def of(back: AnalyticBack | None = None, camera: Intrinsics = PORTRAIT_D455, seed: int = 0, **scene: float) -> Shot:
        key = (back, camera, seed, tuple(sorted(scene.items())))
        if key not in kept:
            kept[key] = shoot(back, Scene(**scene), camera, seed)
        return kept[key]

    return of


@pytest.fixture(scope="session")
def person() -> AnalyticBack:
    return AnalyticBack()


@pytest.fixture(scope="session")
def make_person() -> Callable[..., AnalyticBack]:
    return lambda **changes: replace(AnalyticBack(), **changes)


@pytest.fixture(scope="session")
def cameras() -> dict[str, Intrinsics]:
    """The intrinsics that the tests look through."""
    return {
        "d455 portrait": PORTRAIT_D455,
        "d435 portrait": PORTRAIT_D435,
        "d455 landscape": LANDSCAPE_D455,
        "thumbnail": THUMBNAIL,
    }

"""Shoulder girdles and arms, raised with the hands towards the collar bones so that they leave the spine free.

They do not leave it quite free: shoulders and scapulae lie over the upper thoracic vertebrae, as on any such film.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from calib.phantom.subject import Subject
from calib.phantom.xray.attenuation import CORTICAL, FAT, MARROW, SOFT, TRABECULAR
from calib.phantom.xray.chest import Chest
from calib.phantom.xray.solids import Ellipsoids, Solids, ball, bone_tube, smooth_path, tube
from edge.anatomy import VERTEBRA_INDEX

F64 = NDArray[np.float64]

# Deltoid, slope to the neck, chest muscle, muscle behind the axilla: offset from the joint (forward, up, inwards) and
# half axes in mm at stature 1650, density as a share of soft tissue, tilt in the lateral plane in degrees.
_GIRDLE_FLESH: Final = (
    ((-4.0, -10.0, 12.0), (44.0, 50.0, 18.0), 0.4, 20.0),
    ((-24.0, 14.0, 74.0), (34.0, 28.0, 50.0), 0.2, -30.0),
    ((36.0, -66.0, 40.0), (28.0, 66.0, 24.0), 0.3, -35.0),
    ((-58.0, -84.0, 36.0), (24.0, 80.0, 24.0), 0.25, -10.0),
)
# Half thickness and half width of upper arm, forearm and hand along their lengths, mm.
_LIMB_HALF_MM: Final = (
    ((14.0, 10.0), (37.0, 27.0), (38.0, 35.0), (33.0, 33.0)),
    ((33.0, 35.0), (34.0, 35.0), (19.0, 25.0)),
    ((15.0, 25.0), (15.0, 34.0), (8.0, 27.0)),
)
_DOWN: Final = np.array([0.0, -1.0, 0.0])


@dataclass(frozen=True)
class ArmPose:
    """Joints of one arm, subject frame, mm."""

    shoulder_mm: F64
    elbow_mm: F64
    wrist_mm: F64
    hand_mm: F64
    side: float


def arm_poses(subject: Subject, chest: Chest, rng: np.random.Generator) -> list[ArmPose]:
    """Left and right: upper arm forwards and down a little, forearm folded back up towards the collar bone."""
    scale = chest.scale
    spine = subject.spine_radiograph
    t1 = spine.centres_mm[VERTEBRA_INDEX["T1"]]
    drop, open_deg, reach = rng.uniform(4.0, 34.0), rng.normal(0.0, 4.0), rng.normal(1.0, 0.02)
    sway = rng.normal(0.0, 8.0)
    rise = rng.uniform(0.0, 22.0) * scale
    poses = []
    for side in (-1.0, 1.0):
        tilt = np.sin(np.radians(subject.torso.shoulder_tilt_deg)) * side * 160.0 * scale
        y = subject.torso.shoulder_y_mm - 26.0 * scale + rise + tilt + rng.normal(0.0, 5.0)
        x = t1[0] + (rng.normal(36.0, 7.0) + sway * side) * scale
        shoulder = np.array([x, y, t1[2] + side * 0.101 * subject.traits.stature_mm])
        angle = np.radians(drop + open_deg * side + rng.normal(0.0, 4.0))
        elbow = shoulder + 0.178 * subject.traits.stature_mm * reach * np.array(
            [np.cos(angle), -np.sin(angle), side * 0.12]
        )
        goal = np.array([t1[0] + rng.normal(70.0, 14.0) * scale, t1[1] + rng.normal(48.0, 18.0) * scale,
                         t1[2] + side * 62.0 * scale])
        run = (goal - elbow) / np.linalg.norm(goal - elbow)
        wrist = elbow + 0.145 * subject.traits.stature_mm * run
        bend = run + np.array([-0.35, rng.normal(0.1, 0.15), -side * 0.4])
        hand = wrist + 0.085 * subject.traits.stature_mm * bend / np.linalg.norm(bend)
        poses.append(ArmPose(shoulder, elbow, wrist, hand, side))
    return poses


def arm_flesh(poses: list[ArmPose], subject: Subject, chest: Chest) -> tuple[Solids, Ellipsoids]:
    """Skin, fat and muscle of arms and shoulders."""
    scale = chest.scale * (1.0 + 0.05 * subject.traits.adiposity + 0.04 * subject.traits.muscularity)
    fat = float(np.clip(5.0 + 2.5 * subject.traits.adiposity, 1.5, 14.0))
    parts, balls = [], []
    for p in poses:
        # The limb starts inside the shoulder, whose flesh belongs to the trunk's outline below.
        upper = p.shoulder_mm + np.array([0.03, 0.3, 0.6, 1.0])[:, None] * (p.elbow_mm - p.shoulder_mm)
        lower = np.stack([p.elbow_mm, p.elbow_mm + 0.3 * (p.wrist_mm - p.elbow_mm), p.wrist_mm])
        hand = np.stack([p.wrist_mm, 0.5 * (p.wrist_mm + p.hand_mm), p.hand_mm])
        for line, limb in ((upper, _LIMB_HALF_MM[0]), (lower, _LIMB_HALF_MM[1]), (hand, _LIMB_HALF_MM[2])):
            size = smooth_path(np.asarray(limb) * scale, 14)[None]
            path = smooth_path(line, 14)[None]
            across = np.array([0.3, 0.1, 1.0])
            parts.append(Solids.of(tube(path, size, across, around=28), FAT))
            parts.append(Solids.of(tube(path, np.maximum(size - fat, 4.0), across, around=28), SOFT - FAT))
        # Deltoid and the folds of the axilla; the girdle's flesh tapers up to the neck.
        # Each mass is three nested ellipsoids, so that it fades out instead of showing an edge.
        for offset, half, weight, tilt in _GIRDLE_FLESH:
            centre = p.shoulder_mm + np.asarray(offset) * np.array([1.0, 1.0, -p.side]) * scale
            for nested in (1.25, 1.0, 0.72):
                balls.append(ball(centre, nested * np.asarray(half) * scale, weight * SOFT / 3.0, tilt))
    return Solids.joined(parts), Ellipsoids.joined(balls)


@dataclass
class Bones:
    """Collects long bones that share a scale and a density; half sizes and shells are given at stature 1650 mm."""

    scale: float
    cortical: float
    parts: list[Solids] = field(default_factory=list)

    def add(
        self, points: F64, half: Sequence[Sequence[float]], across: F64, shell: float, core: float, *, count: int = 14,
        around: int = 12,
    ) -> None:
        """A bone through ``points`` (n, 3) with half sizes (n, 2), first along ``across``, and its core's density."""
        size = smooth_path(np.asarray(half, dtype=np.float64) * self.scale, count)[None]
        self.parts.append(bone_tube(
            smooth_path(points, count)[None], size, across, shell_mm=shell * self.scale, cortical=self.cortical,
            core=core, around=around,
        ))


def arm_bones(poses: list[ArmPose], chest: Chest, *, density: float, rng: np.random.Generator) -> Solids:
    """Humerus, radius, ulna and the rays of the hand; clavicle and scapula."""
    scale = chest.scale
    cortical, core = density * (CORTICAL - SOFT), density * (TRABECULAR - SOFT)
    marrow = density * 0.5 * (MARROW - SOFT) + 0.2 * core
    bones = Bones(scale, cortical)
    for p in poses:
        along = p.elbow_mm - p.shoulder_mm
        line = p.shoulder_mm + np.array([0.0, 0.09, 0.22, 0.55, 0.86, 1.0])[:, None] * along
        bones.add(line, [[21, 20], [17, 16], [11.5, 11.5], [10, 10], [11, 16], [10, 22]], _DOWN, 3.5, marrow, count=22)
        fore = p.wrist_mm - p.elbow_mm
        off = np.array([0.0, 0.0, 1.0]) * p.side
        normal = np.cross(fore, off) / np.linalg.norm(fore)
        ulna = p.elbow_mm + np.array([-0.07, 0.05, 0.3, 0.7, 1.0])[:, None] * fore + 7.0 * scale * normal
        bones.add(ulna, [[10, 9], [11, 9], [6.5, 6.5], [5, 5], [5, 5]], normal, 2.6, marrow)
        radius = p.elbow_mm + np.array([0.07, 0.16, 0.5, 0.85, 1.02])[:, None] * fore - 8.0 * scale * normal
        bones.add(radius, [[9, 9], [6, 6], [6, 6.5], [8, 10], [10, 14]], normal, 2.5, marrow)
        hand = p.hand_mm - p.wrist_mm
        spread = np.cross(hand, normal) / np.linalg.norm(hand)
        for k in range(4):
            fan = (k - 1.5) * spread
            ray = p.wrist_mm + np.array([0.28, 0.5, 0.92])[:, None] * hand + fan * scale * np.array([[7], [9], [14.0]])
            bones.add(ray, [[5, 5], [3.4, 3.4], [4.8, 4.8]], normal, 1.5, marrow, count=6, around=8)
            finger = ray[-1] + np.array([0.04, 0.25, 0.5])[:, None] * hand + fan * 2.0 * np.array([[0], [1], [2.0]])
            bones.add(finger - normal * np.array([[0.0], [4.0], [14.0]]), [[4.4, 4.4], [3, 3], [3.6, 3.6]], normal, 1.0,
                 marrow, count=6, around=8)
        bones.parts.append(_carpals(p, normal, scale, cortical, core, rng))
        _girdle(p, chest, bones, core)
    return Solids.joined(bones.parts)


def _carpals(p: ArmPose, normal: F64, scale: float, cortical: float, core: float, rng: np.random.Generator) -> Solids:
    hand = p.hand_mm - p.wrist_mm
    spread = np.cross(hand, normal) / np.linalg.norm(hand)
    at = rng.uniform(-1.0, 1.0, (7, 2))
    centre = p.wrist_mm + (0.15 + 0.08 * at[:, :1]) * hand + at[:, 1:] * 13.0 * scale * spread
    path = centre[:, None] + np.linspace(-3.0, 3.0, 5)[:, None] * scale * spread
    half = np.broadcast_to(np.array([5.5, 6.0]) * scale, (7, 5, 2))
    return bone_tube(path, half, normal, shell_mm=0.8, cortical=cortical, core=core, around=8)


def _girdle(p: ArmPose, chest: Chest, bones: Bones, core: float) -> None:
    scale = chest.scale
    notch_y = 0.5 * (chest.level("T2") + chest.level("T3")) + 4.0 * scale
    front = float(chest.at("mid_x_mm", np.array(notch_y)) + chest.at("half_depth_mm", np.array(notch_y)))
    mid_z = float(chest.at("mid_z_mm", np.array(notch_y)))
    acromion = p.shoulder_mm + np.array([-14.0, 24.0, p.side * 2.0]) * scale
    inner = np.array([front - 4.0, notch_y, mid_z + p.side * 20.0 * scale])
    middle = 0.5 * (inner + acromion) + np.array([6.0, 8.0, 0.0]) * scale
    up = np.array([0.2, 1.0, 0.0])
    bones.add(np.stack([inner, middle, acromion]), [[9, 8], [5.5, 5.5], [5, 8]], up, 1.6, core, around=12)
    # Scapula, swung round the chest by the raised arm: blade, lateral border, spine, socket, coracoid.
    socket = p.shoulder_mm + np.array([-17.0, -4.0, -p.side * 14.0]) * scale
    lower = socket + np.array([-46.0, -112.0, -p.side * 26.0]) * scale
    upper = socket + np.array([-60.0, 22.0, -p.side * 60.0]) * scale
    medial = lower - socket
    bones.add(np.stack([socket, 0.5 * (socket + lower) + np.array([-4.0, 0, 0]) * scale, lower]),
         [[8, 6], [4.6, 3.6], [5.5, 3.0]], np.array([1.0, 0.0, 0.0]), 1.3, 0.5 * core)
    bones.add(np.stack([upper, 0.5 * (upper + lower) + np.array([-6.0, 0, 0]) * scale, lower]),
         [[4, 3], [3.4, 2.4], [4.5, 3.0]], np.array([1.0, 0.0, 0.0]), 1.1, 0.5 * core)
    top = 0.5 * (socket + upper)
    blade = np.stack([top, top + 0.45 * medial, lower + 0.06 * (socket - lower)])
    bones.add(blade, [[32, 1.3], [24, 1.2], [5, 1.5]], np.array([0.75, 0.1, p.side * 0.65]), 0.6, 0.3 * core, around=20)
    root = 0.75 * upper + 0.25 * lower
    bones.add(np.stack([root, 0.5 * (root + acromion) + np.array([-12.0, 4.0, 0]) * scale, acromion]),
         [[3.5, 4.5], [7.0, 4.0], [5.5, 11.0]], up, 1.2, 0.6 * core)
    bones.add(np.stack([socket + np.array([0.0, 8.0, 0]) * scale, socket + np.array([12.0, 24.0, 0]) * scale,
                   socket + np.array([30.0, 18.0, p.side * 6.0]) * scale]),
         [[7, 6], [5.5, 5.0], [5.0, 5.0]], up, 1.2, 0.7 * core)

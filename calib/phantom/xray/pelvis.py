"""Sacrum, coccyx, hip bones and proximal femora.

The sacrum continues the column from the endplate of S1; the hip bones hang between it and the femoral heads, so
pelvic incidence and tilt follow from the landmarks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from calib.phantom.subject import Spine
from calib.phantom.xray.attenuation import CORTICAL, MARROW, SOFT, TRABECULAR
from calib.phantom.xray.solids import Ellipsoids, Solids, ball, bone_tube, loft, smooth_path
from calib.phantom.xray.vertebra import bodies

F64 = NDArray[np.float64]

_SEGMENTS: Final = 5
# Rim of the ilium round its middle, in units of the distance from the femoral head to the top of the crest: angle
# (degrees from anterior, counter-clockwise to up) and radius.
_ILIUM_ANGLE_DEG: Final = np.array([-62, -35, -8, 14, 40, 65, 90, 115, 140, 162, 185, 210, 238, 268, 285], dtype=float)
_ILIUM_RADIUS: Final = np.array([.50, .46, .52, .60, .60, .54, .51, .52, .57, .63, .58, .38, .31, .45, .50])


def sacrum(spine: Spine, *, density: float, maturity: float, rng: np.random.Generator) -> Solids:
    """Five wedges curving back from the endplate of S1, with their lateral masses, back wall and crest, and coccyx."""
    rim = spine.endplates_mm[36]
    depth = float(np.linalg.norm(rim[0] - rim[1]))
    forward = (rim[0] - rim[1]) / depth
    forward = np.array([forward[0], forward[1], 0.0]) / np.hypot(forward[0], forward[1])
    # The first segment leans back a little from the normal of its endplate (sacral table angle about 98 deg).
    down = np.array([forward[1], -forward[0], 0.0]) @ _lateral_turn(np.radians(rng.normal(-9.0, 3.0)))
    height = 0.80 * depth
    turn = np.radians(np.array([4.0, 7.0, 13.0, 19.0, 20.0]) * rng.normal(1.0, 0.15))
    rims, centre, lower = [], rim.mean(axis=0), rim
    path, sizes = [centre], [1.0]
    for k in range(_SEGMENTS):
        rotate = _lateral_turn(turn[k])
        size = np.array([0.74, 0.72, 0.74, 0.76, 0.8])[k]
        tall = height * np.array([0.98, 0.86, 0.76, 0.66, 0.6])[k]
        half = _lateral_turn(turn[k] / 2)
        step = tall * (down @ half)
        upper = lower
        lower = centre + step + (upper - centre) @ rotate * np.array([1.0, 1.0, 0.97]) * size
        lower[:, 2] = centre[2] + (upper[:, 2] - centre[2]) * 0.86
        # The front is fused flush; what narrows a segment is its back.
        slip = upper[0] + step - lower[0]
        lower = lower + 0.72 * np.array([slip[0], slip[1], 0.0])
        centre, down = lower.mean(axis=0), down @ rotate
        inset = 0.035 * np.array([[[1.0]], [[-1.0]]])
        axis = upper.mean(axis=0) - lower.mean(axis=0)
        rims.append(np.stack([upper, lower]) - inset * axis)
        path.append(centre)
        sizes.append(float(np.linalg.norm(lower[0] - lower[1])) / depth)
    segments = np.stack(rims)
    parts = [bodies(
        segments, dip_mm=np.full(5, 0.6), waist=np.full(5, 0.07), density=np.full(5, 0.9 * density), maturity=maturity,
        wave_mm=rng.normal(0.0, 0.4, (5, 2, 2)),
    )]
    cortical, core = density * (CORTICAL - SOFT), density * (TRABECULAR - SOFT)
    line, size = np.stack(path), np.array(sizes)
    behind = _behind(line)
    width = np.linalg.norm(rim[3] - rim[2])
    # Lateral masses: one broad shell from the front of the bodies to the back of the canal, tapering downwards. Its
    # front and back, seen edge on, are the two bright lines of the sacrum.
    count = 14
    wide = width * np.array([1.04, 0.98, 0.84, 0.66, 0.50, 0.36])
    deep = depth * np.array([0.60, 0.56, 0.47, 0.36, 0.26, 0.18])
    front = np.stack([r[0, 0] for r in rims] + [rims[-1][1, 0]])
    mass = front + behind * deep[:, None]
    mass[0] += 0.42 * height * (line[1] - line[0]) / np.linalg.norm(line[1] - line[0])
    half = np.stack([deep, wide], axis=-1)
    parts.append(bone_tube(
        smooth_path(mass, count)[None], smooth_path(half, count)[None], behind.mean(axis=0), shell_mm=0.9,
        cortical=0.75 * cortical, core=0.5 * core, around=36, exponent=2.4,
    ))
    # Back wall of the canal with the median crest.
    reach = depth * (0.62 * size + 0.18)
    wall = line + behind * reach[:, None]
    tip = spine.spinous_tips_mm[18]
    wall[0] = 0.35 * wall[0] + 0.65 * tip
    half = np.stack([np.linspace(0.16, 0.07, len(line)) * depth, np.linspace(0.36, 0.14, len(line)) * width], axis=-1)
    parts.append(bone_tube(
        smooth_path(wall[:-1], 12)[None], smooth_path(half[:-1], 12)[None], behind.mean(axis=0), shell_mm=0.8,
        cortical=0.8 * cortical, core=0.7 * core, around=12,
    ))
    crest = wall[:4] + behind[:4] * 0.16 * depth + 0.3 * (wall[1:5] - wall[:4])
    stub = np.stack([wall[:4], crest], axis=1)
    half = np.broadcast_to(np.array([0.13, 0.07]) * depth, (4, 5, 2))
    parts.append(bone_tube(
        smooth_path(stub, 5), half, np.array([0.0, 1.0, 0.0]), shell_mm=0.8, cortical=cortical, core=core, around=8,
    ))
    parts.append(_coccyx(line, down, 0.22 * depth, cortical, core))
    return Solids.joined(parts)


def _lateral_turn(angle_rad: float) -> F64:
    """(3, 3) so that row vectors @ it turn in the lateral plane, anterior towards up."""
    c, s = np.cos(angle_rad), np.sin(angle_rad)
    return np.array([[c, s, 0.0], [-s, c, 0.0], [0.0, 0.0, 1.0]])


def _behind(line: F64) -> F64:
    tangent = np.gradient(line, axis=0)
    tangent /= np.linalg.norm(tangent, axis=1, keepdims=True)
    return np.stack([tangent[:, 1], -tangent[:, 0], np.zeros(len(line))], axis=1)


def _coccyx(line: F64, down: F64, size: float, cortical: float, core: float) -> Solids:
    step = down / np.linalg.norm(down)
    pieces, at = [], line[-1] + 0.3 * size * step
    for _ in range(3):
        step = step @ _lateral_turn(np.radians(14.0))
        pieces.append(np.stack([at, at + 0.6 * size * step, at + 1.2 * size * step]))
        at = at + 1.5 * size * step
        size *= 0.85
    half = np.stack([np.full((3, 2), w * size) for w in (0.9, 0.75, 0.6)])
    return bone_tube(
        np.stack(pieces), half, np.array([1.0, 0.0, 0.0]), shell_mm=0.6, cortical=cortical, core=core, around=8
    )


@dataclass(frozen=True)
class HipFrame:
    """Frame of one hip bone: origin at the femoral head, unit ``size_mm``, turned with the sacrum; z is outwards."""

    head_mm: F64
    axes: F64
    size_mm: float
    side: float

    def at(self, points: ArrayLike) -> F64:
        """(n, 3) subject-frame points of (n, 3) points forward, up, outwards in units of the size."""
        p = np.asarray(points, dtype=np.float64)
        return np.asarray(self.head_mm + (p * np.array([1.0, 1.0, self.side])) @ self.axes * self.size_mm)


def hip_bones(spine: Spine, *, scale: float, density: float, rng: np.random.Generator) -> Solids:
    """Ilium, ischium and pubis of both sides, hung on the femoral heads and turned with the sacrum."""
    parts = []
    shape_turn = rng.normal(0.0, 2.0)
    cortical, core = density * (CORTICAL - SOFT), density * (TRABECULAR - SOFT)
    for head, side in zip(spine.femoral_heads_mm, (-1.0, 1.0), strict=True):
        to_sacrum = spine.endplates_mm[36].mean(axis=0) - head
        reach = float(np.hypot(to_sacrum[0], to_sacrum[1]))
        # The pelvis turns as one piece: the line from head to sacrum is its long axis.
        turn = np.degrees(np.arctan2(to_sacrum[1], to_sacrum[0])) - 102.0 + shape_turn + rng.normal(0.0, 0.6)
        size = (0.45 * reach + 0.55 * 112.0 * scale) * 1.34 * rng.normal(1.0, 0.015)
        frame = HipFrame(head, _lateral_turn(np.radians(turn)), size, side)
        parts += [_ilium(frame, cortical, core), *_rami(frame, cortical, core)]
    return Solids.joined(parts)


def _ilium(frame: HipFrame, cortical: float, core: float) -> Solids:
    """The wing: a curved plate, thin in the middle, thick along the crest and towards the hip joint."""
    angle = np.radians(np.linspace(-75.0, 285.0, 72, endpoint=False))
    radius = np.interp(np.degrees(angle), _ILIUM_ANGLE_DEG, _ILIUM_RADIUS, period=360.0)
    radius = np.convolve(np.r_[radius[-3:], radius, radius[:3]], np.array([1, 3, 5, 7, 5, 3, 1]) / 25.0, mode="valid")
    share = np.array([0.06, 0.25, 0.45, 0.65, 0.80, 0.90, 0.96, 1.0])[:, None]
    x, y = -0.06 + share * radius * np.cos(angle), 0.50 + share * radius * np.sin(angle)
    # Flares outwards going up and forwards; turns in towards the sacrum behind.
    z = 0.02 + 0.30 * np.clip(y - 0.1, 0, None) ** 0.9 + 0.10 * x - 0.35 * np.clip(-x - 0.15, 0, None)
    crest = np.clip((y - 0.45) / 0.35, 0.0, 1.0)
    low = np.clip((0.28 - y) / 0.25, 0.0, 1.0)
    thick = 0.012 + 0.055 * crest * np.exp(-(((1 - share) / 0.09) ** 2)) + 0.075 * low
    thick = thick + 0.03 * np.clip(-x - 0.25, 0.0, 0.3) / 0.3
    thick = thick * np.sqrt(np.clip(1.0 - share**14, 0.02, 1.0))
    solids = []
    for shell, weight in ((0.0, cortical), (1.0, core - cortical)):
        t = np.maximum(thick - shell * 1.0 / frame.size_mm, 0.15 * thick)
        squeeze = 1.0 - shell * 0.012
        outer = np.stack([-0.06 + (x + 0.06) * squeeze, 0.5 + (y - 0.5) * squeeze, z + t], axis=-1)
        inner = np.stack([outer[..., 0], outer[..., 1], z - t], axis=-1)[::-1]
        rings = frame.at(np.concatenate([outer, inner]).reshape(-1, 3)).reshape(1, 16, 72, 3)
        solids.append(Solids.of(loft(rings), weight))
    return Solids.joined(solids)


_RAMI: Final = (
    # control points (forward, up, outward) and two half sizes, in pelvic sizes: body of the ischium and tuberosity,
    # ischial ramus, upper pubic ramus to the symphysis, roof of the hip joint.
    ([(-0.06, 0.14, 0.0), (-0.15, -0.04, -0.02), (-0.20, -0.24, -0.06), (-0.19, -0.40, -0.09), (-0.12, -0.50, -0.12)],
     [(0.15, 0.11), (0.11, 0.08), (0.11, 0.09), (0.10, 0.09), (0.06, 0.06)]),
    ([(-0.17, -0.44, -0.09), (-0.02, -0.44, -0.24), (0.12, -0.36, -0.42)],
     [(0.07, 0.05), (0.045, 0.035), (0.05, 0.04)]),
    ([(0.04, 0.12, -0.08), (0.16, 0.0, -0.24), (0.22, -0.14, -0.44), (0.18, -0.26, -0.50)],
     [(0.10, 0.09), (0.06, 0.06), (0.075, 0.06), (0.10, 0.045)]),
)


def _rami(frame: HipFrame, cortical: float, core: float) -> list[Solids]:
    parts = []
    for points, half in _RAMI:
        count = 4 * len(points)
        path = frame.at(smooth_path(np.asarray(points), count))[None]
        parts.append(bone_tube(
            path, smooth_path(np.asarray(half), count)[None] * frame.size_mm, np.array([1.0, 0.3, 0.0]), shell_mm=1.3,
            cortical=0.45 * cortical, core=0.6 * core, around=16,
        ))
    return parts


def femora(
    spine: Spine, *, scale: float, density: float, rng: np.random.Generator
) -> tuple[Solids, Ellipsoids]:
    """Heads, necks, trochanters and shafts of both femora, and the dense roofs of the hip joints."""
    cortical, core = density * (CORTICAL - SOFT), density * (TRABECULAR - SOFT)
    parts, round_parts = [], []
    lean = rng.normal(2.0, 2.5)
    for k, side in ((0, -1.0), (1, 1.0)):
        head = spine.femoral_heads_mm[k]
        radius = 22.5 * scale
        round_parts += [
            ball(head, radius, 0.6 * cortical), ball(head, radius - 0.7, 0.5 * core - 0.6 * cortical),
            # Subchondral bone of the socket: a cup, brightest above.
            ball(head + np.array([-3.0, 5.0, side * 2.0]) * scale, radius + 4.5, 0.22 * cortical),
            ball(head + np.array([-2.5, 3.5, side * 4.0]) * scale, radius + 2.4, -0.22 * cortical),
        ]
        direction = np.array([np.sin(np.radians(lean + rng.normal(0.0, 1.5))), -1.0, 0.0])
        trochanter = head + np.array([-8.0, -14.0, side * 48.0]) * scale
        neck = np.stack([head, 0.5 * (head + trochanter) + np.array([4.0, -3.0, 0]) * scale, trochanter])
        neck_half = np.array([[17.0, 14.0], [15.0, 12.0], [19.0, 16.0]]) * scale
        parts.append(bone_tube(
            smooth_path(neck, 9)[None], smooth_path(neck_half, 9)[None], np.array([1.0, 0, 0]), shell_mm=1.6,
            core=0.8 * core, cortical=cortical, around=18,
        ))
        top = trochanter + np.array([2.0, 12.0, -side * 4.0]) * scale
        along = np.array([0.0, 0.12, 0.3, 0.6, 1.0])[:, None] * 330.0 * scale
        bow = np.array([0.0, 4.0, 8.0, 11.0, 10.0])[:, None] * scale * np.array([1.0, 0.0, 0.0])
        shaft = top + along * direction + bow
        half = np.array([[17.0, 14.0], [18.0, 18.0], [14.5, 14.0], [13.0, 12.5], [13.0, 12.5]]) * scale
        outer, canal = smooth_path(shaft, 16)[None], smooth_path(half, 16)[None]
        wall = np.interp(np.linspace(0, 1, 16), [0, 0.12, 0.3, 1.0], [1.5, 3.0, 6.0, 6.5])[:, None] * scale
        parts.append(bone_tube(
            outer, canal, np.array([1.0, 0, 0]), shell_mm=wall, core=0.7 * (MARROW - SOFT) + 0.2 * core,
            cortical=cortical, around=18,
        ))
        lesser = top + 0.2 * 330.0 * scale * direction + np.array([-13.0, 4.0, -side * 12.0]) * scale
        round_parts.append(ball(lesser, 9.0 * scale, 0.5 * core + 0.2 * cortical))
    return Solids.joined(parts), Ellipsoids.joined(round_parts)

"""Builds the vertebral column from target angles: tilts by level, then endplates from S1 upwards.

The tilts of the 18 vertebrae and of S1 are one multivariate normal, conditioned (kriging) on the wanted kyphosis,
lordosis, sacral slope and balance. So every subject hits its targets with a shape of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from calib.phantom.subject import Spine, Traits
from calib.phantom.traits import SpineTargets
from edge.anatomy import VERTEBRA_INDEX, VERTEBRAE
from edge.measure.coronal import cobb_major

Array = NDArray[np.float64]

N: Final = len(VERTEBRAE)  # 18, and S1 makes 19 tilts

# Mean sagittal tilt of each vertebra, C7..L5 and the S1 endplate, standing adolescent; degrees, positive =
# anterior side higher. From the cohorts' mean angles (TK T4-T12 about 33, LL L1-S1 50 with 70 % of it in L4-S1
# (n = 627), SS 39). The thoracic shape followed the segment tilts of 65 adult CT spines, who lay; in twelve standing
# adolescents with scoliosis the kyphosis reaches 25 mm further down, and so it does here: their centreline lies 6 mm
# behind the lying one's at half of its height, at the same angles.
_MEAN_TILT_DEG: Final = np.array(
    [-26, -26.5, -23.5, -20.5, -17.5, -14, -9.5, -5.5, -2, 2.5, 6.5, 10, 13.5, 14.5, 14.5, 9, -3, -19.5, -39]
)
# Their SD, from the same CT spines, and the correlation length in levels: 2.7 in those, who lay; standing patients
# bend in longer waves (what both of its angles leave open of a centreline's mid-height has SD 4.4 mm; 6.9 with 2.7).
_SD_TILT_DEG: Final = np.array([8.5, 8, 7.5, 6.6, 6, 5.6, 5, 4.6, 4.5, 4.5, 4.6, 4.8, 4.8, 4.8, 5, 5.8, 7, 8.5, 9])
_CORRELATION_LEVELS: Final = 4.0
_POSTURE_LEVELS: Final = 2.0
"""The same of a change of posture: one of 3 degrees moves the centreline's angles by 3.2 and 2.3."""

# Spacing of the centres T1-T2 ... L4-L5 as a share of the arc T1-L5, mean and SD (65 adult CT spines; VID keypoint
# set of Buergin, Prevost and Stollenga), and that arc in adults, who stand about 1690 mm tall.
_SPACING_SHARE: Final = np.array(
    [4.77, 4.84, 4.85, 4.99, 5.13, 5.24, 5.39, 5.51, 5.89, 6.32, 6.81, 7.28, 7.91, 8.23, 8.47, 8.37]
) / 100.0
_SPACING_SD: Final = np.array(
    [0.32, 0.29, 0.19, 0.20, 0.19, 0.18, 0.21, 0.32, 0.22, 0.26, 0.30, 0.42, 0.36, 0.42, 0.35, 0.55]
) / 100.0
_ARC_MM: Final = 432.0
_ARC_STATURE_MM: Final = 1690.0

# Depth (anterior-posterior) and width of the vertebral endplates of adults, mm, C7..L5 and S1: rounded from the
# morphometric tables (thoracic 17-31 deep, L3-L5 30-36; width 27 thoracic to 52 at L5).
_DEPTH_MM: Final = np.array([16, 17, 18, 19.5, 21, 22.5, 24, 25.5, 27, 28.5, 29.5, 30.5, 31.5, 32.5, 33.5, 34.5, 35,
                             35, 34.0])
_WIDTH_MM: Final = np.array([27, 29, 28, 27, 26.5, 27, 27.5, 28.5, 30, 32, 34.5, 37.5, 40, 42, 44, 46, 48.5, 51, 50.0])

# Share of the local sagittal curvature that is taken up by wedged bodies; discs take the rest.
_BODY_SHARE: Final = np.array([0.3, 0.5] + [0.62] * 9 + [0.5, 0.4, 0.3, 0.25, 0.25, 0.3, 0.35])
# Share of a level's spacing that is bone: thoracic discs are thin.
_BONE_SHARE: Final = np.array([0.76] + [0.82] * 8 + [0.80] * 4 + [0.755] * 5)

# Spinous process: length behind the posterior wall as a multiple of the endplate depth, and its drop below the
# lower endplate as a multiple of the body height: long and sloping in the mid-thorax, short and level below.
_SPINOUS_REACH: Final = np.array([2.3, 2.35, 2.2, 2.0, 1.85, 1.7, 1.6, 1.5, 1.4, 1.3, 1.2, 1.15, 1.15, 1.2, 1.22, 1.2,
                                  1.15, 1.0])
_SPINOUS_DROP: Final = np.array([0.2, 0.3, 0.5, 0.7, 0.85, 1.0, 1.05, 1.05, 1.0, 0.8, 0.55, 0.3, 0.2, 0.15, 0.15, 0.15,
                                 0.15, 0.1])


@dataclass(frozen=True)
class SpineShape:
    """Everything of a column but its posture: sizes by level and the shape of its tilts, C7..L5 (and S1).

    spacing_mm: (17,) C7-T1 ... L4-L5; tilt_deg, coronal_deg: (19,); wedge_jitter_deg, rotation_deg: (18,).
    """

    spacing_mm: Array
    depth_mm: Array
    width_mm: Array
    tilt_deg: Array
    coronal_deg: Array
    rotation_deg: Array
    wedge_jitter_deg: Array
    pelvic_tilt_deg: float


# How the tilts go with kyphosis, degrees per degree of T4-T12: large kyphoses are long ones, whose lower end lies in
# the lumbar spine, which leans back as a whole (slopes of twelve standing patients' centrelines on their kyphosis, at
# a given lordosis: -0.64 -0.69 -0.58 -0.38 -0.17 0.15 0.41 0.46 0.38 0.35 from the top down, each +-0.07).
_MEAN_KYPHOSIS_DEG: Final = 34.0
_KYPHOSIS_TILT: Final = np.array(
    [-0.60, -0.66, -0.72, -0.74, -0.72, -0.68, -0.60, -0.50, -0.38, -0.23, -0.06, 0.14, 0.34, 0.46, 0.50, 0.46, 0.36,
     0.24, 0.10]
)


def _covariance(correlation_levels: float) -> Array:
    k = np.arange(N + 1)
    return np.outer(_SD_TILT_DEG, _SD_TILT_DEG) * np.exp(-0.5 * ((k[:, None] - k) / correlation_levels) ** 2)


def _constraints(spacing_mm: Array) -> Array:
    """(4, 19) rows of the linear functionals TK T4-T12, LL L1-S1, SS and C7-to-S1 balance (mm) of the tilts."""
    rows = np.zeros((4, N + 1))
    for row, cranial, caudal, sign in ((0, "T4", "T12", 1.0), (1, "L1", None, -1.0)):
        rows[row, VERTEBRA_INDEX[cranial]] = -sign
        rows[row, VERTEBRA_INDEX[caudal] if caudal else N] = sign
    rows[2, N] = -1.0
    # A column tilted backwards (positive tilt) carries C7 backwards: dx = -spacing * sin(tilt).
    rows[3, :N] = -np.deg2rad(np.append(spacing_mm, spacing_mm[-1]))
    return rows


def conditioned_tilts(rng: np.random.Generator, spacing_mm: Array, targets: SpineTargets) -> Array:
    """(19,) sagittal tilts in degrees that meet ``targets`` and are random otherwise."""
    cov = _covariance(_CORRELATION_LEVELS)
    rows = _constraints(spacing_mm)
    mean = _MEAN_TILT_DEG + _KYPHOSIS_TILT * (targets.thoracic_kyphosis_t4_t12_deg - _MEAN_KYPHOSIS_DEG)
    free = mean + np.linalg.cholesky(cov + 1e-6 * np.eye(N + 1)) @ rng.standard_normal(N + 1)
    wanted = np.array([
        targets.thoracic_kyphosis_t4_t12_deg, targets.lumbar_lordosis_l1_s1_deg, targets.sacral_slope_deg,
        targets.sagittal_balance_mm,
    ])
    slack = np.diag([0.01, 0.01, 0.01, 150.0])  # the balance is leaned towards
    gain = cov @ rows.T @ np.linalg.inv(rows @ cov @ rows.T + slack)
    return np.asarray(free + gain @ (wanted - rows @ free))


def posture_change(rng: np.random.Generator, spacing_mm: Array, sd_deg: float) -> Array:
    """(19,) change of the tilts between two shots: kyphosis and lordosis move by about ``sd_deg``, balance a little."""
    if sd_deg == 0.0:
        return np.zeros(N + 1)
    cov = _covariance(_POSTURE_LEVELS)
    rows = _constraints(spacing_mm)
    wanted = np.array([sd_deg, sd_deg, 0.5 * sd_deg, 4.0 * sd_deg]) * rng.standard_normal(4)
    gain = cov @ rows.T @ np.linalg.inv(rows @ cov @ rows.T + 0.01 * np.eye(4))
    return np.asarray(gain @ wanted)


# Curves as (apex level index, half span in levels, share of the main angle, side relative to the main curve).
_CURVES: Final[dict[str, tuple[tuple[float, float, float, int], ...]]] = {
    "none": ((8.5, 4.0, 1.0, 1), (14.5, 2.6, 0.6, -1)),
    "thoracic": ((8.5, 3.2, 1.0, 1), (14.8, 2.2, 0.55, -1), (3.0, 2.0, 0.35, -1)),
    "double": ((7.5, 2.8, 1.0, 1), (14.3, 2.5, 0.92, -1), (2.5, 1.8, 0.35, -1)),
    "thoracolumbar": ((12.4, 3.1, 1.0, 1), (6.5, 2.6, 0.45, -1)),
    "lumbar": ((14.6, 2.5, 1.0, 1), (8.5, 3.0, 0.45, -1)),
}


def coronal_shape(rng: np.random.Generator, curve_type: str, side: int) -> tuple[Array, Array]:
    """Coronal tilts (19,) and axial rotations (18,), degrees, of a curve of about one degree Cobb.

    A curve is a Gaussian bump of lateral deviation: its tilt is the derivative, extreme at the end vertebrae. The
    vertebrae turn towards the convexity by 0.3-0.6 deg per degree Cobb at the apex (r about 0.68 with Cobb).
    """
    k = np.arange(N + 1, dtype=float)
    tilt, rotation = np.zeros(N + 1), np.zeros(N)
    per_cobb = rng.uniform(0.3, 0.6)
    for apex, half_span, share, relative in _CURVES[curve_type]:
        centre = apex + rng.normal(0.0, 0.7)
        span = half_span * rng.uniform(0.88, 1.15)
        amount = side * relative * share * rng.uniform(0.85, 1.15)
        q = (centre - k) / span  # positive above the apex
        tilt += 0.5 * amount * q * np.exp(0.5 - 0.5 * q**2)
        rotation += per_cobb * amount * np.exp(-0.5 * q[:N] ** 2)
    return tilt, rotation


def draw_shape(rng: np.random.Generator, traits: Traits, targets: SpineTargets) -> SpineShape:
    """Draw a column that meets ``targets``; its Cobb angle is scaled until the built column measures it."""
    size = traits.stature_mm / _ARC_STATURE_MM
    share = _SPACING_SHARE + _SPACING_SD * rng.standard_normal(_SPACING_SHARE.size)
    arc = _ARC_MM * size * (1.0 + 0.03 * rng.standard_normal())
    spacing = arc * share / share.sum()
    spacing = np.concatenate([[spacing[0] * rng.normal(0.94, 0.03)], spacing])
    girth = size * (0.96 if traits.sex == "female" else 1.04) * (1.0 + 0.03 * rng.standard_normal())
    width_factor = girth * (1.0 + 0.03 * rng.standard_normal())
    tilt = conditioned_tilts(rng, spacing, targets)
    unit_coronal, unit_rotation = coronal_shape(rng, traits.curve_type, targets.curve_side)
    wedge = 0.8 * rng.standard_normal(N)
    jitter = 0.35 * rng.standard_normal(N + 1)
    lean_deg = float(np.rad2deg(rng.normal(0.0, 9.0) / spacing.sum()))
    amount = targets.cobb_deg
    for _ in range(4):  # fixed-point: projection and jitter change the measured angle a little
        coronal = amount * unit_coronal
        # No net lean but the drawn one: what a curve throws to one side the next brings back.
        weights = np.append(spacing, spacing[-1])
        coronal[:N] += lean_deg - np.average(coronal[:N], weights=weights)
        coronal[N] *= 0.5
        shape = SpineShape(
            spacing, _DEPTH_MM * girth, _WIDTH_MM * width_factor, tilt, coronal + jitter, amount * unit_rotation,
            wedge, targets.pelvic_tilt_deg,
        )
        if targets.cobb_deg < 10.0:
            return shape
        measured = cobb_major(build_spine(shape).endplates_mm).value_deg
        amount *= float(np.clip(targets.cobb_deg / max(measured, 1.0), 0.5, 2.0))
    return shape


def _frames(tilt_deg: Array, coronal_deg: Array, rotation_deg: Array) -> Array:
    """(n, 3, 3) rows forward, up, right of endplates with the given tilts and axial rotations, each (n,)."""
    tilt, coronal, turn = np.deg2rad([tilt_deg, coronal_deg, rotation_deg])
    up = np.stack([-np.tan(tilt), np.ones_like(tilt), -np.tan(coronal)], axis=1)
    up /= np.linalg.norm(up, axis=1, keepdims=True)
    forward = np.stack([np.cos(turn), np.zeros_like(turn), np.sin(turn)], axis=1)
    forward -= up * (forward * up).sum(axis=1, keepdims=True)
    forward /= np.linalg.norm(forward, axis=1, keepdims=True)
    return np.stack([forward, up, np.cross(forward, up)], axis=1)


def build_spine(shape: SpineShape, tilt_change_deg: Array | None = None) -> Spine:
    """Stack the column on S1, whose endplate centre is the origin.

    ``tilt_change_deg`` (19,) is added to the sagittal tilts (another posture of the same column).
    """
    tilt = shape.tilt_deg if tilt_change_deg is None else shape.tilt_deg + tilt_change_deg
    rate = np.gradient(tilt)[:N]
    wedge = _BODY_SHARE * rate + shape.wedge_jitter_deg
    coronal_wedge = 0.5 * np.gradient(shape.coronal_deg)[:N]  # half in the bodies, half in the discs
    level_mm = np.append(shape.spacing_mm, shape.spacing_mm[-1] * 0.98)
    height = 0.5 * (level_mm + np.concatenate([[level_mm[0]], level_mm[:-1]])) * _BONE_SHARE

    endplates = np.zeros((2 * N + 1, 4, 3))
    tips = np.zeros((N + 1, 3))
    coronal, turn = shape.coronal_deg, shape.rotation_deg
    sacral = _frames(tilt[N:], coronal[N:], np.zeros(1))[0]
    bodies = _frames(tilt[:N], coronal[:N], turn)
    lowers = _frames(tilt[:N] + 0.5 * wedge, coronal[:N] + 0.5 * coronal_wedge, turn)
    uppers = _frames(tilt[:N] - 0.5 * wedge, coronal[:N] - 0.5 * coronal_wedge, turn)
    endplates[2 * N] = _rim(np.zeros(3), sacral, shape.depth_mm[N], shape.width_mm[N])
    tips[N] = -sacral[0] * 1.15 * shape.depth_mm[N] - sacral[1] * 0.9 * height[N - 1]

    position, below = np.zeros(3), sacral[1]  # top of what is stacked so far, and its axis
    for i in range(N - 1, -1, -1):
        body, lower, upper = bodies[i], lowers[i], uppers[i]
        bone_mm = 0.5 * (height[i] + height[min(i + 1, N - 1)])
        disc_mm = 0.30 * level_mm[i] if i == N - 1 else level_mm[i] - bone_mm
        axis = below + body[1]
        position = position + disc_mm * axis / np.linalg.norm(axis)
        top = position + height[i] * body[1]
        endplates[2 * i + 1] = _rim(position, lower, shape.depth_mm[i], shape.width_mm[i])
        endplates[2 * i] = _rim(top, upper, shape.depth_mm[i] * 0.97, shape.width_mm[i] * 0.96)
        reach = (0.5 + _SPINOUS_REACH[i]) * shape.depth_mm[i]
        drop = (_SPINOUS_DROP[i] + 0.2) * height[i]
        tips[i] = 0.5 * (position + top) - reach * body[0] - drop * body[1]
        position, below = top, body[1]

    return Spine(endplates, tips, np.asarray(turn, dtype=float), _femoral_heads(shape, tilt))


def _rim(centre: Array, frame: Array, depth_mm: float, width_mm: float) -> Array:
    """(4, 3) anterior, posterior, left, right rim points."""
    forward, _, right = frame
    return centre + np.stack([0.5 * depth_mm * forward, -0.5 * depth_mm * forward, -0.5 * width_mm * right,
                              0.5 * width_mm * right])


def _femoral_heads(shape: SpineShape, tilt_deg: Array) -> Array:
    """(2, 3) hip centres: pelvic tilt is the angle of S1-to-hip-axis from the vertical (PI = SS + PT).

    The distance S1 to hip axis is about 6.4 % of an adult's stature, and the heads lie about 10 % apart; both
    scale with the width of S1 here. A posture that tilts the sacrum turns the whole pelvis.
    """
    scale = shape.width_mm[N] / 50.0
    tilt = np.deg2rad(shape.pelvic_tilt_deg + (tilt_deg[N] - shape.tilt_deg[N]))
    axis = np.array([np.sin(tilt), -np.cos(tilt), 0.0]) * 108.0 * scale
    return axis + np.array([[0.0, 0.0, -86.0], [0.0, 0.0, 86.0]]) * scale

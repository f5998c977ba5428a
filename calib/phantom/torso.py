"""Wraps the trunk round the spine: where the skin's mid-line lies behind the column, and the trunk's sections.

The distance from skin to the line of vertebral bodies is a random function of height whose mean, spread and
correlation are those measured on adolescents with idiopathic scoliosis (surface scans with biplanar radiographs).
A part of it goes with traits that can be seen on the back (fat, muscle); the rest cannot be known from outside.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from calib.phantom.subject import Spine, Torso, Traits
from calib.phantom.tiers import Tier
from edge.anatomy import VERTEBRA_INDEX
from edge.measure.centreline import vertebral_line_mm

Array = NDArray[np.float64]

# Skin to centreline at 5, 15, ... 95 % of the height from C7/T1 down to L5/S1, in mm: measured mean, and SD of what
# remains per level once a subject's own mean (SD 8.5) is taken out. Measured were 6.7 4.2 2.9 3.3 3.9 3.4 2.7 3.0 3.5
# 6.8, in which the reading of the lines is included: drawn are nine tenths of it in the thorax and about two fifths in
# the lumbar spine; the skin's angles then follow the read ones nearly as closely as in thirty patients (r 0.80, 0.74;
# theirs 0.83, 0.76). The first mean was 65.3: the neck begins there and takes the rest off again. The reference column
# was 426 mm high.
_FRACTION: Final = np.linspace(0.05, 0.95, 10)
_DEPTH_MEAN_MM: Final = np.array([66.9, 61.8, 60.6, 62.2, 65.9, 70.7, 75.7, 80.2, 83.7, 84.2])
_DEPTH_RESIDUAL_SD_MM: Final = np.array([5.8, 3.8, 2.6, 3.1, 3.5, 2.6, 1.5, 1.3, 1.8, 3.2])
_OFFSET_SD_MM: Final = 7.8
_REFERENCE_HEIGHT_MM: Final = 426.0
_THORACIC_ATTENUATION: Final = 0.22
"""Share of a column's thoracic deviation from the typical one that its skin does not show: on scans with radiographs
the skin's kyphosis rises 0.77 deg per degree of the centreline's."""
_TYPICAL_LINE_MM: Final = np.array([0.0, -17.8, -31.0, -36.9, -35.6, -27.6, -14.9, -0.9, 10.3, 12.3, 0.0])
"""Centreline's mean distance in front of its chord at 0, 10, ... 100 % of the height, at the reference height."""
_RESIDUAL_LENGTH: Final = 0.22  # correlation length of the residual, as a share of the height

# Shares of the variance that go with what a back shows: fat thickens everywhere and most in the lumbar region,
# muscle thickens the lumbar and mid-thoracic region.
_FAT_OFFSET: Final = 0.60
_MUSCLE_OFFSET: Final = 0.30
_VISIBLE: Final = 0.80
_UNKNOWN: Final = 0.80
_FAT_MODE: Final = np.array([0.2, -0.3, -0.6, -0.7, -0.5, -0.2, 0.2, 0.5, 0.7, 0.8])
_MUSCLE_MODE: Final = np.array([-0.7, -0.4, 0.1, 0.5, 0.6, 0.3, 0.0, 0.0, -0.2, -0.5])

# Half widths and depths of the trunk as a share of stature at heights given as a share of C7-S1 (0 at S1, 1 at C7):
# hips, waist, lower ribs, chest, axilla, shoulder base, neck. Female and male; anthropometric proportions, waist and
# hips as on twelve scans (half width 133 mm at the waist, a quarter of the height above L5/S1, and 158 mm there).
_HEIGHTS: Final = np.array([-0.45, -0.22, -0.05, 0.14, 0.22, 0.30, 0.50, 0.66, 0.80, 0.90, 0.98, 1.06, 1.30])
_HALF_WIDTH: Final = {
    "female": np.array([0.104, 0.107, 0.102, 0.085, 0.0795, 0.0795, 0.084, 0.0885, 0.089, 0.085, 0.062, 0.037, 0.034]),
    "male": np.array([0.100, 0.104, 0.099, 0.0915, 0.0870, 0.0870, 0.0890, 0.0945, 0.096, 0.091, 0.066, 0.039, 0.037]),
}
_DEPTH: Final = {
    "female": np.array([0.128, 0.130, 0.122, 0.108, 0.107, 0.106, 0.114, 0.119, 0.114, 0.100, 0.080, 0.066, 0.066]),
    "male": np.array([0.122, 0.124, 0.120, 0.112, 0.112, 0.112, 0.121, 0.127, 0.121, 0.106, 0.084, 0.070, 0.070]),
}
_TWIST: Final = (0.12, 0.20)
"""Turn of the whole of the trunk's sections per axial rotation of the vertebrae: mean and SD between subjects."""
_OUTLINE_FOLLOWS: Final = (0.05, 0.40)
"""How much of the column's swing to the sides the trunk's outline goes along with, mean and SD between subjects: on
twelve scans with radiographs -0.08, SD 0.45, below the axillae (r 0.04, SD 0.63). It wanders on its own as well."""
_OUTLINE_WANDER_MM: Final = 3.0
_SIDES_STREAM: Final = 31
# Where the back's profile passes over into neck and sacrum, mm above C7's and S1's centres, mean and SD: not right
# there, or a back would give away where its column ends, which on scans it does within 10 and 17 mm only. On twelve
# scans the skin leans by 25 deg at 11 mm below the C7/T1 disc and by 32 at the disc. The neck rises forwards by
# ``_NECK_SLOPE`` and half of the slope of C7.
_NECK_FROM_MM: Final = (-18.0, 10.0)
_NECK_SLOPE: Final = (0.65, 0.10)
_SACRUM_FROM_MM: Final = (-8.0, 12.0)
_WAIST_OFF: Final = (0.0, 0.03)
"""Height of waist and hips beside the spine, off the typical one by a share of S1-C7: mean and SD."""
_BEND_MM: Final = 8.0
_ENDS_STREAM: Final = 41
_POSTERIOR_ILIAC: Final = -0.020
"""Height of the posterior superior iliac spines against S1, as a share of the stature."""
_FATNESS: Final = np.array([0.016, 0.019, 0.026, 0.036, 0.035, 0.034, 0.026, 0.021, 0.018, 0.016, 0.015, 0.014, 0.014])


def skin_depth(rng: np.random.Generator, traits: Traits, tier: Tier, fraction: Array, height_mm: float) -> Array:
    """Depth in mm from skin to centreline at ``fraction`` of the height (0 at C7, 1 at L5/S1)."""
    white = rng.standard_normal(_FRACTION.size)
    unknown_offset = rng.standard_normal()
    lag = _FRACTION[:, None] - _FRACTION
    correlation = np.exp(-0.5 * (lag / _RESIDUAL_LENGTH) ** 2) + 1e-6 * np.eye(_FRACTION.size)
    unknown = np.linalg.cholesky(correlation) @ white
    unknown -= unknown.mean()
    unknown /= np.sqrt(np.mean(np.diag(correlation)) - correlation.mean())  # unit variance after centring
    visible = _VISIBLE * (traits.adiposity * _FAT_MODE + traits.muscularity * _MUSCLE_MODE)
    residual = _DEPTH_RESIDUAL_SD_MM * (visible + _UNKNOWN * unknown)
    rest = np.sqrt(1.0 - _FAT_OFFSET**2 - _MUSCLE_OFFSET**2)
    offset = _FAT_OFFSET * traits.adiposity + _MUSCLE_OFFSET * traits.muscularity + rest * unknown_offset
    size = (height_mm / _REFERENCE_HEIGHT_MM) ** 0.6
    depth = _DEPTH_MEAN_MM * size + tier.offset_scale * _OFFSET_SD_MM * offset + tier.relief_scale * residual
    return np.asarray(_smooth_interp(fraction, _FRACTION, depth))


def _smooth_interp(x: Array, xp: Array, fp: Array) -> Array:
    """Cubic Hermite interpolation with finite-difference slopes, linear beyond the ends: no kinks in the skin."""
    slope = np.gradient(fp, xp)
    i = np.clip(np.searchsorted(xp, x) - 1, 0, xp.size - 2)
    h = xp[i + 1] - xp[i]
    t = (x - xp[i]) / h
    inside = (
        fp[i] * (2 * t**3 - 3 * t**2 + 1) + h * slope[i] * (t**3 - 2 * t**2 + t)
        + fp[i + 1] * (3 * t**2 - 2 * t**3) + h * slope[i + 1] * (t**3 - t**2)
    )
    below = fp[0] + slope[0] * (x - xp[0])
    above = fp[-1] + slope[-1] * (x - xp[-1])
    return np.where(x < xp[0], below, np.where(x > xp[-1], above, inside))


def _thoracic_bend_mm(spine: Spine, y_mm: Array) -> Array:
    """How far the thoracic column lies in front of a typical one at heights ``y_mm``, each seen from its own chord.

    Negative where a column is rounder; fades to 0 at the lumbar spine, whose skin bends as it does.
    """
    points = vertebral_line_mm(spine.endplates_mm)
    top, bottom = points[0], points[-1]
    height_mm = float(top[1] - bottom[1])
    share = (top[1] - points[:, 1]) / height_mm
    from_chord = points[:, 0] - (top[0] + share * (bottom[0] - top[0]))
    typical = np.interp(share, np.linspace(0.0, 1.0, _TYPICAL_LINE_MM.size), _TYPICAL_LINE_MM)
    bend = (from_chord - typical * height_mm / _REFERENCE_HEIGHT_MM) * np.clip((0.80 - share) / 0.35, 0.0, 1.0)
    return _smooth_interp(np.clip(y_mm, bottom[1], top[1]), points[::-1, 1], bend[::-1])


def build_torso(rng: np.random.Generator, traits: Traits, tier: Tier, spine: Spine) -> Torso:
    """The trunk of ``traits`` round ``spine`` as photographed."""
    top_mm, scale = float(spine.centres_mm[0, 1]), traits.stature_mm
    y = np.arange(-320.0, top_mm + 260.0, 5.0)
    ends = np.random.default_rng([traits.seed, _ENDS_STREAM])
    sides = np.random.default_rng([traits.seed, _SIDES_STREAM])
    back = _back_profile(rng, ends, traits, tier, spine, y)
    half_width, ap_depth = _sections(rng, ends, traits, tier, y / top_mm)
    middle, twist = _sideways(sides, tier, spine, y)
    furrow, bumps = _furrow_and_bumps(traits, tier, y, top_mm)
    return Torso(
        y_mm=y,
        mid_z_mm=middle,
        back_x_mm=back,
        # The front follows the back only loosely: belly and chest are smoother than the spine.
        front_x_mm=_smooth(back, 14) + ap_depth,
        half_width_mm=half_width,
        twist_deg=twist,
        furrow_mm=furrow,
        bumps_mm=bumps,
        waistband_y_mm=float(_POSTERIOR_ILIAC * scale - rng.uniform(3.0, 29.0)),
        shoulder_y_mm=float(top_mm - scale * rng.normal(0.0235, 0.005)),
        shoulder_tilt_deg=float(rng.normal(0.0, 1.2) - 0.06 * spine.rotation_deg[VERTEBRA_INDEX["T8"]]),
    )


def _column(spine: Spine) -> Array:
    """(19, 3) S1 and the centres of L5 to C7, from below: the column's line as a function of height."""
    return np.append(spine.centres_mm, np.zeros((1, 3)), axis=0)[::-1]


def _back_profile(
    rng: np.random.Generator, ends: np.random.Generator, traits: Traits, tier: Tier, spine: Spine, y_mm: Array
) -> Array:
    """x of the skin's mid-line at heights ``y_mm``: behind the column, over the sacrum and up the nape."""
    column = _column(spine)
    above = _beyond(y_mm - (float(column[-1, 1]) + _between(ends, tier, _NECK_FROM_MM)))
    below = _beyond(_between(ends, tier, _SACRUM_FROM_MM) - y_mm)
    line = _smooth_interp(y_mm - above + below, column[:, 1], column[:, 0])
    # The measured depths run from the C7-T1 to the L5-S1 disc.
    top, bottom = vertebral_line_mm(spine.endplates_mm)[[0, -1], 1]
    height_mm = float(top - bottom)
    depth = skin_depth(rng, traits, tier, np.clip((top - y_mm) / height_mm, -0.08, 1.08), height_mm)
    back = line - depth - _THORACIC_ATTENUATION * _thoracic_bend_mm(spine, y_mm)

    # Below S1 the skin follows the sacrum's back, attenuated, and turns down again over the (clothed) buttocks.
    slope = -np.tan(np.deg2rad(_tilt_deg(spine.endplates_mm[36])))
    sacral_slope = 0.30 + 0.16 * slope + 0.15 * tier.relief_scale * rng.standard_normal()
    back = back - 60.0 * np.tanh(below * sacral_slope / 60.0) + 0.0012 * np.clip(below - 90.0, 0.0, None) ** 2
    # The neck rises forwards, from behind the C7/T1 disc rather than from C7 on.
    neck_slope = 0.5 * np.tan(np.deg2rad(-_tilt_deg(spine.endplates_mm[0]))) + _between(ends, tier, _NECK_SLOPE)
    return np.asarray(back + 75.0 * np.tanh(above * np.clip(neck_slope, 0.15, 1.0) / 75.0))


def _sections(
    rng: np.random.Generator, ends: np.random.Generator, traits: Traits, tier: Tier, share: Array
) -> tuple[Array, Array]:
    """Half width and depth in mm of the trunk's sections at ``share`` of the height (0 at S1, 1 at C7)."""
    fat = 1.0 + np.interp(share, _HEIGHTS, _FATNESS) * (traits.bmi - (16.6 + 0.55 * (traits.age_years - 10.0)))
    build = 1.0 + tier.muscle_variation * 0.035 * rng.standard_normal(2)
    beside = share + _between(ends, tier, _WAIST_OFF) * np.clip((0.9 - share) / 0.4, 0.0, 1.0)
    half_width = traits.stature_mm * _smooth_interp(beside, _HEIGHTS, _HALF_WIDTH[traits.sex]) * fat * build[0]
    depth = traits.stature_mm * _smooth_interp(beside, _HEIGHTS, _DEPTH[traits.sex])
    return half_width, depth * np.sqrt(fat) * fat**0.4 * build[1]


def _sideways(sides: np.random.Generator, tier: Tier, spine: Spine, y_mm: Array) -> tuple[Array, Array]:
    """Middle of the outline in mm and turn of the sections in degrees at heights ``y_mm``."""
    _, line_y, line_z = _column(spine).T
    top_mm = float(line_y[-1])
    straight = line_y * (line_y @ line_z) / (line_y @ line_y)
    follows = _between(sides, tier, _OUTLINE_FOLLOWS)
    middle = _smooth_interp(np.clip(y_mm, 0.0, top_mm), line_y, straight + follows * (line_z - straight))
    middle = middle + tier.muscle_variation * _OUTLINE_WANDER_MM * _wave(sides, np.clip(y_mm / top_mm, 0.0, 1.0))
    rotation = np.interp(y_mm, line_y[1:], spine.rotation_deg[::-1], left=0.0)
    twist = _between(sides, tier, _TWIST) * _smooth(rotation, 8) * np.clip((top_mm - y_mm) / 60.0, 0.0, 1.0)
    return _smooth(middle, 6) * np.clip((y_mm + 60.0) / 120.0, 0.0, 1.0), twist


def _furrow_and_bumps(traits: Traits, tier: Tier, y_mm: Array, top_mm: float) -> tuple[Array, Array]:
    """Depth of the furrow and height of the knobs over the spinous processes at heights ``y_mm``, mm."""
    share = y_mm / top_mm
    muscular = tier.muscle_variation * traits.muscularity
    plump = tier.muscle_variation * traits.adiposity
    peak = float(np.clip(6.0 + 1.8 * muscular - 1.2 * plump, 1.0, 13.0))
    furrow = peak * (0.35 + 0.65 * np.exp(-0.5 * ((share - 0.25) / 0.22) ** 2)) * np.clip(share / 0.08 + 1, 0, 1)
    bumps = np.clip(1.8 - 0.7 * plump, 0.2, 4.0) * (0.6 + 0.8 * np.exp(-0.5 * ((share - 1.0) / 0.08) ** 2))
    return furrow * np.clip((top_mm + 20.0 - y_mm) / 80.0, 0.0, 1.0), bumps * (y_mm > 0)


def _between(rng: np.random.Generator, tier: Tier, mean_sd: tuple[float, float]) -> float:
    """What differs between subjects, and in a tier without variation has its mean."""
    mean, sd = mean_sd
    return mean + tier.muscle_variation * sd * float(np.clip(rng.standard_normal(), -2.5, 2.5))


def _beyond(distance_mm: Array) -> Array:
    """Distance beyond a point in mm: 0 before it, with a soft bend."""
    return np.asarray(_BEND_MM * np.logaddexp(0.0, distance_mm / _BEND_MM))


def _wave(rng: np.random.Generator, share: Array) -> Array:
    """Smooth random deviation along the trunk of unit SD or so, zero at the sacrum."""
    waves = np.arange(1, 4)
    amount = rng.standard_normal(waves.size) / np.sqrt(0.5 * waves.size)
    return np.asarray(amount @ np.sin(np.pi * waves[:, None] * share))


def _tilt_deg(rim: Array) -> float:
    across = rim[0] - rim[1]
    return float(np.rad2deg(np.arctan2(across[1], across[0])))


def _smooth(values: Array, radius: int) -> Array:
    """Gaussian smoothing over samples, edges held."""
    k = np.arange(-3 * radius, 3 * radius + 1)
    kernel = np.exp(-0.5 * (k / radius) ** 2)
    return np.convolve(np.pad(values, 3 * radius, mode="edge"), kernel / kernel.sum(), mode="valid")

"""What is drawn once per subject about the look of the back beyond the trunk's outline: shoulders, arms, hair, colours.

Everything is derived from the subject's traits and its seed, so the same subject always looks the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from calib.phantom.subject import Arm, Subject
from calib.phantom.tiers import tier_named

STREAM: Final = 10
_HEAD_STREAM: Final = 43
_HEAD_UP_MM: Final = 12.0
"""SD of the head's height above C7: necks differ. A head that always sat at the same share of the stature gave the
network the height of C7 to within 3 mm."""
_HAIRLINE_UP_MM: Final = 8.0

HAIR_STYLES: Final = ("shaven", "short", "bun", "ponytail", "long")

# Linear-light skin reflectance from light to dark (sRGB renderings of the Fitzpatrick types, linearised).
_SKIN_TONES: Final = np.array(
    [[0.74, 0.52, 0.42], [0.64, 0.41, 0.30], [0.50, 0.29, 0.19], [0.34, 0.18, 0.11], [0.19, 0.095, 0.058],
     [0.090, 0.045, 0.029]]
)
_HAIR_COLOURS: Final = np.array(
    [[0.008, 0.006, 0.005], [0.020, 0.011, 0.007], [0.055, 0.027, 0.013], [0.16, 0.085, 0.035], [0.36, 0.24, 0.11]]
)
_CLOTH_COLOURS: Final = np.array(
    [[0.010, 0.011, 0.014], [0.018, 0.028, 0.075], [0.030, 0.085, 0.22], [0.11, 0.11, 0.12], [0.26, 0.26, 0.27],
     [0.16, 0.015, 0.020], [0.030, 0.060, 0.035], [0.24, 0.20, 0.14]]
)


@dataclass(frozen=True)
class Scapula:
    """One shoulder blade: relief in mm and where it lies relative to the mean position."""

    height_mm: float
    up_mm: float
    out_mm: float
    tilt: float  # 0: the medial border stands out along its length; 1: only the inferior angle does


@dataclass(frozen=True)
class Appearance:
    """Everything that ``skin_layers`` needs besides the subject. Pairs are (left, right)."""

    arms: tuple[Arm, Arm]
    scapulae: tuple[Scapula, Scapula]
    biacromial_half_mm: float
    arm_radius_mm: float
    head_forward_mm: float
    head_up_mm: float  # of the head, off its mean height above C7
    hairline_up_mm: float  # of the hair's lower edge on the nape, off its mean place on the head
    hair_style: str
    hair_colour: NDArray[np.float64]
    hair_end_y_mm: float
    skin_colour: NDArray[np.float64]
    cloth_colour: NDArray[np.float64]
    band_colour: NDArray[np.float64]
    cloth_offset_mm: float
    fold_waves: NDArray[np.float64]  # (K, 5): amplitude_mm, wave vector y and z in 1/mm, phase, waviness
    waist_folds: NDArray[np.float64]  # (K, 4): y_mm, side (-1 left, +1 right), depth_mm, reach_mm towards the middle
    dimple_mm: float
    buttock_mm: float
    moles: NDArray[np.float64]  # (K, 4): y_mm, z_mm, radius_mm, darkness 0..1
    texture_seed: int


def draw_appearance(subject: Subject) -> Appearance:
    """Draw the appearance of ``subject`` (deterministic in its seed and tier)."""
    traits, tier = subject.traits, tier_named(subject.tier)
    rng = np.random.default_rng([traits.seed, STREAM])
    vary = 0.25 + 0.75 * tier.muscle_variation
    spread = 0.2 + 0.8 * tier.arm_spread
    scale = traits.stature_mm / 1600.0

    bent = rng.random() < 0.25 * spread
    arms = []
    for _ in range(2):
        abduction = 9.0 + 3.0 * max(traits.adiposity, -1.0) + spread * rng.uniform(-4.0, 10.0)
        elbow = rng.uniform(40.0, 85.0) if bent else rng.uniform(6.0, 24.0)
        arms.append(
            Arm(
                abduction_deg=float(np.clip(abduction, 4.0, 28.0)),
                flexion_deg=float(rng.uniform(-4.0, 10.0) * spread),
                elbow_deg=float(elbow),
                elbow_inward_deg=float(rng.uniform(0.0, 35.0)),
            )
        )

    leanness = 1.6 * traits.muscularity - 1.9 * traits.adiposity + rng.normal(0.0, 1.4)
    prominence = 6.5 * scale + vary * leanness
    # The inferior angle lies behind T7 to T9.
    up, out = rng.normal(0.0, 12.0) * vary, rng.normal(0.0, 5.0) * vary
    tilt = float(rng.uniform(0.0, 1.0))
    scapulae = [
        Scapula(
            height_mm=float(np.clip(prominence * (1.0 + 0.18 * vary * rng.standard_normal()), 2.0, 13.0)),
            up_mm=float(up + rng.normal(0.0, 4.0) * vary),
            out_mm=float(out + rng.normal(0.0, 3.0) * vary),
            tilt=tilt,
        )
        for _ in range(2)
    ]

    style = _hair_style(rng, traits.hair_length, tier.hair_over_back)
    manner = subject.manner
    c7_y = float(subject.spine_photo.centres_mm[0, 1])
    tone = traits.skin_tone * (len(_SKIN_TONES) - 1)
    skin = np.array([np.interp(tone, np.arange(len(_SKIN_TONES)), channel) for channel in _SKIN_TONES.T])
    # Dark skin goes with dark hair; every hair colour goes with light skin.
    hair_index = min(int(rng.integers(len(_HAIR_COLOURS))), max(0, round((1.0 - 1.4 * traits.skin_tone) * 4)))
    cloth = _CLOTH_COLOURS[int(rng.integers(len(_CLOTH_COLOURS)))] * rng.uniform(0.7, 1.3)
    band = cloth if rng.random() < 0.6 else _CLOTH_COLOURS[int(rng.integers(len(_CLOTH_COLOURS)))]

    waves = np.stack(
        [
            rng.uniform(0.4, 1.8, 7),
            rng.normal(0.0, 0.05, 7),
            rng.normal(0.0, 0.035, 7),
            rng.uniform(0.0, 2 * np.pi, 7),
            rng.uniform(0.0, 2.0, 7),
        ],
        axis=1,
    )
    head = np.random.default_rng([traits.seed, _HEAD_STREAM]).standard_normal(2).clip(-2.5, 2.5) * vary * scale
    n_moles = int(rng.poisson(7.0))
    moles = np.stack(
        [
            rng.uniform(-30.0, c7_y, n_moles),
            rng.normal(0.0, 90.0, n_moles),
            rng.uniform(1.2, 2.8, n_moles),
            rng.uniform(0.3, 0.9, n_moles),
        ],
        axis=1,
    )
    return Appearance(
        arms=manner.arms or (arms[0], arms[1]),
        scapulae=(scapulae[0], scapulae[1]),
        # Biacromial breadth is about 0.225 of the stature (Drillis and Contini, and Snyder's child anthropometry).
        biacromial_half_mm=float(traits.stature_mm * (0.1125 + 0.004 * (traits.sex == "male") + 0.003 * rng.normal())),
        arm_radius_mm=float(
            scale * (39.0 + 1.1 * (traits.bmi - 19.0) + 1.5 * traits.muscularity * vary + rng.normal(0.0, 1.5))
        ),
        head_forward_mm=float(rng.normal(80.0, 10.0) * scale),
        head_up_mm=float(_HEAD_UP_MM * head[0]),
        hairline_up_mm=float(_HAIRLINE_UP_MM * head[1]),
        hair_style=manner.hair_style or style,
        hair_colour=_HAIR_COLOURS[hair_index] * rng.uniform(0.8, 1.3),
        hair_end_y_mm=float(c7_y - rng.uniform(20.0, 110.0) * scale),
        skin_colour=skin * rng.normal(1.0, 0.04, 3),
        cloth_colour=cloth,
        band_colour=band,
        cloth_offset_mm=float(rng.uniform(3.0, 8.0)),
        fold_waves=waves,
        waist_folds=_waist_folds(rng, subject, vary),
        dimple_mm=float(np.clip(2.4 - 0.9 * traits.adiposity * vary + rng.normal(0, 0.8) * vary, 0.0, 5.0)),
        buttock_mm=float(scale * (26.0 + 0.9 * (traits.bmi - 19.0) + (6.0 if traits.sex == "female" else 0.0))),
        moles=moles,
        texture_seed=int(rng.integers(2**31)),
    )


def _hair_style(rng: np.random.Generator, length: float, over_back: float) -> str:
    draw, tied = rng.random(), rng.random()
    if draw < over_back * min(1.0, 2.0 * length):
        return "long"
    if length < 0.12:
        return "shaven"
    if length < 0.45:
        return "short"
    return "bun" if tied < 0.6 else "ponytail"


def _waist_folds(rng: np.random.Generator, subject: Subject, vary: float) -> NDArray[np.float64]:
    """Creases of the flanks: with fat on both sides, with a lumbar curve on its hollow side."""
    lumbar_y = float(subject.spine_photo.centres_mm[14, 1])  # L2
    folds = []
    fat = subject.traits.adiposity * vary
    for side in (-1.0, 1.0):
        n = int(rng.poisson(max(0.0, 0.9 * (fat - 0.4))))
        for _ in range(min(n, 2)):
            depth = float(np.clip(1.5 + 1.6 * fat + rng.normal(0, 0.8), 1.0, 7.0))
            folds.append((lumbar_y + rng.uniform(-35.0, 60.0), side, depth, rng.uniform(40.0, 110.0)))
    sideways = float(subject.spine_photo.centres_mm[11:17, 2].mean())
    if abs(sideways) > 12.0:
        depth = float(np.clip(0.12 * abs(sideways) * vary, 0.0, 5.0))
        folds.append((lumbar_y + rng.uniform(-20, 30), -float(np.sign(sideways)), depth, rng.uniform(50.0, 110.0)))
    return np.array(folds, dtype=float).reshape(-1, 4)

"""Draws who the subject is: sex, age, stature, weight, muscle, and the targets for the shape of the spine.

Sources of the numbers stand beside them; all describe groups from the literature, nobody in particular.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from calib.phantom.subject import Traits

# Median stature in mm at 10, 11, ... 18 years (WHO growth reference 2007, rounded to 5 mm); SD about 65 mm.
_STATURE_MM: Final = {
    "female": (1385, 1445, 1515, 1570, 1600, 1620, 1625, 1630, 1630),
    "male": (1380, 1430, 1490, 1560, 1630, 1690, 1730, 1750, 1760),
}
_STATURE_SD_MM: Final = 62.0

# Share of curve types and their Cobb angles. Half of the subjects are straight (Cobb below 10 deg): a screening
# population enriched with the curves that it looks for.
_CURVE_TYPES: Final = {"none": 0.45, "thoracic": 0.25, "double": 0.12, "thoracolumbar": 0.09, "lumbar": 0.09}
_COBB_GROUPS: Final = ((0.45, 15.5, 2.8), (0.42, 28.0, 5.3), (0.13, 47.0, 7.0))  # share, mean, SD: HKU, n = 1054


@dataclass(frozen=True)
class SpineTargets:
    """What the spine builder aims at, degrees; the truth is re-measured from what it built."""

    thoracic_kyphosis_t4_t12_deg: float
    lumbar_lordosis_l1_s1_deg: float
    sacral_slope_deg: float
    pelvic_tilt_deg: float
    cobb_deg: float
    curve_side: int  # +1: main curve convex to the right
    sagittal_balance_mm: float  # C7 centre ahead of the S1 centre


def draw_traits(rng: np.random.Generator, seed: int) -> Traits:
    """Draw the traits of one subject."""
    sex = "female" if rng.random() < 0.6 else "male"
    age = float(rng.uniform(10.0, 18.0))
    median = np.interp(age, np.arange(10, 19), _STATURE_MM[sex])
    stature = float(median + _STATURE_SD_MM * np.clip(rng.standard_normal(), -2.5, 2.5))
    # Median BMI rises by about 0.55 per year from 16.6 at ten (WHO); a log-normal spread with a heavy upper tail.
    adiposity = float(np.clip(rng.standard_normal(), -2.0, 2.6))
    bmi = (16.6 + 0.55 * (age - 10.0)) * float(np.exp(0.145 * adiposity + 0.02 * adiposity**2))
    muscularity = float(np.clip(0.35 * (sex == "male") + 0.08 * (age - 14) + 0.9 * rng.standard_normal(), -2.2, 2.4))
    kinds = list(_CURVE_TYPES)
    return Traits(
        seed=seed,
        sex=sex,
        age_years=age,
        stature_mm=stature,
        bmi=float(np.clip(bmi, 13.0, 34.0)),
        adiposity=adiposity,
        muscularity=muscularity,
        skin_tone=float(rng.beta(1.3, 1.6)),
        hair_length=float(rng.beta(2.0, 2.0) if sex == "female" else rng.beta(1.0, 4.0)),
        curve_type=str(rng.choice(kinds, p=[_CURVE_TYPES[k] for k in kinds])),
    )


def draw_targets(rng: np.random.Generator, curve_type: str) -> SpineTargets:
    """Draw the spine's angles jointly.

    Means and SDs: HKU AIS cohort (n = 1054), EOS cohort (458 AIS, 69 controls), 341 normal children, kyphosis a little
    wider, as in thirty patients with surface scans (centreline, SD 13.9). PI = SS + PT; r(PI, LL) about 0.5, r(SS, LL)
    about 0.8, r(TK, LL) about 0.3 (adjacent regions move together): LL = SS + the backward inclination of L1, and a
    trunk with more kyphosis leans back more from the lumbar spine on, or it would fall forward. Adolescents with
    scoliosis lean back: on registered radiographs C7-T1 lies 35 mm (SD 22) behind the L5-S1 disc.
    """
    scoliotic = curve_type != "none"
    mean_kyphosis, sd_kyphosis = (31.0, 14.5) if scoliotic else (38.5, 12.0)
    kyphosis = mean_kyphosis + sd_kyphosis * rng.standard_normal()
    slope = 36.5 + 9.5 * rng.standard_normal() - 0.10 * (kyphosis - 34.0)
    tilt = 8.5 + 7.5 * rng.standard_normal() - 0.10 * (slope - 36.5)
    inclination = 21.0 + 0.35 * (kyphosis - 34.0) + 2.5 * rng.standard_normal() - 0.05 * (slope - 36.5)
    lordosis = slope + inclination
    if scoliotic:
        share = np.array([g[0] for g in _COBB_GROUPS])
        _, mean, sd = _COBB_GROUPS[int(rng.choice(len(share), p=share))]
        cobb = max(10.0, mean + sd * rng.standard_normal())
    else:
        cobb = min(abs(5.0 * rng.standard_normal()), 9.5)
    # Thoracic curves are convex to the right in nine of ten; lumbar and thoracolumbar ones mostly to the left.
    right = 0.5 if not scoliotic else {"thoracic": 0.9, "double": 0.9, "thoracolumbar": 0.4, "lumbar": 0.25}[curve_type]
    return SpineTargets(
        thoracic_kyphosis_t4_t12_deg=float(np.clip(kyphosis, -5.0, 75.0)),
        lumbar_lordosis_l1_s1_deg=float(np.clip(lordosis, 20.0, 85.0)),
        sacral_slope_deg=float(np.clip(slope, 12.0, 65.0)),
        pelvic_tilt_deg=float(np.clip(tilt, -10.0, 32.0)),
        cobb_deg=float(np.clip(cobb, 0.0, 70.0)),
        curve_side=1 if rng.random() < right else -1,
        sagittal_balance_mm=float(np.clip(rng.normal(-68.0, 10.0), -112.0, 25.0)),
    )

"""The values that describe one phantom subject; every other file of this folder makes or reads them.

Subject frame: ISB axes (x anterior, y up along gravity, z to the subject's right), millimetres, origin at the
centre of the superior endplate of S1. Every array is float64 unless said otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Traits:
    """What is drawn once per subject, apart from the spine's shape."""

    seed: int
    sex: str  # "female" or "male"
    age_years: float
    stature_mm: float
    bmi: float
    adiposity: float  # standard score of fat for age: thick, smooth soft tissue
    muscularity: float  # standard score: deep paraspinal furrow, marked scapulae
    skin_tone: float  # 0 (light) to 1 (dark)
    hair_length: float  # 0 (shaven) to 1 (over the shoulders)
    curve_type: str  # "none", "thoracic", "double", "thoracolumbar", "lumbar"


@dataclass(frozen=True)
class Spine:
    """The vertebral column in one posture.

    endplates_mm: (37, 4, 3), order of ``edge.anatomy.ENDPLATES`` x ``ENDPLATE_POINTS``.
    spinous_tips_mm: (19, 3): tips of the spinous processes of C7..L5 and the median crest of S1.
    rotation_deg: (18,) axial rotation of C7..L5 about the vertical; positive turns the front to the right.
    femoral_heads_mm: (2, 3) centres, left then right (pelvic incidence and tilt follow from them).
    """

    endplates_mm: Array
    spinous_tips_mm: Array
    rotation_deg: Array
    femoral_heads_mm: Array

    @property
    def centres_mm(self) -> Array:
        """(18, 3) centres of the vertebral bodies C7..L5: mean of the eight rim points of each."""
        return self.endplates_mm[:36].reshape(18, 8, 3).mean(axis=1)


@dataclass(frozen=True)
class Torso:
    """Outline of the trunk by height: a stack of horizontal superelliptic sections, featureless in front.

    All arrays (N,), on ``y_mm`` (ascending, 5 mm steps, from below the waistband up to the neck). The section at
    a height has its mid-line skin point at ``back_x_mm``, its front at ``front_x_mm``, half width
    ``half_width_mm`` about ``mid_z_mm``, and is turned by ``twist_deg`` about the vertical (a share of the rib hump;
    positive turns the front to the right, so the right side of the back stands out backwards).
    Only the back of it is ever drawn as skin; below ``waistband_y_mm`` it wears trousers.
    furrow_mm: depth of the mid-line furrow between the paraspinal muscles; bumps_mm: height of the
    spinous-process bumps.
    """

    y_mm: Array
    mid_z_mm: Array
    back_x_mm: Array
    front_x_mm: Array
    half_width_mm: Array
    twist_deg: Array
    furrow_mm: Array
    bumps_mm: Array
    waistband_y_mm: float
    shoulder_y_mm: float  # height of the acromia
    shoulder_tilt_deg: float  # positive: right shoulder higher
    exponent: float = 2.7  # of the superellipse |z/w|^n + |2(x - mid)/depth|^n = 1


@dataclass(frozen=True)
class Arm:
    """How one arm hangs; angles in degrees."""

    abduction_deg: float
    flexion_deg: float  # of the shoulder, forwards
    elbow_deg: float
    elbow_inward_deg: float  # how far the bent forearm points inwards instead of forwards


@dataclass(frozen=True)
class Manner:
    """What a subject is told to do otherwise than it was drawn to; None = as drawn.

    arms: left, right. hair_style: one of ``appearance.HAIR_STYLES``. breathing_mm: amplitude at the chest.
    """

    arms: tuple[Arm, Arm] | None = None
    hair_style: str | None = None
    breathing_mm: float | None = None


@dataclass(frozen=True)
class Subject:
    """One phantom subject: traits, the spine as photographed and as on the radiograph, and the trunk's outline."""

    traits: Traits
    tier: str
    spine_photo: Spine
    spine_radiograph: Spine
    torso: Torso
    manner: Manner = field(default_factory=Manner)

"""From a seed to a subject: the entrance of the phantom. Same seed and tier, same subject, on any machine.

The anatomy of a seed is the same in every tier; only what hides it from the camera differs.
"""

from __future__ import annotations

import dataclasses
from typing import Final

import numpy as np

from calib.phantom.spine import build_spine, draw_shape, posture_change
from calib.phantom.subject import Spine, Subject, Torso
from calib.phantom.tiers import tier_named
from calib.phantom.torso import build_torso
from calib.phantom.traits import draw_targets, draw_traits

STREAMS: Final = {"traits": 1, "spine": 2, "posture": 3, "torso": 4}
"""One independent random stream per component: a change in one leaves the others as they were."""

SKIN_MM: Final = 6.0
"""Skin and fascia over a spinous process: a lean adolescent's processes can be felt right beneath the skin."""


def sample_subject(seed: int, tier: str) -> Subject:
    """Draw the subject of ``seed`` as the realism ``tier`` shows it.

    Raises:
        UsageError: unknown tier.
    """
    limits = tier_named(tier)
    rng = {name: np.random.default_rng([seed, stream]) for name, stream in STREAMS.items()}
    traits = draw_traits(rng["traits"], seed)
    targets = draw_targets(rng["traits"], traits.curve_type)
    shape = draw_shape(rng["spine"], traits, targets)
    change = posture_change(rng["posture"], shape.spacing_mm, limits.posture_deg)
    spine_photo = build_spine(shape, -0.5 * change)
    spine_radiograph = build_spine(shape, 0.5 * change)
    torso = build_torso(rng["torso"], traits, limits, spine_photo)
    return Subject(traits, tier, under_skin(spine_photo, torso), under_skin(spine_radiograph, torso), torso)


def under_skin(spine: Spine, torso: Torso) -> Spine:
    """Shorten every spinous process that would come closer than ``SKIN_MM`` to the skin of the mid-line."""
    tips = spine.spinous_tips_mm.copy()
    skin = np.interp(tips[:, 1], torso.y_mm, torso.back_x_mm)
    tips[:, 0] = np.maximum(tips[:, 0], skin + SKIN_MM)
    return dataclasses.replace(spine, spinous_tips_mm=tips)

"""The realism tiers: one row each of how far the back, the posture and the camera stray from the ideal.

``sensor`` keeps only the camera's own noise. ``typical`` is tuned to measured statistics of adolescents with
idiopathic scoliosis (skin-to-centreline depth, its spread and correlation along the spine, and how well skin-line
angles follow centreline angles; see the README's model section). ``hard`` goes beyond it, towards the poorer
published figures of surface topography (r about 0.45 for kyphosis, 0.3 for lordosis). ``typical-without-X`` is
``typical`` with one kind of nuisance switched off: what a model that is trained on it gains is what X costs.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from edge.errors import UsageError


@dataclass(frozen=True)
class Tier:
    """Size of every nuisance. SD unless said otherwise.

    offset_scale, relief_scale: factors on the measured between-subject spread of the skin-to-centreline depth
    (its mean over the levels, and what remains per level). posture_deg: change of kyphosis and lordosis between
    photograph and radiograph (kyphosis of one stance after another, by rasterstereography of ten adults: SD 1.2-2.0,
    so that two of them differ by 1.7-2.8). sway and breathing act between the frames of one recording.
    """

    name: str
    offset_scale: float
    relief_scale: float
    posture_deg: float
    muscle_variation: float  # 0..1, factor on furrow, scapula and shoulder variation
    camera_bias_mm: float  # global depth offset of the camera
    camera_scale: float  # relative global depth scale error
    gravity_error_deg: float
    hole_share: float  # mean share of blob-shaped holes within the back
    sway_mm: float
    sway_deg: float
    breathing_mm: float  # amplitude at the chest
    arm_spread: float  # 0..1, how freely the arms are held
    hair_over_back: float  # probability of hair below the neck
    mount_spread: float  # factor on how far the camera's mount and the subject's turn stray


TIERS: Final[dict[str, Tier]] = {
    t.name: t
    for t in (
        Tier("sensor", 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.5),
        Tier("typical", 1.0, 1.0, 2.0, 1.0, 4.0, 0.004, 0.4, 0.01, 2.0, 0.4, 2.0, 0.6, 0.08, 1.0),
        Tier("hard", 1.3, 2.1, 5.0, 1.4, 10.0, 0.010, 1.0, 0.05, 4.0, 0.8, 4.0, 1.0, 0.25, 1.5),
    )
}

NUISANCES: Final = {
    "soft-tissue": ("offset_scale", "relief_scale"),
    "posture": ("posture_deg",),
    "build": ("muscle_variation", "arm_spread", "hair_over_back"),
    "camera": ("camera_bias_mm", "camera_scale", "gravity_error_deg", "hole_share"),
    "sway": ("sway_mm", "sway_deg", "breathing_mm"),
}
"""Kinds of nuisances, and what of a tier makes them up."""


def _typical_without(kind: str) -> Tier:
    off: dict[str, float] = dict.fromkeys(NUISANCES[kind], 0.0)
    return replace(TIERS["typical"], name=f"typical-without-{kind}", **off)  # type: ignore[arg-type]


TIERS.update((tier.name, tier) for tier in map(_typical_without, NUISANCES))
TIER_HELP: Final = "sensor, typical, hard, or typical-without-X, X being " + ", ".join(NUISANCES)


def tier_named(name: str) -> Tier:
    """The tier called ``name``.

    Raises:
        UsageError: there is no such tier.
    """
    try:
        return TIERS[name]
    except KeyError:
        raise UsageError("unknown realism tier", expected=", ".join(TIERS), found=name) from None

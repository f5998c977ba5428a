"""The sampler: determinism, targets that are met, and a spine that stays inside the trunk."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from calib.phantom.sampler import sample_subject
from calib.phantom.spine import build_spine, draw_shape
from calib.phantom.subject import Subject, Torso
from calib.phantom.tiers import NUISANCES, TIERS, Tier, tier_named
from calib.phantom.traits import draw_targets, draw_traits
from edge.anatomy import ENDPLATE_INDEX
from edge.errors import UsageError
from edge.measure.angles import sagittal_angles
from edge.measure.coronal import cobb_major

SEEDS = range(40)


def arrays(subject: Subject) -> list[np.ndarray]:
    parts = (subject.spine_photo, subject.spine_radiograph, subject.torso)
    return [v for p in parts for v in dataclasses.asdict(p).values() if isinstance(v, np.ndarray)]


@pytest.mark.parametrize("tier", TIERS)
def test_the_same_seed_and_tier_give_the_same_subject(tier: str) -> None:
    for a, b in zip(arrays(sample_subject(7, tier)), arrays(sample_subject(7, tier)), strict=True):
        np.testing.assert_array_equal(a, b)


def test_different_seeds_give_different_subjects() -> None:
    a, b = sample_subject(7, "typical"), sample_subject(8, "typical")
    assert np.abs(a.spine_radiograph.endplates_mm - b.spine_radiograph.endplates_mm).max() > 1.0


def test_an_unknown_tier_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UsageError, match="sensor, typical, hard"):
        tier_named("easy")


def test_without_a_nuisance_a_subject_differs_in_nothing_else() -> None:
    typical, still = (sample_subject(3, tier) for tier in ("typical", "typical-without-posture"))

    assert np.array_equal(still.spine_photo.endplates_mm, still.spine_radiograph.endplates_mm)
    assert not np.array_equal(typical.spine_photo.endplates_mm, typical.spine_radiograph.endplates_mm)
    assert typical.traits == still.traits
    for kind, fields in NUISANCES.items():
        changed = {f.name for f in dataclasses.fields(Tier) if getattr(TIERS[f"typical-without-{kind}"], f.name)
                   != getattr(TIERS["typical"], f.name)}
        assert changed == {"name", *fields}
        assert all(getattr(TIERS["typical"], field) for field in fields), "it would switch off what is off"


def test_the_sensor_tier_keeps_the_posture_between_photograph_and_radiograph() -> None:
    subject = sample_subject(3, "sensor")
    np.testing.assert_array_equal(subject.spine_photo.endplates_mm, subject.spine_radiograph.endplates_mm)
    moved = sample_subject(3, "hard")
    assert np.abs(moved.spine_photo.endplates_mm - moved.spine_radiograph.endplates_mm).max() > 0.5


def test_the_built_column_measures_the_angles_that_it_was_asked_for() -> None:
    errors = []
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        traits = draw_traits(rng, seed)
        targets = draw_targets(rng, traits.curve_type)
        endplates = build_spine(draw_shape(rng, traits, targets)).endplates_mm
        angles = sagittal_angles(endplates)
        errors.append([
            angles["thoracic_kyphosis_t4_t12"] - targets.thoracic_kyphosis_t4_t12_deg,
            angles["lumbar_lordosis_l1_s1"] - targets.lumbar_lordosis_l1_s1_deg,
            angles["sacral_slope"] - targets.sacral_slope_deg,
            (cobb_major(endplates).value_deg - targets.cobb_deg) * (targets.cobb_deg >= 10),
        ])
    # Wedges, jitter and projection move the re-measured angle a few degrees from what the builder aimed at.
    assert np.abs(errors).mean(axis=0).max() < 4.0
    assert np.abs(np.array(errors)[:, 3]).max() < 2.5


def test_pelvic_incidence_is_the_sum_of_slope_and_tilt() -> None:
    for seed in SEEDS:
        spine = sample_subject(seed, "sensor").spine_radiograph
        s1 = spine.endplates_mm[ENDPLATE_INDEX["S1", "superior"]]
        along = (s1[0] - s1[1])[:2] / np.linalg.norm((s1[0] - s1[1])[:2])
        hips = spine.femoral_heads_mm.mean(axis=0)[:2]
        incidence = np.degrees(np.arccos(np.dot([along[1], -along[0]], hips) / np.linalg.norm(hips)))
        tilt = np.degrees(np.arctan2(hips[0], -hips[1]))
        slope = sagittal_angles(spine.endplates_mm)["sacral_slope"]
        assert abs(abs(incidence) - abs(slope + tilt)) < 0.5


def skin_behind(torso: Torso, points_mm: np.ndarray) -> np.ndarray:
    """How far ahead of the skin's mid-line each point lies."""
    return points_mm[:, 0] - np.interp(points_mm[:, 1], torso.y_mm, torso.back_x_mm)


def test_every_vertebral_body_lies_inside_the_trunk() -> None:
    for seed in SEEDS:
        subject = sample_subject(seed, "typical")
        rims = subject.spine_photo.endplates_mm.reshape(-1, 3)
        assert skin_behind(subject.torso, rims).min() > 15.0
        front = np.interp(rims[:, 1], subject.torso.y_mm, subject.torso.front_x_mm)
        assert (front - rims[:, 0]).min() > 5.0


def test_every_spinous_process_ends_beneath_the_skin() -> None:
    for seed in SEEDS:
        subject = sample_subject(seed, "typical")
        assert skin_behind(subject.torso, subject.spine_photo.spinous_tips_mm).min() > 5.9


def test_the_guard_on_the_trunk_can_fail() -> None:
    subject = sample_subject(0, "typical")
    outside = subject.spine_photo.endplates_mm.reshape(-1, 3) - np.array([150.0, 0.0, 0.0])
    assert skin_behind(subject.torso, outside).min() < 15.0


def test_the_waistband_lies_just_below_the_posterior_superior_iliac_spines() -> None:
    for seed in SEEDS:
        subject = sample_subject(seed, "typical")
        iliac_mm = -0.020 * subject.traits.stature_mm  # height of the spines below the S1 endplate
        assert 0.0 < iliac_mm - subject.torso.waistband_y_mm < 30.0

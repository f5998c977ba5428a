from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.anatomy import ANGLE_NAMES, ENDPLATE_INDEX, SAGITTAL_ANGLES
from edge.measure.angles import ANGLE_LABELS, ANGLE_LEVELS, sagittal_angles


def test_an_ordinary_adolescent_has_positive_kyphosis_lordosis_and_sacral_slope(ordinary):
    angles = sagittal_angles(ordinary)
    assert tuple(angles) == ANGLE_NAMES
    assert all(value > 0 for value in angles.values())
    assert angles["thoracic_kyphosis_t4_t12"] == pytest.approx(36.0)
    assert angles["lumbar_lordosis_l1_s1"] == pytest.approx(58.0)
    assert angles["sacral_slope"] == pytest.approx(38.0)


def test_each_angle_reads_the_endplates_that_its_levels_name(spine):
    tilts = np.random.default_rng(1).uniform(-30, 30, 37)
    angles = sagittal_angles(spine(tilts, np.zeros(37)))
    for row in SAGITTAL_ANGLES:
        ends = [tilts[ENDPLATE_INDEX[e]] if e else 0.0 for e in (row.cranial, row.caudal)]
        assert angles[row.name] == pytest.approx(row.sign * (ends[1] - ends[0])), row.levels


def test_flexing_one_end_of_the_curve_changes_its_angle(spine, ordinary_tilts, ordinary):
    bent = ordinary_tilts.copy()
    bent[ENDPLATE_INDEX["T12", "inferior"]] += 7.0
    before, after = sagittal_angles(ordinary), sagittal_angles(spine(bent, np.zeros(37)))
    assert after["thoracic_kyphosis_t4_t12"] - before["thoracic_kyphosis_t4_t12"] == pytest.approx(7.0)
    assert after["lumbar_lordosis_l1_s1"] == pytest.approx(before["lumbar_lordosis_l1_s1"])


@settings(max_examples=25, deadline=None)
@given(shift=st.tuples(*[st.floats(-1000, 1000)] * 3))
def test_where_a_subject_stands_changes_no_angle(shift):
    rim = _wavy_spine()
    moved = sagittal_angles(rim + np.array(shift))
    for name, value in sagittal_angles(rim).items():
        assert moved[name] == pytest.approx(value, abs=1e-6)


@settings(max_examples=25, deadline=None)
@given(lean=st.floats(-10, 10))
def test_leaning_changes_the_sacral_slope_and_no_endplate_cobb_angle(lean):
    rim = _wavy_spine()
    a = np.radians(lean)
    turned = rim @ np.array([[np.cos(a), np.sin(a), 0], [-np.sin(a), np.cos(a), 0], [0, 0, 1]])
    before, after = sagittal_angles(rim), sagittal_angles(turned)
    for row in SAGITTAL_ANGLES:
        expected = before[row.name] - (lean if row.name == "sacral_slope" else 0.0)
        assert after[row.name] == pytest.approx(expected, abs=1e-6)


@settings(max_examples=15, deadline=None)
@given(size=st.floats(0.5, 2.0))
def test_a_taller_subject_of_the_same_shape_has_the_same_angles(size):
    rim = _wavy_spine()
    larger = sagittal_angles(rim * size)
    for name, value in sagittal_angles(rim).items():
        assert larger[name] == pytest.approx(value, abs=1e-6)


def _wavy_spine():
    """Endplates on x = 30 sin(depth), perpendicular to it."""
    depth = np.linspace(0, 480, 37)
    x = 30 * np.sin(depth / 480 * 2 * np.pi)
    slope = np.arctan(30 * 2 * np.pi / 480 * np.cos(depth / 480 * 2 * np.pi))
    forward = 15 * np.stack([np.cos(slope), np.sin(slope), 0 * depth], -1)
    right = np.broadcast_to([0, 0, 15.0], (37, 3))
    return np.stack([x, -depth, 0 * depth], -1)[:, None] + np.stack([forward, -forward, -right, right], 1)


def test_every_angle_has_a_label_and_levels_that_a_person_can_read():
    assert tuple(ANGLE_LABELS) == tuple(ANGLE_LEVELS) == ANGLE_NAMES
    for name in ANGLE_NAMES:
        assert re.search(r"[TLS]\d", ANGLE_LABELS[name]), name

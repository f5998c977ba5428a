from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.measure.centreline import centreline_angles, spline_through, tangent_angles


def line(x_of_depth, height=450.0, n=200):
    depth = np.linspace(0, height, n)
    return np.stack([x_of_depth(depth), -depth, 0 * depth], -1)


def test_a_straight_line_has_no_curve_whatever_its_lean():
    kyphosis, lordosis = tangent_angles(line(lambda d: 0.2 * d))
    assert kyphosis == pytest.approx(0, abs=1e-6)
    assert lordosis == pytest.approx(0, abs=1e-6)


def test_the_tangents_of_a_known_s_curve_are_measured():
    def slope_deg(fraction):
        return 20 * np.cos(2 * np.pi * (fraction - 0.65))

    depth = np.linspace(0, 450, 4001)
    x = np.concatenate([[0], np.cumsum(np.tan(np.radians(slope_deg((depth[:-1] + depth[1:]) / 900))) * np.diff(depth))])
    kyphosis, lordosis = tangent_angles(np.stack([x, -depth, 0 * x], -1))
    assert kyphosis == pytest.approx(40, abs=1.5)  # -20 at 15 % to +20 at 65 % of the height
    assert lordosis == pytest.approx(20 - slope_deg(0.92), abs=1.5)


def test_an_ordinary_spine_reads_positive_and_near_its_endplate_angles(ordinary):
    angles = centreline_angles(ordinary)
    assert 25 < angles["centreline_kyphosis"] < 50
    assert 15 < angles["centreline_lordosis"] < 60


def test_a_line_may_be_given_from_either_end():
    curve = line(lambda d: 30 * np.sin(d / 90))
    assert tangent_angles(curve[::-1]) == pytest.approx(tangent_angles(curve), abs=1e-2)


def test_how_densely_a_line_is_sampled_hardly_matters():
    def curve(depth):
        return 25 * np.sin(depth / 85)

    assert tangent_angles(line(curve, n=80)) == pytest.approx(tangent_angles(line(curve, n=900)), abs=0.5)


@settings(max_examples=25, deadline=None)
@given(shift=st.tuples(*[st.floats(-500, 500)] * 3), size=st.floats(0.5, 2.0))
def test_place_and_size_do_not_change_tangent_angles(shift, size):
    curve = line(lambda d: 30 * np.sin(d / 90))
    assert tangent_angles(curve * size + np.array(shift)) == pytest.approx(tangent_angles(curve), abs=1e-3)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_a_spline_passes_through_its_points_and_keeps_straight_lines_straight(seed):
    rng = np.random.default_rng(seed)
    points = np.cumsum(rng.uniform(5, 20, (9, 3)), axis=0)
    np.testing.assert_allclose(spline_through(points, 4)[::4], points, atol=1e-9)
    straight = np.cumsum(rng.uniform(0.5, 2, 9))[:, None] * np.array([1.0, -3.0, 2.0])
    dense = spline_through(straight, 5)
    np.testing.assert_allclose(np.cross(dense, [1.0, -3.0, 2.0]), 0, atol=1e-8)


def test_a_spline_agrees_with_a_smooth_curve_between_its_points():
    angle = np.linspace(0.2, 1.4, 18)
    dense = spline_through(100 * np.stack([np.cos(angle), np.sin(angle)], -1))
    assert np.abs(np.linalg.norm(dense, axis=1) - 100).max() < 0.05
    assert np.abs(np.linalg.norm(dense[::16], axis=1) - 100).max() < 1e-9


def test_a_line_that_hardly_changes_reads_hardly_different():
    """It is steep towards the sacrum, where lordosis is read: there one point more or less is a degree."""
    readings = np.array([tangent_angles(line(lambda d, bow=bow: bow * np.sin((d / 450) ** 3 * 4), n=400))
                         for bow in np.linspace(55, 65, 101)])
    steps = np.abs(np.diff(readings, axis=0))
    assert steps.max() < 2 * np.median(steps, axis=0).max()
    assert steps.min() > 0  # the lines do differ

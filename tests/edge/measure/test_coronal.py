from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.anatomy import VERTEBRAE
from edge.measure.coronal import CURVE_LEVELS, cobb_between, cobb_major

MIRROR_Z = np.array([1.0, 1.0, -1.0])


def curved(spine, upper="T5", lower="T11", cobb=40.0, side=1.0):
    """A single curve: tilt falls linearly from +cobb/2 at ``upper`` to -cobb/2 at ``lower`` and decays beyond."""
    i, j = VERTEBRAE.index(upper), VERTEBRAE.index(lower)
    tilt = np.interp(np.arange(18), [i - 5, i, j, j + 5], [0, cobb / 2, -cobb / 2, 0])
    return spine(np.zeros(37), side * np.append(np.repeat(tilt, 2), 0.0))


def test_a_right_convex_thoracic_curve_is_named_and_measured(spine):
    curve = cobb_major(curved(spine))
    assert curve.value_deg == pytest.approx(40.0)
    assert (curve.upper_end_vertebra, curve.lower_end_vertebra) == ("T5", "T11")
    assert (curve.apex_vertebra, curve.convex_side) == ("T8", "right")


def test_the_convex_side_is_the_side_to_which_the_bodies_bulge(spine):
    rim = curved(spine)
    centres = rim[:36].reshape(18, 8, 3).mean(1)
    upper, apex, lower = (centres[VERTEBRAE.index(v), 2] for v in ("T5", "T8", "T11"))
    assert apex > (upper + lower) / 2  # to the subject's right
    assert cobb_major(rim).convex_side == "right"


def test_the_larger_of_two_curves_is_the_major_one(spine):
    tilt = np.interp(np.arange(18), [0, 4, 10, 16, 17], [0, 12, -22, 20, 0])
    curve = cobb_major(spine(np.zeros(37), np.append(np.repeat(tilt, 2), 0.0)))
    assert curve.value_deg == pytest.approx(42.0)
    assert (curve.upper_end_vertebra, curve.lower_end_vertebra, curve.convex_side) == ("T10", "L4", "left")


def test_wedged_neighbours_alone_make_no_curve(spine):
    tilt = np.zeros(37)
    tilt[2 * VERTEBRAE.index("T8")] = 30.0  # one tilted endplate: no pair of neighbours counts
    curve = cobb_major(spine(np.zeros(37), tilt))
    levels = [CURVE_LEVELS.index(v) for v in (curve.upper_end_vertebra, curve.lower_end_vertebra)]
    assert levels[1] - levels[0] >= 2


def test_the_neck_takes_no_part(spine):
    tilt = np.zeros(37)
    tilt[:2] = 50.0
    assert cobb_major(spine(np.zeros(37), tilt)).value_deg == pytest.approx(0.0)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), shift=st.tuples(*[st.floats(-500, 500)] * 3))
def test_a_mirrored_spine_has_the_same_curve_on_the_other_side(seed, shift):
    rng = np.random.default_rng(seed)
    rim = _random_spine(rng)
    mirrored = (rim * MIRROR_Z)[:, [0, 1, 3, 2]] + np.array(shift)
    one, other = cobb_major(rim), cobb_major(mirrored)
    assert other.value_deg == pytest.approx(one.value_deg, abs=1e-6)
    assert {one.convex_side, other.convex_side} == {"left", "right"}
    assert (one.upper_end_vertebra, one.apex_vertebra) == (other.upper_end_vertebra, other.apex_vertebra)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_no_pair_of_end_vertebrae_beats_the_major_curve(seed):
    rim = _random_spine(np.random.default_rng(seed))
    major = cobb_major(rim)
    for i, upper in enumerate(CURVE_LEVELS):
        for lower in CURVE_LEVELS[i + 2 :]:
            assert cobb_between(rim, upper, lower).value_deg <= major.value_deg + 1e-9


def test_end_vertebrae_without_an_apex_between_them_are_refused(ordinary):
    with pytest.raises(ValueError, match="less than 2 levels"):
        cobb_between(ordinary, "T4", "T5")


def _random_spine(rng):
    tilt = np.radians(np.repeat(np.cumsum(rng.normal(0, 5, 19)), 2)[:37])
    centres = np.stack([rng.normal(0, 3, 37), -14.0 * np.arange(37), np.cumsum(rng.normal(0, 2, 37))], -1)
    right = 15 * np.stack([0 * tilt, np.sin(tilt), np.cos(tilt)], -1)
    forward = np.broadcast_to([15.0, 0, 0], (37, 3))
    return centres[:, None] + np.stack([forward, -forward, -right, right], 1)

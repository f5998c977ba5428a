from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.measure.intervals import AGREEMENTS, NORMAL_90, disagreements, interval

SPREAD = st.floats(0, 50)


@given(value=st.floats(-90, 90), sd=SPREAD, scale=st.floats(0, 5), repeat=SPREAD)
def test_an_interval_holds_its_value_and_widens_with_either_spread(value, sd, scale, repeat):
    both = interval(value, sd, scale, repeat)
    assert both.low_deg <= value <= both.high_deg
    assert both.high_deg - value >= max(scale * sd, NORMAL_90 * repeat) - 1e-9


def test_model_and_scan_spreads_add_in_quadrature():
    both = interval(30.0, 2.0, 1.5, 4.0 / NORMAL_90)
    assert both.high_deg == pytest.approx(35.0)
    assert both.low_deg == pytest.approx(25.0)


def test_a_cobb_angle_cannot_be_below_nought():
    assert interval(3.0, 5.0, 1.6, floor_deg=0.0).low_deg == 0.0


@pytest.mark.parametrize("arguments", [(math.nan, 1, 1, 0), (1, math.inf, 1, 0), (1, -1, 1, 0), (1, 1, 1, -2)])
def test_numbers_that_are_no_spread_are_refused(arguments):
    with pytest.raises(ValueError):
        interval(*arguments)


def test_contradicting_readings_are_named_and_agreeing_ones_are_not():
    row = AGREEMENTS[0]
    agreeing = {r.centreline: 40.0 + r.offset_deg for r in AGREEMENTS} | {r.endplate: 40.0 for r in AGREEMENTS}
    assert disagreements(agreeing) == {}
    off = agreeing | {row.centreline: 41.0 + row.offset_deg + row.limit_deg}
    assert disagreements(off) == {row.centreline: pytest.approx(row.limit_deg + 1.0)}

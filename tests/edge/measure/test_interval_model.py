"""Intervals widen where the device sees reason to, and a picture that contradicts the angles is told of."""

from __future__ import annotations

import math

import numpy as np
import pytest

from edge.measure.interval_model import DOUBT, SPREAD, IntervalModel, observations
from edge.measure.intervals import Interval
from edge.measure.reading import departures, read_angles, rims_of

MODEL = IntervalModel(
    observed=(DOUBT, SPREAD), mean={"sacral_slope": (0.0, 0.0)}, sd={"sacral_slope": (1.0, 1.0)},
    offset={"sacral_slope": math.log(5.0)}, weights={"sacral_slope": (1.0, 0.5)}, widest_deg={"sacral_slope": 12.0},
    calibrated_on="made here",
)


def width(sd_deg: float, repeatability_deg: float | None) -> float:
    return MODEL.half_width_deg("sacral_slope", observations(40.0, sd_deg, repeatability_deg, 10.0, {}))


def test_a_doubtful_model_and_unsteady_frames_widen_the_interval() -> None:
    assert width(1.0, None) == pytest.approx(5.0)
    assert width(2.0, None) == pytest.approx(10.0)
    assert width(1.0, 4.0) > width(1.0, 1.0)


def test_what_lies_far_outside_of_calibration_counts_as_if_at_its_edge() -> None:
    assert width(1e9, None) == pytest.approx(5.0 * math.exp(3.0))


def test_a_model_whose_tables_do_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="one mean, sd and weight"):
        IntervalModel.model_validate(MODEL.model_dump() | {"weights": {"sacral_slope": (1.0,)}})


def test_an_interval_may_leave_more_room_above_than_below() -> None:
    leaning = MODEL.model_copy(update={"lean": {"sacral_slope": 0.4}})
    assert MODEL.interval("sacral_slope", 20.0, 5.0) == Interval(15.0, 25.0)
    assert leaning.interval("sacral_slope", 20.0, 5.0) == Interval(17.0, 27.0)
    assert leaning.interval("sacral_slope", 1.0, 5.0, floor_deg=0.0) == Interval(0.0, 8.0)
    with pytest.raises(ValueError, match="cannot lean"):
        IntervalModel.model_validate(MODEL.model_dump() | {"lean": {"cobb_major": 0.1}})
    with pytest.raises(ValueError, match="less than 1"):
        IntervalModel.model_validate(MODEL.model_dump() | {"lean": {"sacral_slope": 1.0}})


def made_reading(tilt_of_s1_deg: float) -> np.ndarray:
    """A straight column whose sacrum is tilted."""
    read = np.stack([np.full(37, 60.0), np.linspace(20, -420, 37), np.zeros(37), np.full(37, 15.0)], axis=1)
    read[-1, 2] = tilt_of_s1_deg
    return read


def test_angles_are_read_back_from_places_and_tilts() -> None:
    angles = read_angles(made_reading(-38.0))

    assert angles["sacral_slope"] == pytest.approx(38.0)
    assert angles["lumbar_lordosis_l1_s1"] == pytest.approx(38.0)
    assert rims_of(made_reading(0.0)).shape == (37, 4, 3)
    assert read_angles(np.full((37, 4), np.nan)) == {}


def test_only_what_both_know_is_held_against_each_other() -> None:
    assert departures({"sacral_slope": 40.0}, {"sacral_slope": 46.0, "lumbar_lordosis_l1_s1": 1.0}) == {
        "sacral_slope": 6.0
    }

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.anatomy import ANGLE_NAMES
from edge.errors import RefusedError
from edge.fuse import MIN_ACCEPTED, REASONS_AFTER_MODEL, fuse
from edge.measure.angles import sagittal_angles
from edge.runtime.manifest import INTERVAL_NAMES
from edge.view.gates import REASONS, refuse

SCALES = dict.fromkeys(INTERVAL_NAMES, 1.5)
TK = "thoracic_kyphosis_t4_t12"


def shaken(make, offsets, name=TK):
    middle = make().angles_deg[name]
    return [make(i, angles={name: middle + offset}) for i, offset in enumerate(offsets)]


def test_a_scan_is_the_middle_of_its_frames_with_their_spread(make_measurements):
    frames = shaken(make_measurements, [-1.0, 0.0, 2.0])
    middle = make_measurements().angles_deg[TK] + 0.25  # between the median and the mean
    fused = fuse(frames, SCALES)
    angle = fused.angles[TK]
    assert tuple(fused.angles) == ANGLE_NAMES
    assert angle.value_deg == pytest.approx(middle)
    assert angle.repeatability_deg == pytest.approx(np.std([-1, 0, 2], ddof=1))
    half = math.hypot(1.5 * 5.0, 1.6448536 * angle.repeatability_deg)
    assert angle.interval.high_deg - middle == pytest.approx(half)
    assert (fused.accepted_frames, fused.rejected_frames, fused.refusals) == (3, 0, {})


def test_one_wild_frame_is_left_out_by_name_and_changes_nothing(make_measurements):
    calm = shaken(make_measurements, [-0.5, 0.0, 0.5, 0.2])
    wild = shaken(make_measurements, [0, 0, 0, 0, 15.0])[-1]
    fused = fuse([*calm, wild], SCALES)
    assert fused.refusals == {"outlier": 1}
    assert fused.angles[TK] == fuse(calm, SCALES).angles[TK]


def test_quiet_sway_is_no_outlier(make_measurements):
    assert fuse(shaken(make_measurements, [0, 0, 0, 0, 3.5]), SCALES).refusals == {}


def test_landmarks_and_picture_are_means_of_the_frames(make_measurements):
    spine = make_measurements().endplates_mm
    moved = [spine + np.array([dx, 0, 0]) for dx in (-2.0, 1.0, 4.0)]
    fused = fuse([make_measurements(i, endplates_mm=endplates) for i, endplates in enumerate(moved)], SCALES)
    np.testing.assert_allclose(fused.endplates_mm, moved[1])
    np.testing.assert_allclose(fused.log_attenuation, np.full((512, 256), 1.0, np.float32))
    assert fused.log_attenuation.dtype == np.float32


def test_a_frame_with_stray_landmarks_hardly_shows_in_line_or_picture(make_measurements):
    spine = make_measurements().endplates_mm
    moved = [spine + np.array([dx, 0, 0]) for dx in (-0.5, 0.5, 0.0, 0.2, -0.3)]
    frames = [make_measurements(i, endplates_mm=endplates) for i, endplates in enumerate(moved)]
    far = make_measurements(1000, endplates_mm=spine + np.array([0, 0, 60.0]))
    fused = fuse([*frames, far], SCALES)
    assert np.abs(fused.endplates_mm - spine).max() < 1.0  # a mean is carried off by 10 mm
    assert fused.log_attenuation.max() < 20.0  # ... and shows a sixth of that frame


def test_what_is_read_back_is_read_off_the_picture_that_is_shown(make_measurements):
    frames = shaken(make_measurements, [-1.0, 0.0, 2.0])
    middle = make_measurements().angles_deg[TK]
    departure = {"slope": 0.0}

    def read(log_attenuation):
        """A reader that sees the middle frame's angle in the mean of the frames, which their pixels number."""
        return {TK: middle + log_attenuation[0, 0] - 1.0 + departure["slope"]}

    agreeing = fuse(frames, SCALES, read=read)
    assert agreeing.reread_deg == {TK: pytest.approx(middle)}
    assert agreeing.contradicted == ()

    departure["slope"] = 4.5
    otherwise = fuse(frames, SCALES, read=read)
    assert otherwise.contradicted == (TK,)
    assert otherwise.repeat == (), "another scan would not mend it"


def test_an_angle_that_the_picture_does_not_show_is_not_read_back(make_measurements):
    frames = shaken(make_measurements, [-1.0, 0.0, 2.0])
    assert fuse(frames, SCALES, read=lambda _: {}).reread_deg == {}
    assert fuse(frames, SCALES).reread_deg == {}


def test_refused_frames_are_counted_by_reason(make_measurements):
    moving = refuse("moving", "at most 15 mm", "40 mm")
    close = refuse("too_close", "at least 0.7 m", "0.5 m")
    fused = fuse([moving, *shaken(make_measurements, [0, 0.1, 0.2]), moving, close], SCALES)
    assert fused.refusals == {"moving": 2, "too_close": 1}
    assert fused.rejected_frames == 3


def test_no_accepted_frame_names_the_most_frequent_refusal_with_its_advice():
    moving, close = refuse("moving", "at most 15 mm", "40 mm"), refuse("too_close", "at least 0.7 m", "0.5 m")
    with pytest.raises(RefusedError) as refused:
        fuse([close, moving, moving, moving], SCALES)
    line = refused.value.line()
    assert "0 of 4 frames accepted; 3 refused as moving" in line
    assert "expected at most 15 mm, found 40 mm" in line
    assert REASONS["moving"].advice in line
    assert refused.value.exit_code == 5


def test_too_few_accepted_frames_are_no_result(make_measurements):
    moving = refuse("moving", "at most 15 mm", "40 mm")
    good = shaken(make_measurements, [0.0] * MIN_ACCEPTED)
    assert fuse([*good, moving], SCALES).accepted_frames == MIN_ACCEPTED
    with pytest.raises(RefusedError, match="2 of 3 frames accepted"):
        fuse([*good[:-1], moving], SCALES)


def test_a_recording_of_one_frame_gives_a_result_without_repeatability(make_measurements):
    fused = fuse([make_measurements()], SCALES)
    assert fused.accepted_frames == 1
    assert fused.angles[TK].repeatability_deg is None
    assert fused.cobb.repeatability_deg is None


def test_no_frames_at_all_are_no_result():
    with pytest.raises(RefusedError, match="no frame"):
        fuse([], SCALES)


def test_landmarks_that_are_no_spine_are_refused(make_measurements):
    upside_down = make_measurements().endplates_mm[::-1]
    with pytest.raises(RefusedError, match="3 refused as implausible_spine"):
        fuse([make_measurements(endplates_mm=upside_down)] * 3, SCALES)
    crushed = make_measurements().endplates_mm * 0.1
    with pytest.raises(RefusedError, match="implausible_spine"):
        fuse([make_measurements(endplates_mm=crushed)] * 3, SCALES)


def test_contradicting_curves_are_refused(make_measurements):
    off = make_measurements(angles={"centreline_kyphosis": 120.0})
    with pytest.raises(RefusedError, match=r"curves_disagree.*centreline_kyphosis"):
        fuse([off] * 4, SCALES)


def test_gates_and_timing_are_medians_and_unmeasured_gates_are_left_out(make_measurements):
    gates = [{"distance_m": 1.0}, {"distance_m": 1.2, "shift_mm": 2.0}, {"distance_m": 1.6, "shift_mm": math.nan}]
    fused = fuse([make_measurements(i, gates=g) for i, g in enumerate(gates)], SCALES)
    assert fused.gates == {"distance_m": 1.2, "shift_mm": 2.0}
    assert fused.timing_ms == {"see": 11.0, "structure": 20.0}


def test_reasons_after_the_model_never_share_a_name_with_a_gate():
    assert not set(REASONS) & set(REASONS_AFTER_MODEL)


@given(offsets=st.lists(st.floats(-2, 2), min_size=3, max_size=12))
def test_the_order_of_frames_does_not_change_the_angles(offsets):
    spine_angles, frames = None, []
    for index, offset in enumerate(offsets):
        frames.append(_frame(index, offset))
        spine_angles = spine_angles or frames[0].angles_deg
    forward, backward = fuse(frames, SCALES), fuse(frames[::-1], SCALES)
    for name in ANGLE_NAMES:
        assert forward.angles[name].value_deg == backward.angles[name].value_deg
    values = [f.angles_deg[TK] for f in frames]
    assert min(values) <= forward.angles[TK].value_deg <= max(values)


def _frame(number, offset):
    from edge.measure.coronal import cobb_major
    from edge.pipeline import Measurements
    from edge.runtime.template_runner import mean_endplates_mm

    spine = mean_endplates_mm()
    angles = sagittal_angles(spine)
    return Measurements(
        angles | {TK: angles[TK] + offset}, dict.fromkeys(INTERVAL_NAMES, 5.0), cobb_major(spine), spine,
        np.ones((37, 4, 3)), np.zeros((512, 256), np.float32), {}, number, {},
    )

from __future__ import annotations

import math

import pytest

from edge.view.gates import GATES, REASONS, Refusal, judge, refuse

PASSING = {
    "frames_advanced": 1.0, "valid_share": 0.5, "subject_area_m2": 0.15, "other_subjects": 0.0, "distance_m": 1.2,
    "camera_pitch_deg": 0.0, "camera_roll_deg": 0.0, "cut_mm": 0.0, "visible_height_mm": 450.0, "offset_mm": 0.0,
    "trunk_lean_deg": -8.0, "trunk_list_deg": 0.0, "yaw_deg": 0.0, "shoulder_width_mm": 380.0,
    "waist_width_mm": 250.0, "waist_to_shoulder": 0.66, "convexity_mm": 20.0, "missing_share": 0.05, "fold_mm": 1.0,
    "depth_change_mm": 0.0, "shift_mm": 0.0,
}  # fmt: skip


def test_the_table_has_a_sample_for_every_quantity_and_it_passes() -> None:
    assert set(PASSING) == {gate.quantity for gate in GATES}
    assert judge(PASSING) is None


@pytest.mark.parametrize("gate", GATES, ids=lambda g: f"{g.quantity}-{g.reason}")
def test_every_gate_refuses_beyond_each_of_its_limits_and_on_nan(gate: object) -> None:
    limits = (gate.low - 1e-3, gate.high + 1e-3)  # type: ignore[attr-defined]
    bad = [v for v in limits if math.isfinite(v) and not (v < 0 <= gate.low)]  # type: ignore[attr-defined]
    for value in [*bad, math.nan]:
        refusal = judge({gate.quantity: value})  # type: ignore[attr-defined]
        assert refusal is not None
        assert refusal.reason in {g.reason for g in GATES if g.quantity == gate.quantity}  # type: ignore[attr-defined]


def test_every_reason_has_a_gate_and_every_gate_a_reason() -> None:
    assert {gate.reason for gate in GATES} == set(REASONS)


def test_the_first_failing_gate_of_the_table_names_the_refusal() -> None:
    refusal = judge({**PASSING, "distance_m": 0.5, "cut_mm": 400.0})
    assert refusal is not None
    assert refusal.reason == "too_close"


def test_a_refusal_says_what_was_expected_and_found_and_what_to_do() -> None:
    refusal = judge({"distance_m": 2.04})
    assert refusal is not None
    assert refusal.line() == (
        "too_far: the subject is too far from the camera; expected distance_m 0 to 1.7 m, found 2.04 m; "
        "Step back towards the camera, on to the mark."
    )


def test_an_unknown_reason_cannot_be_made() -> None:
    assert isinstance(refuse("clothed", "a", "b"), Refusal)
    with pytest.raises(KeyError):
        refuse("because", "a", "b")

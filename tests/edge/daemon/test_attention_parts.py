"""The small parts that attention is made of: presence, guidance, conditions, the frames of a scan."""

from __future__ import annotations

import pytest

from edge.camera.depth_camera import DEGRADATIONS
from edge.clock import ManualClock
from edge.daemon.conditions import CONDITIONS, Holding, health_event, holding
from edge.daemon.guidance import ASPECTS, NONE, READABLE_S, SteadyGuidance, guidance_for
from edge.daemon.presence import ABSENT, UNSEEN, UNTOLD, Presence
from edge.daemon.scan_window import ScanWindow
from edge.daemon.settings import ScanSettings
from edge.errors import RefusedError
from edge.view.gates import REASONS, refuse


def test_every_reason_of_a_gate_is_about_something_and_advises() -> None:
    assert set(ASPECTS) == set(REASONS)
    assert set(REASONS) >= ABSENT | UNTOLD | UNSEEN
    assert all(guidance_for(reason).advice.endswith(".") for reason in REASONS)
    assert {"distance", "centre", "tilt", "still", "shoulders", "clothing"} <= set(ASPECTS.values())


def test_advice_stays_long_enough_to_be_read() -> None:
    clock = ManualClock()
    steady, near, far = SteadyGuidance(clock), guidance_for("too_close"), guidance_for("too_far")
    assert steady.show(near) == near
    clock.advance(READABLE_S / 2)
    assert steady.show(far) == near
    clock.advance(READABLE_S)
    assert steady.show(far) == far
    steady.clear()

    assert steady.now == NONE
    assert steady.show(near) == near


def test_nobody_counts_as_gone_only_after_a_while() -> None:
    clock, events = ManualClock(), []
    presence = Presence(clock)
    for reason in ("too_close", "no_subject", "no_subject", None, "no_subject", "no_subject", "no_subject"):
        events.append(presence.event(reason, attending=True, left_s=1.0))
        clock.advance(0.6)

    assert events == ["subject", None, None, "aligned", None, None, "empty"]


def test_a_lone_refused_frame_changes_nothing_and_two_in_a_row_do() -> None:
    presence = Presence(ManualClock())
    reasons = ("tilted", None, "not_a_back", None, "not_a_back", "not_a_back", "not_a_back", None)
    events = [presence.event(reason, attending=True, left_s=1.0) for reason in reasons]
    assert events == ["subject", "aligned", None, "aligned", None, "subject", "subject", "aligned"]

    presence.forget()
    assert presence.event("not_a_back", attending=False, left_s=1.0) == "subject"


@pytest.mark.parametrize(("attending", "event"), [(True, "subject"), (False, None)])
def test_a_view_without_readings_is_somebody_only_while_attending(attending: bool, event: str | None) -> None:
    assert Presence(ManualClock()).event("missing_depth", attending, 1.0) == event


def test_an_old_frame_says_nothing_of_the_subject() -> None:
    assert Presence(ManualClock()).event("stale_frame", attending=True, left_s=0.0) is None


def test_the_cameras_degradations_are_conditions_and_only_blindness_forbids() -> None:
    assert set(DEGRADATIONS) <= set(CONDITIONS)
    assert {key for key in DEGRADATIONS if CONDITIONS[key].blocking} == {"no_depth"}


def test_what_forbids_comes_first_and_decides() -> None:
    active = holding({"usb2": "", "no_room": "3 MB free", "warm": None})

    assert active == (Holding("no_room", "3 MB free"), Holding("usb2"))
    assert active[0].line() == "results can no longer be kept: 3 MB free"
    assert [health_event(held) for held in (active, active[1:], ())] == ["blocked", "impaired", "sound"]


def test_an_unknown_condition_is_a_mistake_of_the_program() -> None:
    with pytest.raises(KeyError):
        holding({"rain": "wet"})


def test_good_frames_are_spread_and_refused_ones_cost_no_time(make_measurements, stand_in) -> None:
    clock = ManualClock()
    window = ScanWindow(ScanSettings(frames=3, spacing_s=0.5, over_s=6.0), clock)
    assert window.wants
    window.add(make_measurements(0))
    assert not window.wants
    clock.advance(0.5)
    window.add(refuse("moving", "still", "moving"))
    assert window.wants, "after a refused frame the next one is taken at once"
    window.add(make_measurements(1))
    clock.advance(0.5)
    assert window.progress == pytest.approx(2 / 3)
    window.add(make_measurements(2))

    assert window.complete
    result = window.fused(stand_in, "demo").result
    assert (result.accepted_frames, result.refusals) == (3, {"moving": 1})


def test_when_the_time_is_over_too_few_frames_are_no_result(make_measurements, stand_in) -> None:
    clock = ManualClock()
    window = ScanWindow(ScanSettings(frames=12, over_s=6.0), clock)
    window.add(make_measurements(0))
    clock.advance(6.0)

    assert window.complete
    with pytest.raises(RefusedError):
        window.fused(stand_in, "demo")


def test_a_slow_machine_takes_each_frame_as_it_comes(make_measurements) -> None:
    clock = ManualClock()
    window = ScanWindow(ScanSettings(frames=4, spacing_s=0.25, over_s=6.0), clock)
    for number in range(4):
        assert window.wants
        window.add(make_measurements(number))
        clock.advance(1.0)

    assert window.complete

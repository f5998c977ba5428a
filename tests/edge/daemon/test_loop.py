"""The kiosk's behaviour, from the outside: what it does with whom, and what it says about it."""

from __future__ import annotations

import json

import pytest

from edge.daemon.loop import CAMERA_GRACE_S
from edge.errors import BundleError, ServiceError
from edge.frame import Frame
from edge.health.logs import Discreet
from edge.health.metrics import METRICS, PREFIX
from edge.runtime.template_runner import template_bundle


def test_a_subject_is_guided_held_scanned_and_shown_by_itself(kiosk) -> None:
    k = kiosk()
    k.turn()
    assert k.state == "idle"
    k.camera.scene = "near"
    k.turn()
    assert k.state == "positioning"
    assert (k.status.guidance.aspect, k.status.guidance.reason) == ("distance", "too_close")
    assert k.status.shown == "Step away from the camera, on to the mark."
    k.camera.scene = "back"
    k.until("holding")
    held_s = k.until("scanning")
    scanned_s = k.until("result")

    assert held_s >= 1.0
    assert 11 * 0.25 <= scanned_s < 6.0
    (folder,) = k.results
    record = json.loads((folder / "result.json").read_text())
    assert record["quality"]["accepted_frames"] == 12
    assert k.status.result is not None
    shown = k.status.result.angles["sacral_slope"].value_deg
    assert shown == record["angles"]["sacral_slope"]["value_deg"]
    assert k.metric("scans_total", outcome="stored") == 1
    assert ("scan_done", {}) in k.link.events


def test_the_same_subject_is_not_scanned_twice_but_the_next_one_is(kiosk) -> None:
    k = kiosk(scan={"frames": 3, "over_s": 2.0, "hold_s": 0.2})
    k.turn()
    k.camera.scene = "back"
    k.until("result")
    k.turn(30)
    assert k.state == "result"
    k.camera.scene = "nobody"
    left_s = k.until("idle")
    assert left_s >= 1.0
    k.camera.scene = "back"
    k.until("result")

    assert len(k.results) == 2


def test_the_same_subject_is_scanned_again_where_the_configuration_says_so(kiosk) -> None:
    k = kiosk(scan={"frames": 3, "over_s": 2.0, "hold_s": 0.2, "repeat_after_s": 2.0})
    k.turn()
    k.camera.scene = "back"
    k.until("result")
    k.until("scanning")
    k.until("result")

    assert len(k.results) == 2


def half_held(kiosk):
    """A kiosk with somebody before it who has held still for half a second."""
    k = kiosk()
    k.turn()
    k.camera.scene = "back"
    k.until("holding")
    k.turn(5, 0.1)
    return k


def test_moving_away_while_holding_begins_the_hold_anew(kiosk) -> None:
    k = half_held(kiosk)
    k.camera.scene = "beside"
    k.turn(2)
    assert k.state == "positioning"
    k.camera.scene = "back"
    k.until("holding")

    assert k.until("scanning") >= 1.0


def test_one_frame_that_is_refused_while_holding_does_not_begin_the_hold_anew(kiosk) -> None:
    k = half_held(kiosk)
    refused = k.metric("frames_total", outcome="refused")
    k.camera.scene = "torn"
    k.turn(1, 0.1)
    k.camera.scene = "back"

    assert k.until("scanning") < 0.5
    assert k.metric("frames_total", outcome="refused") == refused + 1


def test_a_scan_that_gets_no_good_frames_gives_no_result_and_says_why(kiosk) -> None:
    k = kiosk()
    k.turn()
    k.camera.scene = "back"
    k.until("scanning")
    k.camera.scene = "near"
    took_s = k.until("positioning", within_s=7.0)

    assert 6.0 <= took_s < 6.5
    assert k.results == []
    assert "too_close" in k.status.problem
    assert k.metric("scans_total", outcome="refused") == 1
    assert k.status.result is None


def test_without_auto_a_scan_begins_only_on_command_and_keeps_its_reference(kiosk) -> None:
    k = kiosk(scan={"auto": False, "frames": 3, "over_s": 2.0, "hold_s": 0.2})
    k.turn()
    k.camera.scene = "back"
    k.turn(30)
    assert k.state == "holding"
    assert k.ask("scan", subject_ref="class-7-child-3").status == "ok"
    k.until("result")

    (folder,) = k.results
    assert json.loads((folder / "result.json").read_text())["subject_ref"] == "class-7-child-3"


def test_a_reference_never_sticks_to_who_comes_next(kiosk) -> None:
    k = kiosk(scan={"frames": 3, "over_s": 2.0, "hold_s": 0.2})
    k.turn()
    k.ask("scan", subject_ref="child-1")
    assert k.state == "positioning"
    k.turn(30)
    assert k.state == "positioning", "a commanded scan waits for its subject"
    k.camera.scene = "near"
    k.turn(3)
    k.camera.scene = "nobody"
    k.until("idle")
    k.camera.scene = "back"
    k.until("result")

    (folder,) = k.results
    assert json.loads((folder / "result.json").read_text())["subject_ref"] is None


def test_a_commanded_scan_that_nobody_comes_to_is_given_up(kiosk) -> None:
    k = kiosk(scan={"request_s": 5.0})
    k.turn()
    k.ask("scan")

    assert k.until("idle", every_s=0.5) >= 5.0
    assert ("scan_given_up", {"reason": "expired"}) in k.link.events


def test_cancel_ends_the_scan_and_leaves_the_subject_alone_until_it_left(kiosk) -> None:
    k = kiosk()
    k.turn()
    k.camera.scene = "back"
    k.until("scanning")
    assert k.ask("cancel").status == "ok"
    k.turn(20)
    assert k.state == "idle"
    k.camera.scene = "nobody"
    k.turn(15)
    k.camera.scene = "back"
    k.until("scanning")

    assert k.results == []
    assert k.metric("scans_total", outcome="given_up") == 1


@pytest.mark.parametrize(
    ("verb", "state", "why"),
    [("cancel", "idle", "no scan to give up"), ("scan", "no_camera", "there is no camera"),
     ("scan", "scanning", "a scan runs already")],
)  # fmt: skip
def test_a_command_that_does_not_fit_is_refused_with_its_reason(kiosk, verb: str, state: str, why: str) -> None:
    k = kiosk()
    k.turn()
    if state == "no_camera":
        k.camera.lose()
    elif state == "scanning":
        k.camera.scene = "back"
    k.until(state)
    reply = k.ask(verb)

    assert reply.status == "error"
    assert why in (reply.error or "")
    assert k.state == state


def test_live_mode_measures_every_frame_and_stores_none(kiosk) -> None:
    k = kiosk(scan={"auto": False})
    k.turn()
    assert k.ask("live", enabled=True).data == {"enabled": True}
    k.camera.scene = "back"
    k.turn(2)  # who has just come has moved
    seen = []
    for _ in range(5):
        k.turn()
        frame = k.service.parts.live.newest()
        assert frame is not None
        seen.append(frame.sequence)
    assert len(set(seen)) == 5
    assert set(frame.angles_deg) >= {"sacral_slope"}
    k.camera.scene = "near"
    k.turn()
    assert k.service.parts.live.newest() is None, "no angle of a frame that failed a gate"
    k.ask("live", enabled=False)
    k.camera.scene = "back"
    k.turn(3)

    assert k.service.parts.live.newest() is None
    assert k.results == []


def test_a_missing_camera_is_waited_for_without_end(kiosk) -> None:
    k = kiosk()
    k.camera.scene = ""
    k.camera.come_back("starting")
    k.turn(1, CAMERA_GRACE_S / 2)
    assert (k.state, k.status.ready) == ("starting", False)
    k.turn(1, CAMERA_GRACE_S)
    assert k.state == "no_camera"
    assert {"READY": "1", "STATUS": "no_camera"} in k.notifier.sent
    k.turn(200, 10.0)
    assert k.state == "no_camera"
    k.camera.scene = "nobody"
    k.camera.come_back()
    k.turn(3)

    assert k.state == "idle"
    assert [event for event, _ in k.link.events] == ["camera_lost", "camera_back"]


def test_a_camera_lost_in_the_middle_of_a_scan_leaves_no_result(kiosk) -> None:
    k = kiosk()
    k.turn()
    k.camera.scene = "back"
    k.until("scanning")
    k.turn(3)
    k.camera.lose()
    k.turn()
    assert k.state == "no_camera"
    k.camera.come_back()
    k.until("result", within_s=12)

    assert len(k.results) == 1
    assert k.metric("scans_total", outcome="given_up") == 1
    assert ("camera_lost", {"reason": "gone"}) in k.link.events


def test_a_camera_that_was_away_between_two_turns_is_noticed(kiosk) -> None:
    k = kiosk()
    k.turn()
    k.camera.counters["failures_total"] += 1
    k.turn()

    assert k.metric("state_entered_total", state="no_camera") == 1
    assert k.state == "idle"


def test_a_camera_at_usb_2_speed_degrades_the_device_which_still_scans(kiosk) -> None:
    k = kiosk(scan={"frames": 3, "over_s": 2.0, "hold_s": 0.2})
    k.camera.come_back("degraded", "usb2")
    k.turn(2)
    assert k.state == "degraded"
    assert k.link.states[-1]["reasons"][0]["key"] == "usb2"
    assert k.link.states[-1]["can_scan"] is True
    k.camera.scene = "back"
    k.until("result")
    k.camera.scene = "nobody"
    k.until("degraded")
    k.camera.come_back()
    k.turn()

    assert k.state == "idle"
    assert ("condition_over", {"key": "usb2"}) in k.link.events


def test_a_camera_that_sees_nothing_blocks(kiosk) -> None:
    k = kiosk()
    k.turn()
    k.camera.scene = ""
    k.camera.come_back("degraded", "no_depth")
    k.turn()
    assert k.state == "degraded"
    reply = k.ask("scan")

    assert reply.error == "the camera sees nothing at all"


def test_a_full_disk_refuses_scans_with_a_reason_before_anything_is_measured(kiosk) -> None:
    k = kiosk(outbox={"min_free_mb": 1e12})
    k.turn()
    assert k.state == "degraded"
    k.camera.scene = "back"
    k.turn(20)
    assert k.state == "degraded"
    assert "MB free" in (k.ask("scan").error or "")
    assert k.status.can_scan is False
    assert k.metric("frames_total", outcome="passed") == 0


def test_room_that_comes_back_ends_the_refusal(kiosk) -> None:
    k = kiosk()
    room = ["no room"]
    k.service.parts.store._room = lambda: room[0]
    k.turn(1, 3.0)
    assert k.state == "degraded"
    room[0] = None
    k.turn(1, 3.0)

    assert k.state == "idle"


def test_a_result_that_cannot_be_kept_is_no_result(kiosk) -> None:
    k = kiosk(scan={"frames": 3, "over_s": 2.0, "hold_s": 0.2})
    k.turn()
    k.service._scans.joinpath("x").write_text("")
    k.camera.scene = "back"
    k.until("scanning")
    folder = k.service._scans
    folder.rename(folder.with_name("gone"))
    folder.write_text("a file where the folder was")
    k.until("degraded")

    assert k.metric("scans_total", outcome="not_stored") == 1
    assert k.status.result is None
    folder.unlink()
    folder.with_name("gone").rename(folder)
    k.camera.scene = "nobody"
    k.until("idle")


def test_heat_first_lowers_the_rate_then_pauses_then_all_is_well_again(kiosk) -> None:
    k = kiosk(live={"max_hz": 10.0})
    k.turn()
    k.thermals.celsius = 92.0  # passive trip point 99, margin 8
    k.turn(2, 1.1)
    assert k.state == "degraded"
    assert k.link.states[-1]["can_scan"] is True
    before = k.camera.number
    k.turn(20, 0.1)
    assert k.camera.number - before <= 11, "half of ten frames a second, in two seconds"
    k.thermals.celsius = 98.0
    k.turn(1, 1.1)
    assert "too hot" in (k.ask("scan").error or "")
    k.thermals.celsius = 60.0
    k.turn(40, 1.0)

    assert k.state == "idle"


def test_a_model_that_fails_is_tried_again(kiosk) -> None:
    bundle = template_bundle()
    k = kiosk({"bundle": lambda _: bundle}, scan={"frames": 3, "over_s": 2.0, "hold_s": 0.2})
    k.turn()
    k.camera.scene = "back"
    k.until("scanning")
    good = bundle.structure.run
    failing = True

    def run(tensors):
        if failing:
            raise BundleError("stage structure failed while running")
        return good(tensors)

    bundle.structure.run = run
    k.turn(2)
    assert k.state == "degraded"
    assert k.link.states[-1]["reasons"][0]["key"] == "model_failing"
    failing = False
    k.turn(1, 1.1)
    k.until("result")

    assert k.metric("model_failures_total") == 1


def test_a_model_that_goes_on_failing_ends_the_process_for_the_service_manager(kiosk) -> None:
    bundle = template_bundle()
    k = kiosk({"bundle": lambda _: bundle})
    k.turn()

    def run(tensors):
        raise BundleError("stage structure failed while running")

    bundle.structure.run = run
    k.camera.scene = "back"
    with pytest.raises(ServiceError, match="5 times in a row") as caught:
        k.turn(200, 0.5)
    assert caught.value.exit_code == 75


def test_the_watchdog_is_pinged_once_a_turn_and_not_otherwise(kiosk) -> None:
    k = kiosk()
    before = k.notifier.pings
    k.turn(7)

    assert k.notifier.pings - before == 7


def test_ready_comes_after_the_warm_up_and_the_first_frame(kiosk) -> None:
    k = kiosk()
    assert not [sent for sent in k.notifier.sent if "READY" in sent]
    k.turn()

    assert [sent for sent in k.notifier.sent if "READY" in sent] == [{"READY": "1", "STATUS": "idle"}]
    assert k.metric("ready") == 1


def test_a_restart_is_an_end_that_the_service_manager_answers(kiosk) -> None:
    k = kiosk()
    k.turn()
    k.ask("restart")

    assert k.daemon.run() == 75
    assert k.state == "stopping"


def test_a_camera_that_is_given_up_ends_the_loop_in_good_order(kiosk) -> None:
    k = kiosk()
    k.turn()
    k.camera.failure = ServiceError("the camera failed 60 times in a row")
    with pytest.raises(ServiceError):
        k.service.run()

    assert k.state == "stopping"
    assert k.link.stopped
    assert k.camera.closed
    assert {"STOPPING": "1", "STATUS": "stopping"} in k.notifier.sent


def test_a_wipe_deletes_and_takes_the_result_off_the_screen(kiosk) -> None:
    k = kiosk(scan={"frames": 3, "over_s": 2.0, "hold_s": 0.2})
    k.turn()
    k.camera.scene = "back"
    k.until("result")
    reply = k.ask("wipe", confirm="wipe")
    k.turn()

    assert reply.data == {"results": 1, "queued": 0}
    assert k.results == []
    assert k.status.result is None


def test_a_result_leaves_the_screen_a_while_after_its_subject(kiosk) -> None:
    k = kiosk(scan={"frames": 3, "over_s": 2.0, "hold_s": 0.2, "shown_s": 30})
    k.turn()
    k.camera.scene = "back"
    k.until("result")
    k.turn(40, 1.0)
    assert k.status.result is not None, "whoever stands there may look at it for as long as they like"
    k.camera.scene = "nobody"
    k.until("idle")
    k.turn(28, 1.0)
    assert k.status.result is not None
    k.turn(4, 1.0)
    assert k.status.result is None
    assert len(k.results) == 1, "it only leaves the screen"


def test_figures_go_out_every_ten_seconds(kiosk) -> None:
    k = kiosk()
    k.turn(21, 1.0)

    assert len(k.link.stats) == 2
    assert k.link.stats[-1]["frames_per_s"] == pytest.approx(1.0)
    assert k.link.stats[-1]["camera"]["state"] == "streaming"


def test_nothing_that_is_said_or_logged_names_the_subject(kiosk, caplog) -> None:
    caplog.handler.addFilter(Discreet())
    caplog.set_level("DEBUG")
    k = kiosk(scan={"frames": 3, "over_s": 2.0, "hold_s": 0.2})
    k.turn()
    k.ask("scan", subject_ref="maria-07")
    k.camera.scene = "back"
    k.until("result")
    said = json.dumps([k.link.states, k.link.events, k.link.stats, k.link.info, k.notifier.sent], default=str)
    said += caplog.text + k.service.parts.metrics.text().decode()

    (folder,) = k.results
    assert "maria-07" in (folder / "result.json").read_text()
    assert "maria-07" not in said
    assert folder.name not in said


def test_a_frame_without_a_subject_costs_no_model_run(kiosk, demo_frames: list[Frame]) -> None:
    k = kiosk()
    k.turn(10)

    assert k.metric("frames_total", outcome="refused") == 10
    assert k.metric("step_duration_seconds_count", step="structure") is None


def test_a_model_that_fails_after_the_last_frame_costs_the_scan_and_not_the_kiosk(kiosk, monkeypatch) -> None:
    def failing(*_: object) -> None:
        raise BundleError("the reader failed")

    k = kiosk(scan={"frames": 3, "over_s": 2.0, "hold_s": 0.2})
    k.turn()
    k.camera.scene = "back"
    k.until("scanning")
    monkeypatch.setattr("edge.daemon.scan_window.answer", failing)
    k.until("positioning")

    assert k.results == []
    assert k.metric("model_failures_total") == 1
    monkeypatch.undo()
    k.until("result")


def test_every_metric_of_the_table_is_kept_by_somebody(kiosk) -> None:
    k = kiosk(scan={"frames": 3, "over_s": 2.0, "hold_s": 0.2}, mqtt={"host": "127.0.0.1", "port": 1})
    k.camera.come_back("degraded", "usb2")
    k.thermals.events = 1
    k.turn()
    k.ask("cancel")
    k.camera.scene = "near"
    k.turn(2)
    k.camera.scene = "back"
    k.until("result")
    k.turn(1, 3.0)
    metrics = k.service.parts.metrics
    value = {family.name: sum(sample.value for sample in family.samples) for family in metrics.registry.collect()}
    stays_0_here = {"clock_synced", "broker_connected", "model_failures_total"}

    for name in METRICS.keys() - stays_0_here:
        kept = value[f"{PREFIX}_{name}".removesuffix("_total")]
        assert kept or name in metrics._followed, f"{name} was never set, counted or followed"
    assert k.metric("temperature_celsius", zone="tj-thermal") == 40.0
    assert k.metric("condition", condition="usb2") == 1

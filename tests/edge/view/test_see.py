"""The way from a frame to the back view, on an analytic back whose every depth is known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from edge.frame import Frame, Intrinsics
from edge.lift import midline_skin
from edge.view.back_view import BackView
from edge.view.gates import Refusal
from edge.view.grid import BACK_VIEW
from edge.view.see import see

Take = Callable[..., Any]
POSES = {
    "square": {},
    "near": {"distance_m": 1.0},
    "far, tilted": {"distance_m": 1.5, "pitch_deg": 8.0, "roll_deg": 8.0},
    "turned, tilted the other way": {"yaw_deg": 10.0, "pitch_deg": -8.0, "roll_deg": -8.0},
    "aside and turned": {"distance_m": 1.5, "yaw_deg": -10.0, "aside_mm": 100.0},
    "before a wall, on a floor": {"wall_m": 1.55, "floor_mm": -1100.0},
}


def accepted(frame: Frame, previous: Frame | None = None) -> BackView:
    view = see(frame, previous)
    assert isinstance(view, BackView), view.line()
    return view


def refused(frame: Frame, previous: Frame | None = None) -> Refusal:
    refusal = see(frame, previous)
    assert isinstance(refusal, Refusal), refusal.gates
    assert refusal.expected
    assert refusal.found
    return refusal


def person_from_body(shot: Any, view: BackView) -> np.ndarray:
    return shot.person_from_camera @ np.linalg.inv(view.body_from_camera)


def depth_errors_mm(shot: Any, view: BackView) -> np.ndarray:
    """Recovered minus true depth of the trunk's cells, each taken back to the person's own frame."""
    y, z = np.meshgrid(BACK_VIEW.rows_y_mm, BACK_VIEW.cols_u_mm, indexing="ij")
    to_person = person_from_body(shot, view)
    point = np.stack([view.surface_x_mm, y, z], -1) @ to_person[:3, :3].T + to_person[:3, 3]
    trunk = view.mask & (np.abs(z) < 95) & (y < -40) & (y > -430)
    return (point[..., 0] - shot.back.depth(point[..., 1], point[..., 2]))[trunk]


def slope_errors_deg(shot: Any, view: BackView, rows: int = 15) -> np.ndarray:
    """Error of the mid-line's sagittal slope over 45 mm, y in [-420, -60]."""
    y = BACK_VIEW.rows_y_mm
    skin = midline_skin(view)
    assert skin is not None
    truth = shot.back.sagittal(y + person_from_body(shot, view)[1, 3])
    keep = (y > -420) & (y < -60)
    slopes = [(v[2 * rows // 2 :] - v[: -2 * rows // 2]) / (rows * BACK_VIEW.mm_per_px) for v in (skin, truth)]
    angles = np.degrees(np.arctan(slopes))
    return (angles[0] - angles[1])[keep[rows // 2 : -(rows - rows // 2)]]


@pytest.mark.parametrize("camera", ["d455 portrait", "d435 portrait"])
@pytest.mark.parametrize("pose", POSES)
def test_depth_and_sagittal_slope_are_recovered_from_any_pose(
    take: Take, person: Any, cameras: dict[str, Intrinsics], camera: str, pose: str
) -> None:
    shot = take(person, cameras[camera], **POSES[pose])
    view = accepted(shot.frame)
    errors = depth_errors_mm(shot, view)
    assert np.sqrt((errors**2).mean()) < 0.5
    assert np.abs(errors).max() < 2.0
    assert np.abs(slope_errors_deg(shot, view)).max() < 0.5
    yaw = POSES[pose].get("yaw_deg", 0.0)
    assert abs(person_from_body(shot, view)[2, 3]) < 4 + 0.7 * abs(yaw)  # the mid-line of the person is found
    assert view.gates["yaw_deg"] == pytest.approx(yaw, abs=0.8 + 0.16 * abs(yaw))


def test_shoulder_line_and_depth_origin_hold_between_cameras_and_poses(
    take: Take, person: Any, cameras: dict[str, Intrinsics]
) -> None:
    origins = np.array(
        [
            person_from_body(shot, accepted(shot.frame))[:3, 3]
            for camera in ("d455 portrait", "d435 portrait")
            for shot in (take(person, cameras[camera], **pose) for pose in POSES.values())
        ]
    )
    assert np.ptp(origins[:, 0]) < 1.0
    assert np.ptp(origins[:, 1]) < 8.0


def test_a_landscape_sensor_in_a_portrait_mount_sees_the_same(
    take: Take, person: Any, cameras: dict[str, Intrinsics]
) -> None:
    upright = accepted(take(person, cameras["d455 portrait"]).frame)
    shot = take(person, cameras["d455 landscape"], roll_deg=90.0)
    assert abs(shot.frame.gravity[0]) == pytest.approx(1)
    view = accepted(shot.frame)
    both = view.mask & upright.mask
    assert np.median(np.abs(view.surface_x_mm - upright.surface_x_mm)[both]) < 1.0


def test_stereo_noise_is_averaged_away(take: Take, person: Any) -> None:
    shot = take(person, noise_px=0.08, seed=5)
    errors = depth_errors_mm(shot, accepted(shot.frame))
    assert np.sqrt((errors**2).mean()) < 0.6
    assert abs(errors.mean()) < 0.2


def test_a_scan_cut_at_neck_and_sacrum_without_background_is_accepted(take: Take, make_person: Take) -> None:
    scan = make_person(head=False, arms=False, cut_below_mm=-430.0)
    view = accepted(take(scan).frame)
    assert view.gates["visible_height_mm"] == pytest.approx(430 + 23, abs=15)


def test_colour_lands_on_the_skin_that_carries_it(take: Take, person: Any) -> None:
    frame = take(person).frame
    colour = np.zeros((*frame.depth_m.shape, 3), np.uint8)
    colour[:, :, 0] = 200
    colour[:, 360:, 2] = 100  # the right half of the picture
    view = accepted(replace(frame, colour=colour))
    assert view.colour is not None
    assert tuple(view.colour[120, 40]) == (200, 0, 0)
    assert tuple(view.colour[120, 90]) == (200, 0, 100)
    assert (view.colour[~view.mask] == 0).all()


def test_scattered_missing_readings_are_bridged_and_large_holes_stay_masked(take: Take, person: Any) -> None:
    shot = take(person)
    depth = shot.frame.depth_m.copy()
    lost = np.random.default_rng(3).random(depth.shape) < 0.15
    depth[lost] = np.where(np.random.default_rng(4).random(int(lost.sum())) < 0.5, 0.0, np.nan)
    depth[700:730, 385:415] = 0.0
    view = accepted(replace(shot.frame, depth_m=depth))
    errors = depth_errors_mm(shot, view)
    assert np.sqrt((errors**2).mean()) < 0.7
    assert view.gates["missing_share"] == pytest.approx(0.16, abs=0.04)
    hole = view.body_from_camera @ [*(np.array([40.0, 75.0, 640.0]) * 1180 / 640), 1.0]
    row, col = int(BACK_VIEW.row_of(hole[1])), int(BACK_VIEW.col_of(hole[2]))
    assert not view.mask[row, col]
    assert view.mask[row, col - 15]


@pytest.mark.parametrize(
    ("reason", "scene"),
    [
        ("too_close", {"distance_m": 0.55}),
        ("too_far", {"distance_m": 2.0}),
        ("not_centred", {"aside_mm": 260.0}),
        ("turned", {"yaw_deg": 32.0}),
        ("tilted", {"pitch_deg": 30.0, "height_mm": -900.0}),
        ("tilted", {"roll_deg": 33.0}),
        ("partial", {"height_mm": -1230.0}),
        ("partial", {"height_mm": 560.0, "distance_m": 0.8}),
    ],
)
def test_a_badly_placed_subject_is_refused_with_the_reason(
    take: Take, person: Any, reason: str, scene: dict[str, float]
) -> None:
    assert refused(take(person, **scene).frame).reason == reason


def test_half_a_subject_at_the_image_border_is_refused(take: Take, person: Any) -> None:
    assert refused(take(person, aside_mm=650.0).frame).reason in {"partial", "not_centred"}


def test_an_empty_room_has_no_subject(take: Take) -> None:
    assert refused(take(None, wall_m=2.4, floor_mm=-1100.0, height_mm=0.0).frame).reason == "no_subject"
    assert refused(take(None, wall_m=1.2, height_mm=0.0).frame).reason == "no_subject"


@pytest.mark.parametrize("value", [0.0, np.nan, np.inf, -1.0])
def test_a_frame_without_readings_is_refused(take: Take, person: Any, value: float) -> None:
    frame = take(person).frame
    empty = replace(frame, depth_m=np.full_like(frame.depth_m, value))
    assert refused(empty).reason == "missing_depth"


def test_a_trunk_with_half_of_its_readings_lost_is_refused(take: Take, person: Any) -> None:
    frame = take(person).frame
    depth = np.where(np.random.default_rng(1).random(frame.depth_m.shape) < 0.5, 0, frame.depth_m)
    assert refused(replace(frame, depth_m=depth.astype(np.float32))).reason == "missing_depth"


def test_a_board_and_a_chair_are_not_backs(take: Take, person: Any) -> None:
    frame = take(person).frame
    board = np.zeros_like(frame.depth_m)
    board[400:900, 250:470] = 1.2
    assert refused(replace(frame, depth_m=board)).reason == "not_a_back"
    chair = np.zeros_like(frame.depth_m)
    chair[600:760, 270:450] = 1.2
    chair[760:900, 275:290] = chair[760:900, 430:445] = 1.2
    assert refused(replace(frame, depth_m=chair)).reason in {"not_a_back", "partial", "no_subject"}


def test_folds_of_loose_cloth_are_refused_and_noise_is_not(take: Take, make_person: Take) -> None:
    assert refused(take(make_person(wave_mm=12.0)).frame).reason == "clothed"
    assert accepted(take(make_person(), noise_px=0.12).frame).gates["fold_mm"] < 2.0


def test_a_second_person_is_refused(take: Take, person: Any) -> None:
    frame = take(person).frame
    beside = np.roll(frame.depth_m, 300, axis=1)
    depth = np.where(frame.depth_m > 0, frame.depth_m, beside * 1.1)
    assert refused(replace(frame, depth_m=depth.astype(np.float32))).reason == "two_subjects"


def test_movement_between_frames_is_refused_and_stillness_is_not(take: Take, person: Any) -> None:
    first = take(person).frame

    def later(**scene: float) -> Frame:
        frame = take(person, **scene).frame
        return replace(frame, number=1, captured_at_ns=2_000, device_time_ms=33.0)

    assert accepted(later(), first).gates["depth_change_mm"] == pytest.approx(0, abs=0.1)
    assert refused(later(distance_m=1.22), first).reason == "moving"
    assert refused(later(aside_mm=40.0), first).reason == "moving"


@pytest.mark.parametrize("change", [{"number": 0}, {"captured_at_ns": 1_000}, {"device_time_ms": 0.0}])
def test_a_frame_that_did_not_advance_is_stale(take: Take, person: Any, change: dict[str, Any]) -> None:
    first = take(person).frame
    second = replace(first, **{"number": 1, "captured_at_ns": 2_000, "device_time_ms": 33.0, **change})
    assert refused(second, first).reason == "stale_frame"


def test_gravity_that_tells_nothing_or_a_wrong_shape_is_refused_not_raised(take: Take, person: Any) -> None:
    frame = take(person).frame
    assert refused(replace(frame, gravity=np.array([0.0, np.nan, 0.0]))).reason == "tilted"
    assert refused(replace(frame, depth_m=frame.depth_m[:100])).reason == "missing_depth"


def test_every_gate_of_an_accepted_frame_is_measured(take: Take, person: Any) -> None:
    first = take(person).frame
    second = replace(first, number=1, captured_at_ns=2_000, device_time_ms=33.0)
    from edge.view.gates import GATES

    assert set(accepted(second, first).gates) == {gate.quantity for gate in GATES}


@pytest.mark.parametrize("seed", range(4))
def test_rubbish_never_raises(seed: int, cameras: dict[str, Intrinsics]) -> None:
    rng = np.random.default_rng(seed)
    camera = cameras["thumbnail"]
    depth = rng.choice(
        np.array([0, np.nan, np.inf, -np.inf, 1e-20, 1e30, 1.2, 0.9], np.float32), (camera.height, camera.width)
    )
    frame = Frame(depth, None, camera, rng.normal(size=3), 1, 1.0, 1)
    assert isinstance(see(frame), Refusal)

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from edge.frame import Frame
from edge.view.gravity import mount_of
from edge.view.segment import Segment, Thinned, background_limit, find_subject, thin

Take = Callable[..., Any]


def segmented(frame: Frame) -> tuple[Thinned, Segment | None]:
    mount = mount_of(frame.gravity)
    assert mount is not None
    view = thin(frame, mount.level_from_camera)
    return view, find_subject(view, frame.intrinsics.fx)


def found(frame: Frame) -> tuple[Thinned, Segment]:
    view, segment = segmented(frame)
    assert segment is not None
    return view, segment


def test_thinning_levels_the_points_and_takes_a_second_reading_where_the_first_is_lost(
    take: Take, person: Any
) -> None:
    frame = take(person, pitch_deg=8.0, roll_deg=-8.0).frame
    mount = mount_of(frame.gravity)
    assert mount is not None
    view = thin(frame, mount.level_from_camera)
    assert view.step == 4
    back = view.x_m[view.valid]
    assert 1.15 < np.quantile(back, 0.02) < 1.2
    depth = frame.depth_m.copy()
    depth[2::4, 2::4] = np.nan
    again = thin(replace(frame, depth_m=depth), mount.level_from_camera)
    assert again.valid.sum() > 0.9 * view.valid.sum()


def test_wall_and_floor_are_not_part_of_the_subject(take: Take, person: Any) -> None:
    alone = found(take(person).frame)[1]
    view, segment = found(take(person, wall_m=1.55, floor_mm=-1100.0).frame)
    assert segment.area_m2 == pytest.approx(alone.area_m2, rel=0.2)
    assert view.x_m[segment.mask].max() < 1.45


def test_a_room_without_a_person_has_no_subject(take: Take) -> None:
    assert segmented(take(None, wall_m=2.4, floor_mm=-1100.0, height_mm=0.0).frame)[1] is None


def test_a_piece_that_lost_readings_cut_off_is_not_taken_for_the_person(take: Take, person: Any) -> None:
    frame = take(person).frame
    depth = frame.depth_m.copy()
    _, whole = found(frame)
    depth[1000:1010] = 0.0  # a gap of 19 mm below the waist
    depth[1010:] -= np.where(depth[1010:] > 0, np.float32(0.05), np.float32(0))  # ... and the rest is nearer
    _, segment = found(replace(frame, depth_m=depth))
    assert segment.mask[:250].sum() == pytest.approx(whole.mask[:250].sum(), rel=0.02)
    assert segment.others == 0


def test_a_head_cut_off_from_the_trunk_belongs_to_it(take: Take, person: Any) -> None:
    frame = take(person).frame
    _, whole = found(frame)
    depth = frame.depth_m.copy()
    neck = int(639.5 - (200 + 90) / 1180 * 640)
    depth[neck - 8 : neck + 8] = 0.0
    _, segment = found(replace(frame, depth_m=depth))
    assert segment.mask[: neck // 4 - 4].sum() > 0.9 * whole.mask[: neck // 4 - 4].sum()


def test_a_person_in_the_background_is_not_a_second_subject_and_one_beside_is(take: Take, person: Any) -> None:
    frame = take(person).frame
    other = np.roll(frame.depth_m, 300, axis=1)
    behind = np.where(frame.depth_m > 0, frame.depth_m, other + np.where(other > 0, 1.2, 0)).astype(np.float32)
    beside = np.where(frame.depth_m > 0, frame.depth_m, other).astype(np.float32)
    assert found(replace(frame, depth_m=behind))[1].others == 0
    assert found(replace(frame, depth_m=beside))[1].others == 1


def test_the_background_limit_lies_between_the_skin_and_a_wall(take: Take, person: Any) -> None:
    view, segment = found(take(person, wall_m=1.55, floor_mm=-1100.0).frame)
    limit = background_limit(view, segment.mask)
    assert (limit[segment.mask] > view.x_m[segment.mask]).all()
    assert limit.max() < 1.5


def test_what_a_frame_was_thinned_to_is_kept_for_the_next_one_but_not_under_another_mount(
    take: Take, person: Any
) -> None:
    frame = take(person).frame
    level = np.eye(3)
    first = thin(frame, level)
    assert thin(frame, level) is first
    turned = thin(frame, level[[0, 2, 1]])
    assert turned is not first
    np.testing.assert_array_equal(turned.y_m, first.z_m)
    assert thin(replace(frame), level) is not first

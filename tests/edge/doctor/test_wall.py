from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from edge.doctor.wall import wall_noise


@pytest.mark.parametrize(("noise_mm", "distance_m", "tilt_deg"), [(0.5, 1.2, 0.0), (3.0, 1.2, 10.0), (6.0, 2.0, -20.0)])
def test_the_noise_that_was_put_on_a_wall_is_found(
    make_wall, noise_mm: float, distance_m: float, tilt_deg: float
) -> None:
    found = wall_noise(make_wall(noise_mm, distance_m, tilt_deg))
    assert found is not None
    assert found.is_wall
    assert found.rms_mm == pytest.approx(noise_mm * np.cos(np.radians(tilt_deg)), rel=0.06)
    assert found.over_time_mm == pytest.approx(noise_mm, rel=0.06)
    assert found.tilt_deg == pytest.approx(abs(tilt_deg), abs=0.3)
    assert found.distance_m == pytest.approx(distance_m, rel=0.01)


def test_holes_and_a_few_wild_readings_do_not_matter(make_wall) -> None:
    frames = make_wall(2.0)
    for frame in frames:
        frame.depth_m[50:60, 90:100] = 0.0
        frame.depth_m[40, 100] = np.nan
        frame.depth_m[70, 80:90] = 9.0
    found = wall_noise(frames)
    assert found is not None
    assert found.rms_mm == pytest.approx(2.0, rel=0.06)
    assert 0.9 < found.valid < 1.0


def test_a_body_is_no_wall(body) -> None:
    found = wall_noise(body)
    assert found is not None
    assert not found.is_wall


def test_nothing_in_view_is_nothing_to_measure(make_wall) -> None:
    blind = [replace(frame, depth_m=np.zeros_like(frame.depth_m)) for frame in make_wall()]
    assert wall_noise(blind) is None


def test_one_frame_tells_nothing_about_time(make_wall) -> None:
    found = wall_noise(make_wall(count=1))
    assert found is not None
    assert np.isnan(found.over_time_mm)
    assert found.rms_mm > 0

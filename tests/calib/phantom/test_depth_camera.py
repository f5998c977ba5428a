"""The rendered camera: exact perspective depth, right poses and gravity, noise of the stated size, passable frames."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from calib.phantom.depth_camera import render_clean, render_frames, sample_view, true_poses
from calib.phantom.height_field import HeightField, Mesh, triangulate
from calib.phantom.mount import CAMERA_MODELS, View, back_middle_mm, straight_view
from calib.phantom.sampler import sample_subject
from calib.phantom.shading import draw_light
from calib.phantom.stereo_noise import StereoError, apply_stereo_error
from edge.errors import UsageError
from edge.view.gates import Refusal
from edge.view.see import see

LIGHT = draw_light(np.random.default_rng(0))
TILTED = View(
    camera_model="D455 848x480", width=480, height=848, distance_m=1.1, pitch_deg=6, roll_deg=-5, yaw_deg=7,
    wall_m=None, floor=False,
)


def sheet(x_of: str, step_mm: float = 3.0) -> Mesh:
    """A plane or a cylinder 400 mm wide as a height field around the origin."""
    y = np.arange(300, -303, -step_mm, dtype=np.float32)
    z = np.arange(-150, 153, step_mm, dtype=np.float32)
    x = np.zeros((len(y), len(z)), np.float32)
    if x_of == "plane":
        x += 0.2 * y[:, None] - 0.1 * z[None, :]
    else:
        x -= np.sqrt(200.0**2 - z[None, :] ** 2)
    ones = np.ones((*x.shape, 3), np.float32)
    return triangulate(HeightField(y, z, x.astype(np.float32), np.ones_like(x), ones, 0 * x))


def rays_and_pose(view: View) -> tuple[np.ndarray, np.ndarray]:
    subject = sample_subject(0, "sensor")
    k = view.intrinsics
    u, v = np.meshgrid(np.arange(k.width), np.arange(k.height))
    rays = np.stack([(u - k.cx) / k.fx, (v - k.cy) / k.fy, np.ones_like(u, float)], -1)
    return rays, view.camera_from_subject(subject)


def test_depth_of_a_plane_is_exact_at_every_pixel() -> None:
    subject, (rays, pose) = sample_subject(0, "sensor"), rays_and_pose(TILTED)
    clean = render_clean(sheet("plane"), subject, TILTED, pose, LIGHT, TILTED.intrinsics)

    normal = pose[:3, :3] @ np.array([1.0, -0.2, 0.1])
    expected_m = (normal @ pose[:3, 3]) / (rays @ normal) / 1000
    seen = clean.depth_m > 0
    assert seen.sum() > 20_000
    assert np.abs(clean.depth_m[seen] - expected_m[seen]).max() < 2e-5


def test_depth_of_a_cylinder_differs_by_its_facets_alone() -> None:
    subject, (rays, pose) = sample_subject(0, "sensor"), rays_and_pose(TILTED)
    clean = render_clean(sheet("cylinder"), subject, TILTED, pose, LIGHT, TILTED.intrinsics)

    points = rays * clean.depth_m[..., None] * 1000
    body = (points - pose[:3, 3]) @ pose[:3, :3]
    seen = (clean.depth_m > 0) & (np.abs(body[..., 2]) < 140)
    radius = np.hypot(body[seen][:, 0], body[seen][:, 2])
    assert seen.sum() > 20_000
    assert np.abs(radius - 200).max() < 0.02  # sagitta of a 3 mm chord: 0.006 mm


def test_a_view_sees_the_middle_of_the_back_where_its_offsets_say() -> None:
    subject = sample_subject(1, "typical")
    middle = np.append(back_middle_mm(subject), 1.0)

    straight = View(distance_m=1.3).camera_from_subject(subject) @ middle
    offset = View(distance_m=1.3, height_offset_m=0.1, lateral_offset_m=0.05).camera_from_subject(subject) @ middle

    assert straight[:3] == pytest.approx([0, 0, 1300])
    assert offset[:3] == pytest.approx([-50, 100, 1300])  # the camera stands higher and to the right


@pytest.mark.parametrize(("field", "expected"), [("pitch_deg", (0, 1, 1)), ("roll_deg", (1, 1, 0))])
def test_gravity_turns_with_the_mount(field: str, expected: tuple[int, int, int]) -> None:
    frame = render_frames(sample_subject(0, "sensor"), straight_view("D435i 848x480", **{field: 8.0}), 1, 0)[0]

    # Looking down, gravity leans forwards (+z); the camera turned clockwise, gravity leans to its right (+x).
    assert np.sign(np.round(frame.gravity, 6)).tolist() == list(expected)
    assert np.rad2deg(np.arccos(frame.gravity[1])) == pytest.approx(8.0)


def test_frames_are_the_same_for_the_same_seed_and_differ_for_another() -> None:
    subject, view = sample_subject(2, "typical"), straight_view("D435i 848x480")
    first, again, other = (render_frames(subject, view, 1, seed)[0] for seed in (4, 4, 5))

    assert np.array_equal(first.depth_m, again.depth_m)
    assert first.colour is not None
    assert again.colour is not None
    assert np.array_equal(first.colour, again.colour)
    assert not np.array_equal(first.depth_m, other.depth_m)


def test_frames_of_one_recording_move_as_their_true_poses_say() -> None:
    subject, view = sample_subject(2, "hard"), straight_view("D435i 848x480")
    poses = true_poses(subject, view, 6, 9)

    apart = [np.linalg.norm((p - poses[0])[:3, 3]) for p in poses]
    assert max(apart) > 0.1
    assert max(apart) < 30.0
    still = true_poses(sample_subject(2, "sensor"), view, 6, 9)
    assert all(np.array_equal(p, still[0]) for p in still)


def flat_error(**changes: float) -> StereoError:
    """Noise alone: no bias, no holes, no edges."""
    plain = StereoError(
        noise_px=0.08, correlation_px=1.2, step_px=1e-4, ripple_px=0.0, ripple_phase=0.0, bow_mm=np.zeros((3, 3)),
        at_m=1.2, scale=0.0, offset_mm=0.0, hole_share=0.0, grazing_cos=0.18, edge_px=2,
    )
    return dataclasses.replace(plain, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize("depth_m", [0.9, 1.5])
@pytest.mark.parametrize("name", list(CAMERA_MODELS))
def test_noise_grows_with_the_square_of_the_distance(name: str, depth_m: float) -> None:
    model = CAMERA_MODELS[name]
    clean = np.full((400, 300), depth_m, np.float32)

    noisy = apply_stereo_error(
        clean, 0 * clean, model.focal_px, model.baseline_m, flat_error(), np.random.default_rng(1)
    )

    sigma_m = depth_m**2 * 0.08 / (model.focal_px * model.baseline_m)
    assert noisy.std() == pytest.approx(sigma_m, rel=0.05)
    neighbours = np.corrcoef(noisy[:, 1:].ravel(), noisy[:, :-1].ravel())[0, 1]
    assert neighbours == pytest.approx(np.exp(-1 / (4 * 1.2**2)), abs=0.05)


def test_disparity_comes_in_steps() -> None:
    clean = np.linspace(1.0, 1.1, 4000, dtype=np.float32).reshape(40, 100)

    stepped = apply_stereo_error(
        clean, 0 * clean, 640.0, 0.05, flat_error(noise_px=0.0, step_px=1 / 32, edge_px=0), np.random.default_rng(1)
    )

    disparity = 32.0 / stepped[stepped > 0] * 32
    assert np.abs(disparity - np.round(disparity)).max() < 1e-2


def test_bias_and_holes_are_of_the_stated_size() -> None:
    clean = np.full((480, 480), 1.2, np.float32)
    error = flat_error(noise_px=0.0, scale=0.01, offset_mm=5.0, hole_share=0.1)

    biased = apply_stereo_error(clean, 0 * clean, 640.0, 0.05, error, np.random.default_rng(1))

    assert np.median(biased[biased > 0]) == pytest.approx(1.2 * 1.01 + 0.005, abs=1e-3)
    assert (biased == 0).mean() == pytest.approx(0.1, abs=0.02)


def test_the_shadow_of_a_near_thing_lies_on_one_side_of_it() -> None:
    clean = np.full((300, 100), 2.0, np.float32)
    clean[100:150] = 1.0

    seen = apply_stereo_error(clean, 0 * clean, 640.0, 0.05, flat_error(edge_px=0), np.random.default_rng(1))

    lost_above, lost_below = (seen[60:98] == 0).sum(), (seen[152:190] == 0).sum()
    assert lost_above == 0
    assert lost_below == pytest.approx(100 * (32 - 16 - 2), abs=300)  # rows = difference of the disparities


@pytest.mark.parametrize("tier", ["sensor", "typical"])
def test_most_frames_pass_the_gates_of_the_device(tier: str) -> None:
    refused = []
    for seed in range(6):
        view = sample_view(np.random.default_rng([seed, 12]), tier)
        seen = see(render_frames(sample_subject(seed, tier), view, 1, seed)[0])
        if isinstance(seen, Refusal):
            refused.append(seen.reason)

    assert len(refused) <= 1, refused


def test_an_unknown_camera_is_named_with_those_that_exist() -> None:
    with pytest.raises(UsageError, match="D455 1280x720"):
        straight_view("Kinect")

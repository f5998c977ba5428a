"""The rear surface: exact on the mid-line, dressed below the waistband, and never seen from in front."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from calib.phantom.appearance import draw_appearance
from calib.phantom.height_field import HeightField, triangulate
from calib.phantom.relief import posterior_iliac_y_mm, spinous_bumps
from calib.phantom.sampler import sample_subject
from calib.phantom.skin import skin_layers, skin_mesh
from calib.phantom.trunk import keep_midline, trunk_rows

SEEDS = (0, 3, 14, 26)


def on_midline(trunk: HeightField, spinous_z_mm: np.ndarray) -> np.ndarray:
    """Surface x on the spinous line, per row."""
    return np.array([np.interp(z, trunk.z_mm, x) for z, x in zip(spinous_z_mm[:, 0], trunk.x_mm, strict=True)])


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("tier", ["sensor", "hard"])
def test_the_skin_over_the_spinous_processes_lies_on_the_profile_that_carries_the_statistics(
    seed: int, tier: str
) -> None:
    subject = sample_subject(seed, tier)
    look = dataclasses.replace(draw_appearance(subject), hair_style="short")
    trunk = skin_layers(subject, look)[0]
    rows = trunk_rows(subject, trunk.y_mm)
    bumps = on_midline(dataclasses.replace(trunk, x_mm=spinous_bumps(subject, rows, trunk.z_mm)), rows.spinous_z_mm)

    off = on_midline(trunk, rows.spinous_z_mm) + bumps - rows.back_x_mm[:, 0]

    shown = (trunk.y_mm > subject.torso.waistband_y_mm + 3) & (trunk.y_mm < subject.spine_photo.centres_mm[0, 1])
    assert shown.sum() > 100
    assert np.abs(off[shown]).max() < 0.2


def test_without_the_correction_relief_would_move_the_midline() -> None:
    subject = sample_subject(3, "typical")
    trunk = skin_layers(subject)[0]
    rows = trunk_rows(subject, trunk.y_mm)
    shifted = trunk.x_mm + 5.0

    restored = dataclasses.replace(trunk, x_mm=keep_midline(shifted, rows, trunk.z_mm))

    moved = dataclasses.replace(trunk, x_mm=shifted)
    assert np.abs(on_midline(moved, rows.spinous_z_mm) - rows.back_x_mm[:, 0]).max() > 4
    assert np.abs(on_midline(restored, rows.spinous_z_mm) - rows.back_x_mm[:, 0]).max() < 0.05


@pytest.mark.parametrize("seed", range(12))
def test_the_waistband_lies_just_below_the_posterior_iliac_spines(seed: int) -> None:
    subject = sample_subject(seed, "typical")

    assert 0.0 < posterior_iliac_y_mm(subject) - subject.torso.waistband_y_mm < 40.0


@pytest.mark.parametrize("seed", SEEDS)
def test_everything_below_the_waistband_is_cloth_in_depth_and_colour(seed: int) -> None:
    subject = sample_subject(seed, "typical")
    look = draw_appearance(subject)
    blue = dataclasses.replace(
        look, cloth_colour=np.array([0.0, 0.0, 1.0]), band_colour=np.array([0.0, 0.0, 1.0]),
        skin_colour=np.array([0.8, 0.0, 0.0]), hair_style="short", hair_colour=np.array([0.0, 0.5, 0.0]),
    )
    trunk, _, _, legs = skin_layers(subject, blue)
    below = trunk.y_mm < subject.torso.waistband_y_mm

    red_above, red_below = trunk.albedo[~below, :, 0], trunk.albedo[below, :, 0]
    assert below.sum() > 20
    assert red_above.max() > 0.5  # the guard can fail: above, skin is seen
    assert red_below.max() == 0.0
    assert legs.albedo[..., 0].max() < 0.1  # cloth and shoes

    bare_x = trunk_rows(subject, trunk.y_mm).back_x_mm
    dressed = on_midline(trunk, trunk_rows(subject, trunk.y_mm).spinous_z_mm)
    near = below & (trunk.y_mm > subject.torso.waistband_y_mm - 80)
    assert (bare_x[near, 0] - dressed[near]).min() >= 0.4  # cloth stands off everywhere


@pytest.mark.parametrize("seed", SEEDS)
def test_no_surface_faces_forwards(seed: int) -> None:
    mesh = skin_mesh(sample_subject(seed, "hard"))

    assert np.isfinite(mesh.vertices_mm).all()
    assert mesh.normals[:, 0].max() < 0.0


def test_the_same_seed_gives_the_same_skin_and_another_seed_another() -> None:
    first, again, other = (skin_mesh(sample_subject(seed, "typical")) for seed in (5, 5, 6))

    assert np.array_equal(first.vertices_mm, again.vertices_mm)
    assert np.array_equal(first.albedo, again.albedo)
    assert first.vertices_mm.shape != other.vertices_mm.shape or not np.array_equal(
        first.vertices_mm, other.vertices_mm
    )


def test_the_background_shows_between_arm_and_waist() -> None:
    subject = sample_subject(0, "typical")
    trunk, left, right, _ = skin_layers(subject)
    waist = float(subject.spine_photo.centres_mm[14, 1])
    trunk_row = int(np.argmin(np.abs(trunk.y_mm - waist)))
    trunk_inside = trunk.z_mm[trunk.inside_mm[trunk_row] > 0]

    for arm, edge, side in ((left, trunk_inside.min(), -1), (right, trunk_inside.max(), 1)):
        row = int(np.argmin(np.abs(arm.y_mm - waist)))
        arm_inside = arm.z_mm[arm.inside_mm[row] > 0]
        assert side * (arm_inside.min() if side > 0 else arm_inside.max()) > side * edge + 5.0


def test_outline_vertices_lie_on_the_outline_and_not_on_the_grid() -> None:
    y = np.arange(30, -33, -3, dtype=np.float32)
    z = np.arange(-30, 33, 3, dtype=np.float32)
    radius = np.hypot(y[:, None], z[None, :]).astype(np.float32)
    x = np.where(radius < 20, -np.sqrt(np.maximum(400 - radius**2, 0)), 4 * (radius - 20)).astype(np.float32)
    flat = np.zeros((*x.shape, 3), np.float32)

    mesh = triangulate(HeightField(y, z, x, -x, flat, flat[..., 0]))

    used = np.unique(mesh.triangles)
    reach = np.hypot(mesh.vertices_mm[used, 1], mesh.vertices_mm[used, 2])
    assert 19.0 < reach.max() < 21.6  # the grid's own corner would be at 23

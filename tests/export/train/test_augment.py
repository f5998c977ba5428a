"""Augmentations change the view and its truth together."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from edge.lift import back_tensor
from edge.view.grid import BACK_VIEW, RADIOGRAPH
from export.train import augment
from export.train.angles import measured_angles
from export.train.sample import AS_SEEN


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(5)


def test_the_mirror_keeps_sagittal_angles_and_cobb_and_is_its_own_inverse(made, rng) -> None:
    sample = made(20.0, 12.0)
    mirrored = augment.mirror(sample, rng)
    np.testing.assert_allclose(measured_angles(mirrored.endplates_mm), measured_angles(sample.endplates_mm), atol=1e-3)
    assert not np.allclose(mirrored.endplates_mm, sample.endplates_mm)
    twice = augment.mirror(mirrored, rng)
    np.testing.assert_array_equal(twice.endplates_mm, sample.endplates_mm)
    np.testing.assert_array_equal(twice.view.surface_x_mm, sample.view.surface_x_mm)


def test_mirroring_exchanges_left_and_right_points(made, rng) -> None:
    endplates = augment.mirror(made(20.0, 12.0), rng).endplates_mm
    assert (endplates[:, 2, 2] < endplates[:, 3, 2]).all()


@pytest.mark.parametrize("shift", [augment.shift_height, augment.shift_depth])
def test_a_shift_moves_skin_landmarks_and_film_together(made, rng, shift) -> None:
    sample = made(20.0)
    for _ in range(4):
        moved = shift(sample, rng)
        by = (moved.endplates_mm - sample.endplates_mm)[0, 0]
        rows, cols = round(-by[1] / RADIOGRAPH.mm_per_px), round(-by[0] / RADIOGRAPH.mm_per_px)
        if rows or cols:
            break
    assert rows or cols
    inner = (slice(100, 400), slice(60, 200))
    shifted = (slice(100 + rows, 400 + rows), slice(60 + cols, 200 + cols))
    np.testing.assert_array_equal(moved.log_attenuation[shifted], sample.log_attenuation[inner])
    row, col = 120, 64
    down = round(-by[1] / BACK_VIEW.mm_per_px)
    want = sample.view.surface_x_mm[row, col] + by[0]
    assert moved.view.surface_x_mm[row + down, col] == pytest.approx(want, abs=1e-3)


@pytest.mark.parametrize(("change", "where"), [
    (augment.crop_neck, (slice(0, 12), slice(None))),
    (augment.crop_waist, (slice(222, 256), slice(None))),
    (augment.crop_sides, (slice(None), slice(0, 1))),
    (augment.trim_outline, (slice(130, 140), slice(0, 1))),
])
def test_a_crop_clears_mask_surface_and_colour(made, rng, change, where) -> None:
    sample = made(20.0)
    view = change(sample, rng).view
    assert not view.mask[where].any()
    assert (view.surface_x_mm[~view.mask] == 0).all()
    assert (view.colour[~view.mask] == 0).all()
    assert view.mask.sum() > 0.4 * sample.view.mask.sum()


def test_dropping_colour_reaches_the_network_as_colour_absent(made, rng) -> None:
    sample = made(20.0)
    assert back_tensor(sample.view)[7].max() == 1.0
    assert back_tensor(augment.drop_colour(sample, rng).view)[4:].max() == 0.0


def test_augmentation_is_deterministic_in_its_seed_and_leaves_the_sample_alone(made) -> None:
    sample = made(20.0, 12.0)
    before = sample.view.surface_x_mm.copy()
    first, again, other = (augment.augment(sample, np.random.default_rng(n)) for n in (1, 1, 2))
    np.testing.assert_array_equal(first.view.surface_x_mm, again.view.surface_x_mm)
    assert not np.array_equal(first.view.surface_x_mm, other.view.surface_x_mm)
    np.testing.assert_array_equal(sample.view.surface_x_mm, before)


def test_samples_without_truth_can_be_augmented(made) -> None:
    bare = dataclasses.replace(made(20.0, colour=False), endplates_mm=None, log_attenuation=None)
    for seed in range(20):
        augment.augment(bare, np.random.default_rng(seed))


def test_flanks_are_reshaped_and_the_mid_line_is_not(made, rng) -> None:
    sample = made(20.0)
    before, after = sample.view, augment.reshape_flanks(sample, rng).view
    moved = np.where(before.mask, np.abs(after.surface_x_mm - before.surface_x_mm), 0)
    z = np.abs(BACK_VIEW.cols_u_mm)
    assert moved[:, z <= 20.0].max() == 0.0
    near, far = (moved[:, (z >= low) & (z <= low + 15.0)].mean() for low in (30.0, 90.0))
    assert 0.0 < near < far < 40.0
    np.testing.assert_array_equal(after.mask, before.mask)


@pytest.mark.parametrize("share", [AS_SEEN, 0.8])
def test_some_samples_keep_the_surface_that_the_device_saw(made, share: float) -> None:
    sample = dataclasses.replace(made(20.0, 12.0), as_seen=share)
    seen = {sample.view.surface_x_mm.tobytes(), np.ascontiguousarray(sample.view.surface_x_mm[:, ::-1]).tobytes()}
    kept = sum(
        augment.augment(sample, np.random.default_rng(seed)).view.surface_x_mm.tobytes() in seen for seed in range(300)
    )
    assert kept / 300 == pytest.approx(share, abs=0.08)

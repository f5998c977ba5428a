"""The cache renders through the device's path, resumes, and never mixes the splits."""

from __future__ import annotations

import numpy as np
import pytest

from calib.phantom.depth_camera import render_frames
from calib.phantom.mount import straight_view
from calib.phantom.relief import posterior_iliac_y_mm
from calib.phantom.sampler import sample_subject
from edge.errors import UsageError
from edge.view.grid import RADIOGRAPH
from edge.view.see import see
from export.train.angles import measured_angles
from export.train.phantom_source import PhantomCache, otherwise_dressed, render_cache
from export.train.sample import SampleSource
from export.train.sources import JoinedSource, WithRadiograph

TIER = "sensor"


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cache")
    counts = render_cache(folder, TIER, range(1_000_000, 1_000_003), 1, radiograph_share=1.0)
    assert counts["subjects"] == 3
    render_cache(folder, TIER, range(100_000, 100_001), 1, radiograph_share=0.0)
    return folder


def test_a_cached_subject_has_the_phantoms_own_angles(cache) -> None:
    source = PhantomCache(cache, TIER, "train")
    assert isinstance(source, SampleSource)
    for index in range(len(source)):
        seed = int(source[index].source.removeprefix("phantom:"))
        truth = sample_subject(seed, TIER).spine_radiograph.endplates_mm
        np.testing.assert_allclose(measured_angles(source[index].endplates_mm), measured_angles(truth), atol=0.01)


def test_the_skin_lies_behind_the_spine_and_the_film_shows_bone_at_the_vertebrae(cache) -> None:
    sample = PhantomCache(cache, TIER, "train")[0]
    centre = sample.endplates_mm[16:30].mean(axis=1)
    assert sample.log_attenuation.shape == (RADIOGRAPH.rows, RADIOGRAPH.cols)
    for x, y, _ in centre:
        row, col = round(float(RADIOGRAPH.row_of(y))), round(float(RADIOGRAPH.col_of(x)))
        assert sample.log_attenuation[row, col] > 0.5
        skin = sample.view.surface_x_mm[row // 2, 60:68]
        assert skin.max() < x - 15


def test_a_training_subject_wears_its_trousers_anywhere_about_the_pelvis_and_the_phantom_just_below_it() -> None:
    worn = []
    for seed in range(1_000_000, 1_000_040):
        subject = sample_subject(seed, TIER)
        dressed = otherwise_dressed(subject)
        worn.append(posterior_iliac_y_mm(subject) - dressed.torso.waistband_y_mm)
        assert otherwise_dressed(subject).torso.waistband_y_mm == dressed.torso.waistband_y_mm
        assert 0.0 < posterior_iliac_y_mm(subject) - subject.torso.waistband_y_mm < 30.0
    assert -24.0 <= min(worn) < -12.0
    assert 14.0 < max(worn) <= 26.0


def test_a_view_that_stands_for_the_mean_of_four_is_as_calm_as_the_mean_of_four() -> None:
    subject, camera = sample_subject(100_000, TIER), straight_view("D435i 1280x720")

    def roughness_mm(*frames) -> float:
        views = [see(frame) for frame in frames]
        mask = np.all([view.mask for view in views], axis=0)
        mean = np.mean([view.surface_x_mm for view in views], axis=0, dtype=float)
        step = np.diff(mean, n=2, axis=0)[mask[2:] & mask[1:-1] & mask[:-2]]
        return float(np.median(np.abs(step - np.median(step))))

    alone, *others = render_frames(subject, camera, 4, 100_000)
    calm = render_frames(subject, camera, 1, 100_000, mean_of=4)
    assert roughness_mm(*calm) == pytest.approx(roughness_mm(alone, *others), rel=0.12)
    assert roughness_mm(*calm) < 0.7 * roughness_mm(alone)


def test_a_second_rendering_does_nothing_and_a_longer_one_only_what_is_missing(cache) -> None:
    assert render_cache(cache, TIER, range(1_000_000, 1_000_003), 1)["subjects"] == 0
    before = {p: p.stat().st_mtime_ns for p in (cache / TIER).iterdir()}
    assert render_cache(cache, TIER, range(1_000_064, 1_000_065), 1, radiograph_share=0.0)["subjects"] == 1
    assert all(p.stat().st_mtime_ns == t for p, t in before.items())
    assert not list((cache / TIER).glob("*.part*"))


def test_splits_stay_apart(cache) -> None:
    assert len(PhantomCache(cache, TIER, "validation")) == 1
    with pytest.raises(UsageError, match="are not train seeds"):
        PhantomCache(cache, TIER, "train", range(100_000, 100_001))
    with pytest.raises(UsageError, match="cross two splits"):
        render_cache(cache, TIER, range(999_990, 1_000_010), 1)
    with pytest.raises(UsageError, match="no test subjects"):
        PhantomCache(cache, TIER, "test")


def test_subjects_without_a_radiograph_are_left_out_for_stage_2(cache) -> None:
    both = JoinedSource([PhantomCache(cache, TIER, "train"), PhantomCache(cache, TIER, "validation")])
    with_film = WithRadiograph(both)
    assert 0 < len(with_film) < len(both)
    assert all(with_film[i].log_attenuation is not None for i in range(len(with_film)))
    with pytest.raises(UsageError, match="no sample with a radiograph"):
        WithRadiograph(PhantomCache(cache, TIER, "validation"))

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.anatomy import ENDPLATES
from edge.measure.tilts import coronal_tilts_deg, sagittal_tilts_deg, vertebral_centres_mm

FINITE = st.floats(-40, 40)


def rotate(points, axis, degrees):
    a = np.radians(degrees)
    c, s = np.cos(a), np.sin(a)
    i, j = {"z": (0, 1), "x": (1, 2)}[axis]
    out = points.copy()
    out[..., i], out[..., j] = c * points[..., i] - s * points[..., j], s * points[..., i] + c * points[..., j]
    return out


def test_a_raised_anterior_rim_is_a_positive_sagittal_tilt():
    rim = np.zeros((37, 4, 3))
    rim[:, 0] = (10, 10, 0)
    np.testing.assert_allclose(sagittal_tilts_deg(rim), 45.0)


def test_a_raised_right_side_is_a_positive_coronal_tilt():
    rim = np.zeros((37, 4, 3))
    rim[:, 3] = (0, 10, 10)
    np.testing.assert_allclose(coronal_tilts_deg(rim), 45.0)


def test_the_tilts_that_a_spine_was_built_from_are_read_back(spine):
    rng = np.random.default_rng(3)
    sagittal, coronal = rng.uniform(-40, 40, 37), rng.uniform(-30, 30, 37)
    rim = spine(sagittal, coronal)
    np.testing.assert_allclose(sagittal_tilts_deg(rim), sagittal, atol=1e-9)
    np.testing.assert_allclose(coronal_tilts_deg(rim), coronal, atol=1e-9)


def test_batches_are_measured_as_their_members_are(spine):
    rng = np.random.default_rng(4)
    spines = np.stack([spine(rng.uniform(-40, 40, 37), rng.uniform(-30, 30, 37)) for _ in range(3)])
    np.testing.assert_allclose(sagittal_tilts_deg(spines)[1], sagittal_tilts_deg(spines[1]))
    assert vertebral_centres_mm(spines).shape == (3, 18, 3)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 1000), turn=FINITE)
def test_a_rotation_about_z_adds_the_same_to_every_sagittal_tilt(seed, turn):
    rim = np.random.default_rng(seed).normal(0, 1, (37, 4, 3))
    rim[:, 0, 0], rim[:, 1, 0] = 20, -20
    np.testing.assert_allclose(sagittal_tilts_deg(rotate(rim, "z", turn)) - sagittal_tilts_deg(rim), turn, atol=1e-8)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 1000), turn=FINITE)
def test_a_rotation_about_x_adds_the_same_to_every_coronal_tilt(seed, turn):
    rim = np.random.default_rng(seed).normal(0, 1, (37, 4, 3))
    rim[:, 3, 2], rim[:, 2, 2] = 20, -20
    np.testing.assert_allclose(coronal_tilts_deg(rim) - coronal_tilts_deg(rotate(rim, "x", turn)), turn, atol=1e-8)


def test_a_vertebral_centre_is_the_middle_of_its_two_endplates(ordinary):
    centres = vertebral_centres_mm(ordinary)
    assert len(ENDPLATES) == 37
    np.testing.assert_allclose(centres[0], (ordinary[0].mean(0) + ordinary[1].mean(0)) / 2)
    assert np.all(np.diff(centres[:, 1]) < 0)
